-- Records that may be one person's: hints and what officers found. A hint merges nothing.

-- Only for e-mail addresses whose mailbox has a plainer spelling (ana+shop@…, dots at Gmail): that spelling's blind index.
CREATE TABLE spelling (
  identifier TEXT PRIMARY KEY REFERENCES identifier (id),
  mailbox    BLOB NOT NULL
);

CREATE INDEX spelling_mailbox ON spelling (mailbox);

-- `one` < `other`. `why`: mailbox, together or form. `state`: open, linked or dismissed; `reason` is one of a closed list.
CREATE TABLE duplicate (
  id        TEXT PRIMARY KEY,
  one       TEXT NOT NULL REFERENCES identifier (id),
  other     TEXT NOT NULL REFERENCES identifier (id),
  why       TEXT NOT NULL,
  since     BIGINT NOT NULL,
  by        TEXT NOT NULL,
  state     TEXT NOT NULL,
  closed_at BIGINT,
  closed_by TEXT,
  reason    TEXT,
  UNIQUE (one, other, why)
);

CREATE INDEX duplicate_other ON duplicate (other);

CREATE INDEX duplicate_open ON duplicate (id) WHERE state <> 'dismissed';
