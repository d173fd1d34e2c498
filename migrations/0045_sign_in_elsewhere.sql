-- Somebody went to the company's own sign-in and has not come back yet; `state` and `browser` are digests.
CREATE TABLE sign_in_elsewhere (
  state       BLOB PRIMARY KEY,
  browser     BLOB NOT NULL,
  use         TEXT NOT NULL,
  bound_to    TEXT NOT NULL,
  asked_at    BIGINT NOT NULL,
  ends_at     BIGINT NOT NULL,
  consumed_at BIGINT
);

CREATE INDEX sign_in_elsewhere_ends ON sign_in_elsewhere (ends_at);
