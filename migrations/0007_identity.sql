-- Who is this: customers and how they prove it, officers, their second factors and roles, and everybody's sessions.
-- Kept: challenges a day after they end, sessions 30 days after they end, browsers a year after their last sign-in.

-- One mail with a link and a code. `account` is the blind index of the address, `address` is sealed under the portal's key:
-- nobody's own key is made before the address is proven.
CREATE TABLE challenge (
  id          TEXT PRIMARY KEY,
  use         TEXT NOT NULL,
  bound_to    TEXT NOT NULL,
  account     BLOB NOT NULL,
  address     BLOB NOT NULL,
  link_digest BLOB NOT NULL UNIQUE,
  code_hash   BLOB NOT NULL,
  browser     BLOB,
  familiar    BIGINT NOT NULL,
  tried       BIGINT NOT NULL,
  asked_at    BIGINT NOT NULL,
  ends_at     BIGINT NOT NULL,
  consumed_at BIGINT
);

CREATE INDEX challenge_account ON challenge (account, use, bound_to);

CREATE INDEX challenge_ends_at ON challenge (ends_at);

-- A browser in which somebody once signed in to an account: its tries are counted apart from those of strangers.
CREATE TABLE familiar_browser (
  account BLOB NOT NULL,
  browser BLOB NOT NULL,
  last_at BIGINT NOT NULL,
  PRIMARY KEY (account, browser)
);

CREATE INDEX familiar_browser_last_at ON familiar_browser (last_at);

-- `kind`: customer, officer, or half (an officer whose password was right and whose second factor is still to come).
CREATE TABLE session (
  id         TEXT PRIMARY KEY,
  kind       TEXT NOT NULL,
  token      BLOB NOT NULL UNIQUE,
  subject    TEXT,
  identifier TEXT,
  officer    TEXT,
  device     BLOB,
  tried      BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  seen_at    BIGINT NOT NULL,
  proven_at  BIGINT NOT NULL,
  ends_at    BIGINT NOT NULL,
  closed_at  BIGINT,
  CHECK ((kind = 'customer' AND subject IS NOT NULL AND officer IS NULL)
      OR (kind IN ('officer', 'half') AND officer IS NOT NULL AND subject IS NULL))
);

CREATE INDEX session_subject ON session (subject);

CREATE INDEX session_officer ON session (officer);

CREATE INDEX session_ends_at ON session (ends_at);

-- Name, address, password hash and the secret of the second factor are sealed under the officer's own key. `person`: who it
-- is; somebody with two accounts is still one pair of eyes.
CREATE TABLE officer (
  id          TEXT PRIMARY KEY,
  person      TEXT NOT NULL,
  account     BLOB NOT NULL UNIQUE,
  name        BLOB NOT NULL,
  email       BLOB NOT NULL,
  password    BLOB,
  totp        BLOB,
  totp_step   BIGINT NOT NULL,
  invited_at  BIGINT NOT NULL,
  joined_at   BIGINT,
  left_at     BIGINT
);

CREATE TABLE invitation (
  id          TEXT PRIMARY KEY,
  officer     TEXT NOT NULL REFERENCES officer (id),
  link_digest BLOB NOT NULL UNIQUE,
  invited_by  TEXT NOT NULL,
  ends_at     BIGINT NOT NULL,
  accepted_at BIGINT
);

CREATE INDEX invitation_officer ON invitation (officer);

CREATE TABLE recovery_code (
  id      TEXT PRIMARY KEY,
  officer TEXT NOT NULL REFERENCES officer (id),
  hash    BLOB NOT NULL,
  used_at BIGINT
);

CREATE INDEX recovery_code_officer ON recovery_code (officer);

-- Who held which role from when to when, and by whose word.
CREATE TABLE officer_role (
  id         TEXT PRIMARY KEY,
  officer    TEXT NOT NULL REFERENCES officer (id),
  role       TEXT NOT NULL,
  granted_at BIGINT NOT NULL,
  granted_by TEXT NOT NULL,
  removed_at BIGINT,
  removed_by TEXT,
  CHECK (granted_by <> 'officer:' || officer)
);

CREATE UNIQUE INDEX officer_role_held ON officer_role (officer, role) WHERE removed_at IS NULL;
