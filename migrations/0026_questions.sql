-- What people were asked who answer by hand for a connected system (kind person): once per request, round and verb.
-- `asked` and `answer` lie under the case's key, what was handed in as a blob under the person's. The link carries `id` and
-- `link_number`: a higher number ends the links before it.

CREATE TABLE connector_question (
  id           TEXT PRIMARY KEY,
  system       TEXT NOT NULL,
  case_id      TEXT NOT NULL,
  round        BIGINT NOT NULL,
  verb         TEXT NOT NULL,
  task         TEXT NOT NULL,
  subject      TEXT,
  due_on       TEXT NOT NULL,
  asked        BLOB NOT NULL,
  asked_at     BIGINT NOT NULL,
  link_number  BIGINT NOT NULL,
  link_until   BIGINT NOT NULL,
  remind_at    BIGINT,
  reminded     TEXT NOT NULL,
  how          TEXT NOT NULL,
  answer       BLOB,
  answered_at  BIGINT,
  taken_at     BIGINT,
  blob_id      TEXT,
  UNIQUE (case_id, round, system, verb)
);

CREATE INDEX connector_question_remind_at ON connector_question (remind_at);
