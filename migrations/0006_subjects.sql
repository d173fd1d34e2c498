-- The people the data is about, and the identifiers that point to them.

CREATE TABLE subject (
  id         TEXT PRIMARY KEY,
  created_at BIGINT NOT NULL
);

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
