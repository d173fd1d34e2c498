-- The texts that people are shown: one row per edition and language, with the exact bytes. Never changed, never deleted.

CREATE TABLE edition (
  name          TEXT PRIMARY KEY,
  key           TEXT NOT NULL,
  number        BIGINT NOT NULL,
  language      TEXT NOT NULL,
  kind          TEXT NOT NULL,
  title         TEXT NOT NULL,
  html          BLOB NOT NULL,
  source        BLOB NOT NULL,
  sha256        BLOB NOT NULL,
  in_force_from BIGINT NOT NULL,
  published_at  BIGINT NOT NULL,
  by            TEXT NOT NULL,
  material      BIGINT NOT NULL,
  why           TEXT NOT NULL,
  UNIQUE (key, number, language)
);

CREATE INDEX edition_in_force ON edition (key, in_force_from, number);

-- only: sqlite

CREATE TRIGGER edition_is_never_changed BEFORE UPDATE ON edition
BEGIN
  SELECT RAISE(ABORT, 'an edition is never changed');
END;

CREATE TRIGGER edition_is_never_deleted BEFORE DELETE ON edition
BEGIN
  SELECT RAISE(ABORT, 'an edition is never deleted');
END;

-- only: postgresql

CREATE FUNCTION edition_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'an edition is never changed or deleted';
END;
$$;

CREATE TRIGGER edition_is_never_changed BEFORE UPDATE OR DELETE ON edition
FOR EACH ROW EXECUTE FUNCTION edition_stays();

CREATE TRIGGER edition_is_never_emptied BEFORE TRUNCATE ON edition
FOR EACH STATEMENT EXECUTE FUNCTION edition_stays();

-- only: both
