-- What the portal may answer by itself: per right and connected system first it watches, then, if an owner says so, it acts.
CREATE TABLE autopilot (
  asked_for     TEXT NOT NULL,
  system        TEXT NOT NULL,
  watches_since BIGINT NOT NULL,
  acts_since    BIGINT,
  PRIMARY KEY (asked_for, system)
);

-- What it would answer, or answered, in one round of a request: the digest of the copy; empty: an officer has to look.
CREATE TABLE autopilot_note (
  case_id    TEXT NOT NULL,
  round      BIGINT NOT NULL,
  asked_for  TEXT NOT NULL,
  at         BIGINT NOT NULL,
  digest     TEXT NOT NULL,
  acted      BIGINT NOT NULL,
  PRIMARY KEY (case_id, round)
);

CREATE INDEX autopilot_note_at ON autopilot_note (asked_for, at);
