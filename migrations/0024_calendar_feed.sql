-- Officers' private calendar addresses: only the digest of the secret is kept; one officer has at most one.

CREATE TABLE case_feed (
  officer TEXT PRIMARY KEY,
  digest  BLOB NOT NULL UNIQUE,
  made_at BIGINT NOT NULL
);
