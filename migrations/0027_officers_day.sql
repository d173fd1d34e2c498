-- The officers' day: the next step of several requests at once, an officer's saved filters, and indexes for the queue's filters.

-- `once` names the form that was sent: sent twice it is one. Answers begin at `answers_at`; until `begun_at` all can be undone.
CREATE TABLE case_bulk (
  id         TEXT PRIMARY KEY,
  officer    TEXT NOT NULL,
  language   TEXT NOT NULL,
  once       TEXT NOT NULL UNIQUE,
  made_at    BIGINT NOT NULL,
  answers_at BIGINT,
  begun_at   BIGINT,
  undone_at  BIGINT
);

-- One request in it. `state`: waiting · done · left out · undone; `sentence` says what happened, or why nothing did.
CREATE TABLE case_bulk_item (
  bulk     TEXT NOT NULL REFERENCES case_bulk (id),
  case_id  TEXT NOT NULL REFERENCES case_file (id),
  step     TEXT NOT NULL,
  state    TEXT NOT NULL,
  sentence TEXT NOT NULL,
  PRIMARY KEY (bulk, case_id)
);

-- `title` is what the officer called it, sealed under the officer's key; `wanted` is the filter as its address has it.
CREATE TABLE case_filter (
  id      TEXT PRIMARY KEY,
  officer TEXT NOT NULL,
  title   BLOB NOT NULL,
  wanted  TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  UNIQUE (officer, wanted)
);

CREATE INDEX case_file_right ON case_file (is_open, right_name, due_on, id);

CREATE INDEX case_file_law ON case_file (is_open, law, due_on, id);

CREATE INDEX case_file_requester ON case_file (is_open, requester, due_on, id);

CREATE INDEX case_file_officer ON case_file (is_open, officer, due_on, id);

CREATE INDEX case_file_answered_at ON case_file (answered_at);
