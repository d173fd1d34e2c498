-- What came in once: the mark of a line of a list, or of an officer's form, and the request that it became. The mark is a
-- keyed hash, so that the same list opens nothing twice.
CREATE TABLE case_arrival (
  mark    BLOB PRIMARY KEY,
  case_id TEXT NOT NULL REFERENCES case_file (id),
  at      BIGINT NOT NULL
);

-- What came in by mail. `became`: case · thread · waiting (an officer has to read it) · automatic (a machine wrote it) · done.
-- `mark`: hash of what does not change when a mail server tries again. `asked`: blind index of the sender's address, so that
-- what is kept is found and deleted with its person. The message itself lies in the blob, whole, until `keep_until`.
CREATE TABLE case_mail (
  id         TEXT PRIMARY KEY,
  mark       BLOB NOT NULL UNIQUE,
  became     TEXT NOT NULL,
  why        TEXT NOT NULL,
  case_id    TEXT REFERENCES case_file (id),
  asked      BLOB,
  blob_id    TEXT,
  size       BIGINT NOT NULL,
  at         BIGINT NOT NULL,
  done_by    TEXT,
  done_at    BIGINT,
  keep_until BIGINT
);

CREATE INDEX case_mail_became ON case_mail (became, at);

CREATE INDEX case_mail_asked ON case_mail (asked);

CREATE INDEX case_mail_keep_until ON case_mail (keep_until);

-- A list of earlier requests, between its dry run and its commit: the file lies sealed in the blob for an hour.
CREATE TABLE case_list (
  id         TEXT PRIMARY KEY,
  sha256     TEXT NOT NULL,
  blob_id    TEXT NOT NULL,
  planned_by TEXT NOT NULL,
  planned_at BIGINT NOT NULL,
  opened     BIGINT,
  done_at    BIGINT
);
