-- Whom we told that somebody's data was corrected, deleted or restricted, because they had got it from us (GDPR Art. 19).
CREATE TABLE case_recipient (
  id        TEXT PRIMARY KEY,
  case_id   TEXT NOT NULL REFERENCES case_file (id),
  recipient TEXT NOT NULL,
  state     TEXT NOT NULL,
  why       BLOB,
  told_on   BIGINT,
  UNIQUE (case_id, recipient)
);

CREATE INDEX case_recipient_open ON case_recipient (id) WHERE state = 'open';
