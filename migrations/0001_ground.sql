-- The ground's own tables: replies kept for repeated requests, throttles, and the vault's keys and blobs.

CREATE TABLE reply (
  key          TEXT PRIMARY KEY,
  request_hash BLOB NOT NULL,
  body         TEXT NOT NULL,
  keep_until   BIGINT NOT NULL
);

CREATE INDEX reply_keep_until ON reply (keep_until);

CREATE TABLE throttle (
  name       TEXT PRIMARY KEY,
  started_at BIGINT NOT NULL,
  ends_at    BIGINT NOT NULL,
  count      BIGINT NOT NULL
);

-- One row per key in use; shredding deletes the row. `owner` is the id of the person, case or officer it belongs to.
CREATE TABLE data_key (
  id         TEXT PRIMARY KEY,
  kind       TEXT NOT NULL,
  owner      TEXT NOT NULL,
  wrapped    BLOB NOT NULL,
  master     TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  ends_at    BIGINT,
  UNIQUE (kind, owner)
);

CREATE INDEX data_key_ends_at ON data_key (ends_at);

CREATE TABLE blob (
  id         TEXT PRIMARY KEY,
  key_id     TEXT NOT NULL,
  size       BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  keep_until BIGINT
);

CREATE INDEX blob_keep_until ON blob (keep_until);

CREATE TABLE blob_chunk (
  blob_id TEXT NOT NULL REFERENCES blob (id) ON DELETE CASCADE,
  number  BIGINT NOT NULL,
  sealed  BLOB NOT NULL,
  PRIMARY KEY (blob_id, number)
);
