-- How people like to be reached, yeses that wait for their confirmation, and who was told that a pause has ended.

-- Closed lists, no words of the person's own: `what` is frequency, hours, channel or language. The latest one counts; a row
-- with an empty choice takes the wish back.
CREATE TABLE wish (
  id     TEXT PRIMARY KEY,
  holder TEXT NOT NULL REFERENCES subject (id),
  what   TEXT NOT NULL,
  chosen TEXT NOT NULL,
  at     BIGINT NOT NULL,
  by     TEXT NOT NULL
);

CREATE INDEX wish_holder ON wish (holder, id);

-- A pending yes (double opt-in). `outcome` is '' while it waits, then confirmed or ended.
CREATE TABLE confirmation (
  decision   TEXT PRIMARY KEY REFERENCES decision (id),
  identifier TEXT NOT NULL REFERENCES identifier (id),
  asked_at   BIGINT NOT NULL,
  ends_at    BIGINT NOT NULL,
  mails      BIGINT NOT NULL,
  mailed_at  BIGINT,
  outcome    TEXT NOT NULL,
  closed_at  BIGINT
);

CREATE INDEX confirmation_identifier ON confirmation (identifier);

CREATE INDEX confirmation_waiting ON confirmation (ends_at) WHERE outcome = '';

-- Fourteen days in microseconds.
INSERT INTO confirmation (decision, identifier, asked_at, ends_at, mails, mailed_at, outcome, closed_at)
SELECT id, identifier, recorded_at, recorded_at + 1209600000000, 0, NULL, '', NULL FROM decision WHERE state = 'pending'
AND NOT EXISTS (SELECT 1 FROM decision AS firm WHERE firm.refers_to = decision.id);

CREATE TABLE pause_notice (
  act     TEXT PRIMARY KEY,
  told_at BIGINT NOT NULL
);
