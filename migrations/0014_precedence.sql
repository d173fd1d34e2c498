-- How the rules of consent are tuned: each file that was switched on, with what it says and the people it changed answers of.

-- `told_up_to`: how far, by the ids of identifiers, people whose answers changed have been entered in the log.
CREATE TABLE precedence (
  number        BIGINT PRIMARY KEY,
  tuning        TEXT NOT NULL,
  file          BLOB NOT NULL,
  sha256        BLOB NOT NULL,
  in_force_from BIGINT NOT NULL,
  by            TEXT NOT NULL,
  told_up_to    TEXT NOT NULL,
  told_at       BIGINT
);

-- The ends of yeses that come sooner than they were given for.
CREATE INDEX decision_opening ON decision (source, said_at, id) WHERE answer IN ('yes', 'informed');
