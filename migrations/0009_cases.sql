-- Data subject requests from arrival to proof. `case` and `right` are SQL words: hence case_file and right_name.
-- `contact_until`: when the case's own key falls, and with it address, message, notes, reasons and letters; the reference,
-- the log's entries and the evidence file lie under another key and stay. `asked`: blind index of the address, until proven.

CREATE TABLE case_file (
  id               TEXT PRIMARY KEY,
  reference_digest BLOB NOT NULL UNIQUE,
  reference        BLOB NOT NULL,
  right_name       TEXT NOT NULL,
  state            TEXT NOT NULL,
  outcome          TEXT NOT NULL,
  is_open          BIGINT NOT NULL,
  law              TEXT NOT NULL,
  law_edition      TEXT NOT NULL,
  clock            TEXT NOT NULL,
  country          TEXT NOT NULL,
  received_at      BIGINT NOT NULL,
  created_at       BIGINT NOT NULL,
  due_on           TEXT NOT NULL,
  due_because      TEXT NOT NULL,
  extended_at      BIGINT,
  requester        TEXT NOT NULL,
  language         TEXT NOT NULL,
  source           TEXT NOT NULL,
  subject          TEXT,
  address_kind     TEXT NOT NULL,
  address          BLOB NOT NULL,
  details          BLOB NOT NULL,
  challenge        TEXT,
  round            BIGINT NOT NULL,
  version          BIGINT NOT NULL,
  flags            TEXT NOT NULL,
  proposed         TEXT NOT NULL,
  officer          TEXT,
  closed_at        BIGINT,
  contact_until    BIGINT,
  asked            BLOB
);

CREATE INDEX case_file_queue ON case_file (is_open, due_on, id);

CREATE INDEX case_file_state ON case_file (state, due_on, id);

CREATE INDEX case_file_subject ON case_file (subject, received_at);

CREATE INDEX case_file_contact_until ON case_file (contact_until);

CREATE INDEX case_file_asked ON case_file (asked);

-- The identifiers proven in this case: only what carries them, or is linked to them by the person, is collected.
CREATE TABLE case_identifier (
  id         TEXT PRIMARY KEY,
  case_id    TEXT NOT NULL REFERENCES case_file (id),
  identifier TEXT NOT NULL,
  how        TEXT NOT NULL,
  proven_at  BIGINT NOT NULL,
  UNIQUE (case_id, identifier)
);

-- One row per connected system and step; `plan_blob` is the stored dry run that the execution takes. `attempts` counts how
-- often the work was begun there, `failures` how often the system did not do it; neither ever goes down.
CREATE TABLE case_task (
  id          TEXT PRIMARY KEY,
  case_id     TEXT NOT NULL REFERENCES case_file (id),
  system      TEXT NOT NULL,
  label       TEXT NOT NULL,
  step        TEXT NOT NULL,
  round       BIGINT NOT NULL,
  state       TEXT NOT NULL,
  sentence    TEXT NOT NULL,
  attempts    BIGINT NOT NULL,
  failures    BIGINT NOT NULL,
  created_at  BIGINT NOT NULL,
  answered_at BIGINT,
  counts      TEXT NOT NULL,
  plan_blob   TEXT,
  UNIQUE (case_id, system, step, round)
);

CREATE INDEX case_task_state ON case_task (state, created_at);

CREATE TABLE case_finding (
  id          TEXT PRIMARY KEY,
  case_id     TEXT NOT NULL REFERENCES case_file (id),
  task_id     TEXT NOT NULL REFERENCES case_task (id),
  round       BIGINT NOT NULL,
  system      TEXT NOT NULL,
  category    TEXT NOT NULL,
  table_name  TEXT NOT NULL,
  label       TEXT NOT NULL,
  row_count   BIGINT NOT NULL,
  about       TEXT NOT NULL,
  blob_id     TEXT,
  keep_until  BIGINT NOT NULL
);

CREATE INDEX case_finding_case ON case_finding (case_id, round);

CREATE INDEX case_finding_keep_until ON case_finding (keep_until);

