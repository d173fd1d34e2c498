-- Claims on whose ground two people may read what is kept of an erased person, for a limited time (GDPR Art. 17(3)(e)).
-- `claim` and `why` are sealed under the person's evidence key and fall with it. `digest` is what the second person agrees to.
-- `decision`: empty while it waits, then approved · refused · withdrawn.
CREATE TABLE evidence_opening (
  id             TEXT PRIMARY KEY,
  subject        TEXT NOT NULL REFERENCES subject (id),
  claim          BLOB,
  digest         TEXT NOT NULL,
  asked_by       TEXT NOT NULL,
  asked_person   TEXT NOT NULL,
  asked_at       BIGINT NOT NULL,
  decision       TEXT NOT NULL,
  decided_by     TEXT,
  decided_person TEXT,
  decided_at     BIGINT,
  why            BLOB,
  open_until     BIGINT
);
