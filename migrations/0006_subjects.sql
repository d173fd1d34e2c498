-- The people the data is about, and the identifiers that point to them.

CREATE TABLE subject (
  id         TEXT PRIMARY KEY,
  created_at BIGINT NOT NULL,
  erased_at  BIGINT
);

-- An erased identifier keeps its row (decisions and log entries name its id), loses its value, and its blind index
-- becomes a hash of the row's own id: whoever writes to us from that address later is somebody new.
CREATE TABLE identifier (
  id          TEXT PRIMARY KEY,
  kind        TEXT NOT NULL,
  blind       BLOB NOT NULL,
  blind_key   TEXT NOT NULL,
  normaliser  BIGINT NOT NULL,
  value       BLOB,
  home        TEXT NOT NULL REFERENCES subject (id),
  subject     TEXT NOT NULL REFERENCES subject (id),
  audience    TEXT NOT NULL,
  created_at  BIGINT NOT NULL,
  verified_at BIGINT,
  erased_at   BIGINT,
  UNIQUE (kind, blind)
);

CREATE INDEX identifier_subject ON identifier (subject);

CREATE INDEX identifier_home ON identifier (home);

CREATE TABLE link (
  id         TEXT PRIMARY KEY,
  identifier TEXT NOT NULL REFERENCES identifier (id),
  subject    TEXT NOT NULL REFERENCES subject (id),
  at         BIGINT NOT NULL,
  by         TEXT NOT NULL,
  why        TEXT NOT NULL
);

CREATE INDEX link_identifier ON link (identifier, at);

CREATE INDEX link_subject ON link (subject, at);

-- Addresses that nobody may add again for advertising: the keyed hash alone, why we may keep it, and until when.
CREATE TABLE suppression (
  id       TEXT PRIMARY KEY,
  kind     TEXT NOT NULL,
  hash     BLOB NOT NULL,
  hash_key TEXT NOT NULL,
  basis    TEXT NOT NULL,
  since    BIGINT NOT NULL,
  ends_at  BIGINT,
  by       TEXT NOT NULL,
  UNIQUE (kind, hash)
);

CREATE INDEX suppression_ends_at ON suppression (ends_at);

-- only: sqlite

CREATE TRIGGER link_is_never_changed BEFORE UPDATE ON link
BEGIN
  SELECT RAISE(ABORT, 'the history of links is never changed');
END;

CREATE TRIGGER link_is_never_deleted BEFORE DELETE ON link
BEGIN
  SELECT RAISE(ABORT, 'the history of links is never deleted');
END;

CREATE TRIGGER identifier_keeps_its_home BEFORE UPDATE OF home ON identifier WHEN OLD.home <> NEW.home
BEGIN
  SELECT RAISE(ABORT, 'the home of an identifier never changes');
END;

-- only: postgresql

CREATE FUNCTION link_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the history of links is never changed or deleted';
END;
$$;

CREATE TRIGGER link_is_never_changed BEFORE UPDATE OR DELETE ON link
FOR EACH ROW EXECUTE FUNCTION link_stays();

CREATE FUNCTION identifier_home_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.home <> NEW.home THEN
    RAISE EXCEPTION 'the home of an identifier never changes';
  END IF;
  RETURN NEW;
END;
$$;

CREATE TRIGGER identifier_keeps_its_home BEFORE UPDATE ON identifier
FOR EACH ROW EXECUTE FUNCTION identifier_home_stays();

-- only: both
