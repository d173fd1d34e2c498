-- Imports: a batch is planned (dry run), committed in journalled parts, in force with its last part, and can be undone.

-- `options` and the counts name columns and purposes, nobody; `details` (file name, lines with what is wrong) is sealed.
CREATE TABLE batch (
  id             TEXT PRIMARY KEY,
  sha256         BLOB NOT NULL,
  options        TEXT NOT NULL,
  planned        TEXT NOT NULL,
  done           TEXT NOT NULL,
  details        BLOB NOT NULL,
  planned_by     TEXT NOT NULL,
  planned_at     BIGINT NOT NULL,
  phase          TEXT NOT NULL,
  position       BIGINT NOT NULL,
  parts          BIGINT NOT NULL,
  started_at     BIGINT,
  started_by     TEXT,
  in_force_at    BIGINT,
  undone_at      BIGINT,
  undone_by      TEXT,
  undone_why     BLOB,
  noes_undone_at BIGINT
);

-- The words of one transaction, from the first to the last: what connected systems are told when a batch begins to count.
CREATE TABLE batch_part (
  batch  TEXT NOT NULL REFERENCES batch (id),
  number BIGINT NOT NULL,
  first  TEXT NOT NULL,
  last   TEXT NOT NULL,
  PRIMARY KEY (batch, number)
);

ALTER TABLE decision ADD COLUMN batch TEXT;

CREATE INDEX decision_batch ON decision (batch, id) WHERE batch IS NOT NULL;

-- The words of each batch stand beside all others ('' for those of no batch), so that a batch begins and ceases to count
-- with one row, and what stood before stands again exactly.
ALTER TABLE permission RENAME TO permission_without_batches;

CREATE TABLE permission (
  identifier TEXT NOT NULL REFERENCES identifier (id),
  purpose    TEXT NOT NULL,
  channel    TEXT NOT NULL,
  topic      TEXT NOT NULL,
  grade      TEXT NOT NULL,
  answer     TEXT NOT NULL,
  batch      TEXT NOT NULL,
  said_at    BIGINT NOT NULL,
  expires_at BIGINT,
  decision   TEXT NOT NULL,
  source     TEXT NOT NULL,
  edition    TEXT NOT NULL,
  PRIMARY KEY (identifier, purpose, channel, topic, grade, answer, batch)
);

INSERT INTO permission (identifier, purpose, channel, topic, grade, answer, batch, said_at, expires_at, decision, source, edition)
SELECT identifier, purpose, channel, topic, grade, answer, '', said_at, expires_at, decision, source, edition
FROM permission_without_batches;

DROP TABLE permission_without_batches;