CREATE TABLE case_redaction (
  id         TEXT PRIMARY KEY,
  case_id    TEXT NOT NULL REFERENCES case_file (id),
  finding_id TEXT NOT NULL REFERENCES case_finding (id),
  row_number BIGINT NOT NULL,
  field      TEXT NOT NULL,
  reason     TEXT NOT NULL,
  by         TEXT NOT NULL,
  at         BIGINT NOT NULL,
  UNIQUE (finding_id, row_number, field)
);

CREATE INDEX case_redaction_case ON case_redaction (case_id);

CREATE TABLE case_note (
  id      TEXT PRIMARY KEY,
  case_id TEXT NOT NULL REFERENCES case_file (id),
  at      BIGINT NOT NULL,
  by      TEXT NOT NULL,
  text    BLOB NOT NULL
);

CREATE INDEX case_note_case ON case_note (case_id, id);

-- `targets`: where the field was found, and which of these entries change (sealed JSON).
CREATE TABLE case_correction (
  id        TEXT PRIMARY KEY,
  case_id   TEXT NOT NULL REFERENCES case_file (id),
  field     TEXT NOT NULL,
  old       BLOB,
  new       BLOB NOT NULL,
  accepted  BIGINT,
  why       BLOB,
  statement BLOB,
  read_back BIGINT,
  targets   BLOB,
  UNIQUE (case_id, field)
);

-- What was signed: the digest of the frozen snapshot, by whom it was proposed and who decided, by person.
CREATE TABLE case_approval (
  id              TEXT PRIMARY KEY,
  case_id         TEXT NOT NULL REFERENCES case_file (id),
  round           BIGINT NOT NULL,
  answer          TEXT NOT NULL,
  reasons         BLOB NOT NULL,
  digest          TEXT NOT NULL,
  snapshot_blob   TEXT NOT NULL,
  proposed_by     TEXT NOT NULL,
  proposed_person TEXT NOT NULL,
  proposed_at     BIGINT NOT NULL,
  decision        TEXT NOT NULL,
  decided_by      TEXT,
  decided_person  TEXT,
  decided_at      BIGINT,
  why             BLOB
);

CREATE INDEX case_approval_case ON case_approval (case_id, proposed_at);

CREATE TABLE case_hold (
  id        TEXT PRIMARY KEY,
  case_id   TEXT NOT NULL REFERENCES case_file (id),
  kind      TEXT NOT NULL,
  why       BLOB NOT NULL,
  by        TEXT NOT NULL,
  since     BIGINT NOT NULL,
  lifted_by TEXT,
  lifted_at BIGINT
);

CREATE INDEX case_hold_case ON case_hold (case_id);

CREATE TABLE case_package (
  id         TEXT PRIMARY KEY,
  case_id    TEXT NOT NULL REFERENCES case_file (id),
  kind       TEXT NOT NULL,
  digest     TEXT NOT NULL,
  sha256     TEXT NOT NULL,
  blob_id    TEXT NOT NULL,
  size       BIGINT NOT NULL,
  made_at    BIGINT NOT NULL,
  keep_until BIGINT NOT NULL,
  opened_at  BIGINT
);

CREATE INDEX case_package_case ON case_package (case_id);

-- A link to a package works once, at most 24 hours, for the session that asked for it after a step-up.
CREATE TABLE case_download (
  digest     BLOB PRIMARY KEY,
  package_id TEXT NOT NULL REFERENCES case_package (id),
  session    TEXT NOT NULL,
  made_at    BIGINT NOT NULL,
  ends_at    BIGINT NOT NULL,
  used_at    BIGINT
);

CREATE INDEX case_download_ends_at ON case_download (ends_at);

-- Told in neutral words on another proven address: "if it wasn't you, tell us".
CREATE TABLE case_notice (
  digest      BLOB PRIMARY KEY,
  case_id     TEXT NOT NULL REFERENCES case_file (id),
  identifier  TEXT NOT NULL,
  sent_at     BIGINT NOT NULL,
  answered_at BIGINT
);

CREATE INDEX case_notice_case ON case_notice (case_id);
