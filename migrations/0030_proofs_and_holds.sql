-- Who is asking, where a mail proves too little or reaches nobody; letters on paper; legal holds on people and systems.
-- `more_proof`: why one ordinary proof is not enough for this request ("safe address", "new device"). `reach`: mail, or post
-- where the proof came from elsewhere than the mailbox, which may be lost or another's.
ALTER TABLE case_file ADD COLUMN more_proof TEXT NOT NULL DEFAULT '';

ALTER TABLE case_file ADD COLUMN reach TEXT NOT NULL DEFAULT 'mail';

-- What officers did to learn who asks. States: waiting (for a second officer) · shown · not shown.
CREATE TABLE case_proof (
  id             TEXT PRIMARY KEY,
  case_id        TEXT NOT NULL REFERENCES case_file (id),
  way            TEXT NOT NULL,
  state          TEXT NOT NULL,
  said           BLOB NOT NULL,
  by             TEXT NOT NULL,
  by_person      TEXT NOT NULL,
  at             BIGINT NOT NULL,
  decided_by     TEXT,
  decided_person TEXT,
  decided_at     BIGINT
);

CREATE INDEX case_proof_case ON case_proof (case_id, at);

-- Letters on paper. `code`: keyed hash of the code in it; of a code's letter nothing else is kept once it is at the post.
CREATE TABLE case_letter (
  id         TEXT PRIMARY KEY,
  case_id    TEXT NOT NULL REFERENCES case_file (id),
  kind       TEXT NOT NULL,
  place      BLOB NOT NULL,
  text       BLOB,
  code       BLOB UNIQUE,
  made_at    BIGINT NOT NULL,
  made_by    TEXT NOT NULL,
  posted_at  BIGINT,
  posted_by  TEXT,
  ends_at    BIGINT,
  used_at    BIGINT
);

CREATE INDEX case_letter_case ON case_letter (case_id, made_at);

CREATE TABLE legal_hold (
  id        TEXT PRIMARY KEY,
  subject   TEXT,
  system    TEXT NOT NULL,
  why       BLOB NOT NULL,
  by        TEXT NOT NULL,
  since     BIGINT NOT NULL,
  review_on TEXT NOT NULL,
  told_at   BIGINT,
  lifted_by TEXT,
  lifted_at BIGINT
);

CREATE INDEX legal_hold_standing ON legal_hold (lifted_at, subject);
