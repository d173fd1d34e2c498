-- What people allow: purposes by edition, decisions (never changed), the latest words per cell, stops, pauses, propagation.

CREATE TABLE purpose (
  key           TEXT NOT NULL,
  number        BIGINT NOT NULL,
  content       TEXT NOT NULL,
  published_at  BIGINT NOT NULL,
  in_force_from BIGINT NOT NULL,
  retired_at    BIGINT,
  PRIMARY KEY (key, number)
);

CREATE TABLE decision (
  id          TEXT PRIMARY KEY,
  identifier  TEXT NOT NULL REFERENCES identifier (id),
  purpose     TEXT NOT NULL,
  channel     TEXT NOT NULL,
  topic       TEXT NOT NULL,
  answer      TEXT NOT NULL,
  claimed_at  BIGINT,
  said_at     BIGINT NOT NULL,
  recorded_at BIGINT NOT NULL,
  until       BIGINT,
  expires_at  BIGINT,
  source      TEXT NOT NULL,
  grade       TEXT NOT NULL,
  actor       TEXT NOT NULL,
  edition     TEXT NOT NULL,
  language    TEXT NOT NULL,
  state       TEXT NOT NULL,
  refers_to   TEXT,
  evidence    BLOB,
  entry       TEXT NOT NULL
);

CREATE INDEX decision_identifier ON decision (identifier, purpose, recorded_at);

CREATE INDEX decision_refers_to ON decision (refers_to) WHERE refers_to IS NOT NULL;

-- Words, not answers: per cell, grade and kind of answer the latest one. May be rebuilt from `decision` at any time.
CREATE TABLE permission (
  identifier TEXT NOT NULL REFERENCES identifier (id),
  purpose    TEXT NOT NULL,
  channel    TEXT NOT NULL,
  topic      TEXT NOT NULL,
  grade      TEXT NOT NULL,
  answer     TEXT NOT NULL,
  said_at    BIGINT NOT NULL,
  expires_at BIGINT,
  decision   TEXT NOT NULL,
  source     TEXT NOT NULL,
  edition    TEXT NOT NULL,
  PRIMARY KEY (identifier, purpose, channel, topic, grade, answer)
);

-- `holder` is a subject, or for `suppressed` an identifier; one act writes a row for each record of the person.
CREATE TABLE stop (
  id         TEXT PRIMARY KEY,
  act        TEXT NOT NULL,
  holder     TEXT NOT NULL,
  kind       TEXT NOT NULL,
  scope      TEXT NOT NULL,
  since      BIGINT NOT NULL,
  by         TEXT NOT NULL,
  why        TEXT NOT NULL,
  lifted_at  BIGINT,
  lifted_by  TEXT,
  lifted_why TEXT
);

CREATE INDEX stop_holder ON stop (holder);

CREATE INDEX stop_act ON stop (act);

CREATE TABLE pause (
  id       TEXT PRIMARY KEY,
  act      TEXT NOT NULL,
  holder   TEXT NOT NULL,
  purpose  TEXT NOT NULL,
  channel  TEXT NOT NULL,
  since    BIGINT NOT NULL,
  until    BIGINT NOT NULL,
  by       TEXT NOT NULL,
  ended_at BIGINT,
  ended_by TEXT
);

CREATE INDEX pause_holder ON pause (holder);

CREATE INDEX pause_act ON pause (act);

-- How far in the audit log each connected system has been told.
CREATE TABLE cursor (
  system    TEXT PRIMARY KEY,
  log_index BIGINT NOT NULL,
  moved_at  BIGINT NOT NULL
);

CREATE TABLE delivery (
  id         TEXT PRIMARY KEY,
  system     TEXT NOT NULL,
  log_index  BIGINT NOT NULL,
  subject    TEXT NOT NULL,
  identifier TEXT NOT NULL,
  purpose    TEXT NOT NULL,
  channel    TEXT NOT NULL,
  topic      TEXT NOT NULL,
  state      TEXT NOT NULL,
  allowed    BIGINT,
  tries      BIGINT NOT NULL,
  next_at    BIGINT,
  problem    TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  done_at    BIGINT,
  UNIQUE (system, log_index, identifier, purpose, channel, topic)
);

CREATE INDEX delivery_waiting ON delivery (system, next_at) WHERE state = 'waiting';

CREATE INDEX delivery_subject ON delivery (subject, system, log_index);

-- only: sqlite

CREATE TRIGGER decision_is_never_changed BEFORE UPDATE ON decision
BEGIN
  SELECT RAISE(ABORT, 'a decision is never changed');
END;

CREATE TRIGGER decision_is_never_deleted BEFORE DELETE ON decision
BEGIN
  SELECT RAISE(ABORT, 'a decision is never deleted');
END;

CREATE TRIGGER stop_is_never_deleted BEFORE DELETE ON stop
BEGIN
  SELECT RAISE(ABORT, 'a stop is lifted, never deleted');
END;

-- only: postgresql

CREATE FUNCTION decision_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a decision is never changed or deleted, a stop is lifted and never deleted';
END;
$$;

CREATE TRIGGER decision_is_never_changed BEFORE UPDATE OR DELETE ON decision
FOR EACH ROW EXECUTE FUNCTION decision_stays();

CREATE TRIGGER decision_is_never_emptied BEFORE TRUNCATE ON decision
FOR EACH STATEMENT EXECUTE FUNCTION decision_stays();

CREATE TRIGGER stop_is_never_deleted BEFORE DELETE ON stop
FOR EACH ROW EXECUTE FUNCTION decision_stays();

-- only: both
