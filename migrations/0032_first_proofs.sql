-- Since when an address is known to reach its person: a later proof does not make an earlier one unsaid.
ALTER TABLE identifier ADD COLUMN first_verified_at BIGINT;

UPDATE identifier SET first_verified_at = verified_at WHERE verified_at IS NOT NULL;

-- Since when a browser is familiar with an account; not known of those that were before.
ALTER TABLE familiar_browser ADD COLUMN first_at BIGINT NOT NULL DEFAULT 0;
