-- What the script of a website was told: its SHA-256, noted in the log before it was told first.
CREATE TABLE site_told (
  site    TEXT NOT NULL,
  digest  BLOB NOT NULL,
  told_at BIGINT NOT NULL,
  entry   TEXT NOT NULL,
  PRIMARY KEY (site, digest)
);
