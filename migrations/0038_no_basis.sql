-- People for whom no word stands any more that their data could rest on, or who are being looked at. Looked at again at `look_at`;
-- proposed for deletion while `proposed_at` is set; `kept_why` is sealed under the person's own key.
CREATE TABLE basis_watch (
  subject     TEXT PRIMARY KEY,
  look_at     BIGINT NOT NULL,
  ended_at    BIGINT,
  proposed_at BIGINT,
  kept_until  TEXT,
  kept_by     TEXT,
  kept_why    BLOB
);

CREATE INDEX basis_watch_look_at ON basis_watch (look_at);

CREATE INDEX basis_watch_proposed ON basis_watch (ended_at, subject) WHERE proposed_at IS NOT NULL;

-- One row: how far the search has read the log; and, while everybody is looked at because purposes changed, up to which identifier.
CREATE TABLE basis_search (
  one         BIGINT PRIMARY KEY,
  log_index   BIGINT NOT NULL,
  swept_for   TEXT NOT NULL,
  swept_up_to TEXT
);

-- Whether a request is open about one of many addresses.
CREATE INDEX case_identifier_identifier ON case_identifier (identifier);

CREATE INDEX case_concerned_identifier ON case_concerned (identifier);
