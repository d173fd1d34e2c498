-- Websites that embed the script: what they were told and heard, without a row about anybody.

-- What visitors answered, by day: the only trace of a plain refusal. `purpose` '' counts the answers themselves.
CREATE TABLE site_count (
  site    TEXT NOT NULL,
  day     TEXT NOT NULL,
  purpose TEXT NOT NULL,
  answer  TEXT NOT NULL,
  how     TEXT NOT NULL,
  number  BIGINT NOT NULL,
  PRIMARY KEY (site, day, purpose, answer, how)
);

-- When a site last did something (`settings`, `choice`), or was last refused and why.
CREATE TABLE site_note (
  site   TEXT NOT NULL,
  what   TEXT NOT NULL,
  number BIGINT NOT NULL,
  at     BIGINT NOT NULL,
  note   TEXT NOT NULL,
  PRIMARY KEY (site, what)
);

-- With which a site's own server signs who is signed in there. `ends_at`: a newer one took its place.
CREATE TABLE site_secret (
  id      TEXT PRIMARY KEY,
  site    TEXT NOT NULL,
  sealed  BLOB NOT NULL,
  made_at BIGINT NOT NULL,
  made_by TEXT NOT NULL,
  ends_at BIGINT
);

CREATE INDEX site_secret_site ON site_secret (site);

-- Which built files of the script were served, and where the log says so.
CREATE TABLE widget_release (
  file        TEXT NOT NULL,
  sha384      TEXT NOT NULL,
  released_at BIGINT NOT NULL,
  entry       TEXT NOT NULL,
  PRIMARY KEY (file, sha384)
);
