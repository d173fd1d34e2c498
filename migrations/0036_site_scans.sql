-- What pages of a website really set: names and hosts as a browser found them, never a value. The latest ten of each site.
CREATE TABLE site_scan (
  id       TEXT PRIMARY KEY,
  site     TEXT NOT NULL,
  at       BIGINT NOT NULL,
  pages    TEXT NOT NULL,
  findings TEXT NOT NULL
);

CREATE INDEX site_scan_site ON site_scan (site, at);
