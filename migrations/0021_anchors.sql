-- Anchors: signed states of the log that are in hands other than ours, so that an older one cannot be rewritten unseen.

-- `note` is the checkpoint as it was signed, `proof` what came back: an RFC 3161 timestamp (DER), the note with the
-- witness's cosignature, or the ids of the mails. `party` says by whom: a web address, a witness, or how many mails.
CREATE TABLE anchor (
  id      TEXT PRIMARY KEY,
  kind    TEXT NOT NULL,
  party   TEXT NOT NULL,
  origin  TEXT NOT NULL,
  size    BIGINT NOT NULL,
  note    TEXT NOT NULL,
  proof   BLOB NOT NULL,
  made_at BIGINT NOT NULL,
  UNIQUE (kind, party, origin, size)
);

CREATE INDEX anchor_newest ON anchor (kind, made_at);

-- An anchor that cannot be made: since when, and why the last time. Its row goes with the next one that is made.
CREATE TABLE anchor_trouble (
  kind  TEXT PRIMARY KEY,
  since BIGINT NOT NULL,
  why   TEXT NOT NULL
);
