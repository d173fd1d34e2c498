-- Messages of a request, both ways; words, names of files and reasons are sealed under the case's key and fall with it.
-- `side`: person · officer. `kind`: message · question (the case waits for its answer). `source`: page · mail. `role`: which of
-- the officer's roles. `read_at`: when the person said that they read it.
CREATE TABLE case_message (
  id      TEXT PRIMARY KEY,
  case_id TEXT NOT NULL REFERENCES case_file (id),
  side    TEXT NOT NULL,
  kind    TEXT NOT NULL,
  source  TEXT NOT NULL,
  written TEXT NOT NULL,
  role    TEXT NOT NULL,
  at      BIGINT NOT NULL,
  letter  BLOB NOT NULL,
  read_at BIGINT
);

CREATE INDEX case_message_case ON case_message (case_id, id);

CREATE TABLE case_attachment (
  id         TEXT PRIMARY KEY,
  message_id TEXT NOT NULL REFERENCES case_message (id),
  case_id    TEXT NOT NULL REFERENCES case_file (id),
  called     BLOB NOT NULL,
  media      TEXT NOT NULL,
  size       BIGINT NOT NULL,
  blob_id    TEXT NOT NULL,
  keep_until BIGINT NOT NULL
);

CREATE INDEX case_attachment_case ON case_attachment (case_id);

-- While a law forbids to tell the person who looked (GDPR Art. 23): named by counsel, with an end; looks from `since` on show then.
CREATE TABLE case_silence (
  id       TEXT PRIMARY KEY,
  case_id  TEXT NOT NULL REFERENCES case_file (id),
  law      TEXT NOT NULL,
  why      BLOB NOT NULL,
  set_by   TEXT NOT NULL,
  since    BIGINT NOT NULL,
  ends_at  BIGINT NOT NULL,
  ended_at BIGINT,
  ended_by TEXT
);

CREATE INDEX case_silence_case ON case_silence (case_id);

-- Since when a message of the person waits for an officer; empty when nothing does.
ALTER TABLE case_file ADD COLUMN wrote_at BIGINT;

CREATE INDEX case_file_wrote_at ON case_file (wrote_at);
