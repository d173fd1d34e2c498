-- Hashed suppression lists can be taken back: each says which hashes it had, and goes without touching what another brought.

-- `list` names its import; '' for lists that were taken over before this was kept, which stay.
CREATE TABLE hashed_list (
  list        TEXT NOT NULL,
  suppression TEXT NOT NULL REFERENCES suppression (id),
  PRIMARY KEY (list, suppression)
);

CREATE INDEX hashed_list_suppression ON hashed_list (suppression);

INSERT INTO hashed_list (list, suppression) SELECT '', id FROM suppression WHERE kind LIKE '%/%';

-- Yeses in the order in which they run out under a shorter lifetime, of whatever collection point.
DROP INDEX decision_opening;

CREATE INDEX decision_opening ON decision (said_at, id) WHERE answer IN ('yes', 'informed');
