-- The transparency log. `entry` is the outbox and the deletable half; leaf, tile, checkpoint and head are the log itself.

-- `log_index` is null until the sequencer has given the entry its place. `sealed` holds the salt and what was recorded,
-- `commitment` binds both; shredding takes everything but event, place, commitment, n and d.
CREATE TABLE entry (
  id          TEXT PRIMARY KEY,
  event       TEXT NOT NULL,
  log_index   BIGINT UNIQUE,
  recorded_at BIGINT,
  actor       TEXT NOT NULL,
  subject     TEXT,
  case_id     TEXT,
  object      TEXT NOT NULL,
  key_id      TEXT,
  sealed      BLOB,
  commitment  BLOB NOT NULL,
  n           BIGINT,
  d           TEXT
);

CREATE INDEX entry_outbox ON entry (id) WHERE log_index IS NULL;

CREATE INDEX entry_subject ON entry (subject, id);

CREATE INDEX entry_case ON entry (case_id, id);

CREATE INDEX entry_actor ON entry (actor, id);

CREATE INDEX entry_event ON entry (event, id);

CREATE INDEX entry_object ON entry (object, id);

-- The bytes that are hashed, verbatim.
CREATE TABLE leaf (
  log_index BIGINT PRIMARY KEY,
  bytes     BLOB NOT NULL
);

-- C2SP tiles: up to 256 hashes of 32 bytes; only the last one of each level is partial, and it only grows.
CREATE TABLE tile (
  level  BIGINT NOT NULL,
  number BIGINT NOT NULL,
  hashes BLOB NOT NULL,
  PRIMARY KEY (level, number)
);

-- Every checkpoint ever signed, as a signed note.
CREATE TABLE checkpoint (
  size BIGINT PRIMARY KEY,
  note TEXT NOT NULL
);

-- One row: where the log stands. `frontier` holds the roots of its complete subtrees, largest first.
CREATE TABLE head (
  one      BIGINT PRIMARY KEY CHECK (one = 1),
  origin   TEXT NOT NULL,
  size     BIGINT NOT NULL,
  frontier BLOB NOT NULL
);

INSERT INTO head (one, origin, size, frontier) VALUES (1, '', 0, CAST('' AS BLOB));

-- Which process sequences at the moment (PostgreSQL); it only keeps things quiet, safety lies in `head`.
CREATE TABLE sequencer_lease (
  one    BIGINT PRIMARY KEY,
  holder TEXT NOT NULL,
  until  BIGINT NOT NULL
);

INSERT INTO sequencer_lease (one, holder, until) VALUES (1, '', 0);

-- only: sqlite
CREATE TRIGGER leaf_stays BEFORE UPDATE ON leaf BEGIN
  SELECT RAISE(ABORT, 'The audit log is append-only.');
END;

CREATE TRIGGER leaf_is_kept BEFORE DELETE ON leaf BEGIN
  SELECT RAISE(ABORT, 'The audit log is append-only.');
END;

CREATE TRIGGER checkpoint_stays BEFORE UPDATE ON checkpoint BEGIN
  SELECT RAISE(ABORT, 'The audit log is append-only.');
END;

CREATE TRIGGER checkpoint_is_kept BEFORE DELETE ON checkpoint BEGIN
  SELECT RAISE(ABORT, 'The audit log is append-only.');
END;

CREATE TRIGGER tile_only_grows BEFORE UPDATE ON tile
WHEN NEW.level <> OLD.level OR NEW.number <> OLD.number OR substr(NEW.hashes, 1, length(OLD.hashes)) <> OLD.hashes
BEGIN
  SELECT RAISE(ABORT, 'The audit log is append-only.');
END;

CREATE TRIGGER tile_is_kept BEFORE DELETE ON tile BEGIN
  SELECT RAISE(ABORT, 'The audit log is append-only.');
END;

CREATE TRIGGER head_only_grows BEFORE UPDATE ON head WHEN NEW.size <= OLD.size BEGIN
  SELECT RAISE(ABORT, 'The audit log is append-only.');
END;

CREATE TRIGGER head_is_kept BEFORE DELETE ON head BEGIN
  SELECT RAISE(ABORT, 'The audit log is append-only.');
END;

-- An entry may get its place once, and may be shredded; nothing else.
CREATE TRIGGER entry_stays BEFORE UPDATE ON entry
WHEN NEW.event <> OLD.event OR NEW.commitment <> OLD.commitment OR NEW.n IS NOT OLD.n OR NEW.d IS NOT OLD.d
  OR (OLD.log_index IS NOT NULL AND NEW.log_index IS NOT OLD.log_index)
  OR (NEW.sealed IS NOT NULL AND (NEW.sealed IS NOT OLD.sealed OR NEW.id <> OLD.id OR NEW.recorded_at IS NOT OLD.recorded_at
    OR NEW.actor <> OLD.actor OR NEW.subject IS NOT OLD.subject OR NEW.case_id IS NOT OLD.case_id
    OR NEW.object <> OLD.object OR NEW.key_id IS NOT OLD.key_id))
BEGIN
  SELECT RAISE(ABORT, 'The audit log is append-only.');
END;

CREATE TRIGGER entry_is_kept BEFORE DELETE ON entry BEGIN
  SELECT RAISE(ABORT, 'The audit log is append-only.');
END;

-- only: postgresql
CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The audit log is append-only.';
END
$$;

CREATE TRIGGER leaf_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON leaf
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses();

CREATE TRIGGER checkpoint_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON checkpoint
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses();

CREATE TRIGGER tile_only_grows BEFORE UPDATE ON tile FOR EACH ROW
  WHEN (NEW.level <> OLD.level OR NEW.number <> OLD.number
    OR substring(NEW.hashes FROM 1 FOR length(OLD.hashes)) <> OLD.hashes)
  EXECUTE FUNCTION audit_refuses();

CREATE TRIGGER tile_is_kept BEFORE DELETE OR TRUNCATE ON tile
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses();

CREATE TRIGGER head_only_grows BEFORE UPDATE ON head FOR EACH ROW
  WHEN (NEW.size <= OLD.size) EXECUTE FUNCTION audit_refuses();

CREATE TRIGGER head_is_kept BEFORE DELETE OR TRUNCATE ON head
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses();

CREATE TRIGGER entry_stays BEFORE UPDATE ON entry FOR EACH ROW
  WHEN (NEW.event <> OLD.event OR NEW.commitment <> OLD.commitment OR NEW.n IS DISTINCT FROM OLD.n OR NEW.d IS DISTINCT FROM OLD.d
    OR (OLD.log_index IS NOT NULL AND NEW.log_index IS DISTINCT FROM OLD.log_index)
    OR (NEW.sealed IS NOT NULL AND (NEW.sealed IS DISTINCT FROM OLD.sealed OR NEW.id <> OLD.id
      OR NEW.recorded_at IS DISTINCT FROM OLD.recorded_at OR NEW.actor <> OLD.actor OR NEW.subject IS DISTINCT FROM OLD.subject
      OR NEW.case_id IS DISTINCT FROM OLD.case_id OR NEW.object <> OLD.object OR NEW.key_id IS DISTINCT FROM OLD.key_id)))
  EXECUTE FUNCTION audit_refuses();

CREATE TRIGGER entry_is_kept BEFORE DELETE OR TRUNCATE ON entry
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses();

-- only: both
