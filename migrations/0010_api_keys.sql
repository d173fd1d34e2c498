-- Keys of other programs. Only the SHA-256 of a key is kept; `used_on` is a day, so that it tells nothing about anybody's
-- shopping hours. Kept for good: entries of the record name keys by id.

CREATE TABLE api_key (
  id         TEXT PRIMARY KEY,
  label      TEXT NOT NULL,
  digest     BLOB NOT NULL UNIQUE,
  scopes     TEXT NOT NULL,
  sources    TEXT NOT NULL,
  grade      TEXT NOT NULL,
  made_at    BIGINT NOT NULL,
  made_by    TEXT NOT NULL,
  used_on    TEXT,
  revoked_at BIGINT,
  revoked_by TEXT
);
