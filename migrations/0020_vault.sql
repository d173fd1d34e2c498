-- A data key is wrapped under the master key that this database has, or not stored at all: a process that was started before
-- the master key was changed would lock people's data up behind a key that is about to be destroyed.
-- only: sqlite
CREATE TRIGGER data_key_master BEFORE INSERT ON data_key
WHEN NEW.kind <> 'check' AND NEW.master <> (SELECT master FROM data_key WHERE kind = 'check' AND owner = '')
BEGIN
  SELECT RAISE(ABORT, 'the master key was changed: start this process again with the new one');
END;

-- only: postgresql
CREATE FUNCTION data_key_master() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.kind <> 'check' AND NEW.master <> (SELECT master FROM data_key WHERE kind = 'check' AND owner = '') THEN
    RAISE EXCEPTION 'the master key was changed: start this process again with the new one';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER data_key_master BEFORE INSERT ON data_key FOR EACH ROW EXECUTE FUNCTION data_key_master();

-- only: both
-- The evidence of people who were erased before keys had an end: three years after the erasure, in microseconds.
UPDATE data_key SET ends_at = (SELECT erased_at FROM subject WHERE subject.id = data_key.owner) + 94694400000000
WHERE kind = 'evidence' AND ends_at IS NULL AND owner IN (SELECT id FROM subject WHERE erased_at IS NOT NULL);
