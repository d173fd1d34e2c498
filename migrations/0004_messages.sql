-- What we wrote to people: the kept copy is sealed under the case's key, else the person's life key, else the portal's.
-- A row and its Message-ID exist before SMTP is spoken to. `account`: blind index of the address, where the message belongs
-- to nobody yet (a code), so that it can be found and deleted with its person.

CREATE TABLE message (
  id         TEXT PRIMARY KEY,
  message_id TEXT NOT NULL UNIQUE,
  template   TEXT NOT NULL,
  subject    TEXT,
  case_id    TEXT,
  language   TEXT NOT NULL,
  key_id     TEXT NOT NULL,
  to_address BLOB NOT NULL,
  body       BLOB NOT NULL,
  once       TEXT UNIQUE,
  state      TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'refused', 'kept')),
  reason     TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  sent_at    BIGINT,
  account    BLOB
);

CREATE INDEX message_account ON message (account);

CREATE INDEX message_subject ON message (subject, created_at);

CREATE INDEX message_case ON message (case_id, created_at);

CREATE INDEX message_created ON message (created_at);
