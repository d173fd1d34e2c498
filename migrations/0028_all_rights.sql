-- Every right, several at once, and for somebody else.
-- `together`: the first of the requests that were sent as one, empty for one that was sent alone. `appeal_of`: the request
-- whose answer this one is against. `restriction`: the stop that stands because of this request, until it is decided or lifted.
ALTER TABLE case_file ADD COLUMN together TEXT NOT NULL DEFAULT '';

ALTER TABLE case_file ADD COLUMN appeal_of TEXT;

ALTER TABLE case_file ADD COLUMN restriction TEXT;

CREATE INDEX case_file_together ON case_file (together);

CREATE INDEX case_file_appeal_of ON case_file (appeal_of);

-- Whose data a request is about when somebody else asks: what the asker named, once an officer has seen their mandate.
CREATE TABLE case_concerned (
  id         TEXT PRIMARY KEY,
  case_id    TEXT NOT NULL,
  identifier TEXT NOT NULL,
  noted_at   BIGINT NOT NULL,
  UNIQUE (case_id, identifier)
);

-- That a mandate was seen: what kind, from which day, by whom. No copy of it is kept (EDPB 01/2022 §79).
CREATE TABLE case_mandate (
  case_id  TEXT PRIMARY KEY,
  kind     TEXT NOT NULL,
  dated    TEXT NOT NULL,
  by       TEXT NOT NULL,
  noted_at BIGINT NOT NULL
);
