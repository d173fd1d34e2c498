-- Most entries belong to no case and most keys have no end: rows that no question can mean are left out of these indexes.

DROP INDEX entry_case;

CREATE INDEX entry_case ON entry (case_id, id) WHERE case_id IS NOT NULL;

DROP INDEX data_key_ends_at;

CREATE INDEX data_key_ends_at ON data_key (ends_at) WHERE ends_at IS NOT NULL;
