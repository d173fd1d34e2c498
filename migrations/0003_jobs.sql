-- The durable to-do list. `due_at` is when a worker may take the job: its planned moment, and while it runs the end of
-- its lease, so that a dead worker's job comes up by itself. `token` is renewed with every claim and fences out the old one.

CREATE TABLE job (
  id         TEXT PRIMARY KEY,
  verb       TEXT NOT NULL,
  arguments  TEXT NOT NULL,
  key        TEXT,
  every      BIGINT,
  state      TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
  due_at     BIGINT NOT NULL,
  again_at   BIGINT,
  token      TEXT,
  tries      BIGINT NOT NULL,
  last_error TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  ended_at   BIGINT
);

CREATE INDEX job_due ON job (due_at) WHERE state IN ('waiting', 'running');

CREATE UNIQUE INDEX job_open_key ON job (key) WHERE state IN ('waiting', 'running');

CREATE INDEX job_ended ON job (state, ended_at);

-- The journal around effects outside: `about to` before, `done` after.
CREATE TABLE job_step (
  job   TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
  step  TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('about to', 'done')),
  at    BIGINT NOT NULL,
  note  TEXT NOT NULL,
  PRIMARY KEY (job, step)
);
