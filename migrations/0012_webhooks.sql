-- How each connected system fares, what waits for it, and what changes by time alone.

-- `next_at` and `tries`: the whole system is left alone until then; `paused_at`: until an officer says otherwise.
ALTER TABLE cursor ADD COLUMN told_at BIGINT;

ALTER TABLE cursor ADD COLUMN problem TEXT NOT NULL DEFAULT '';

ALTER TABLE cursor ADD COLUMN problem_at BIGINT;

ALTER TABLE cursor ADD COLUMN tries BIGINT NOT NULL DEFAULT 0;

ALTER TABLE cursor ADD COLUMN next_at BIGINT;

ALTER TABLE cursor ADD COLUMN paused_at BIGINT;

ALTER TABLE cursor ADD COLUMN alerted_at BIGINT;

-- A delivery is `sent`, `waiting` for its next try, or `parked`: it failed for a day, officers know, it is tried daily.
-- Only the first one of a person has a `next_at`; those behind it have none and follow it.
DROP INDEX delivery_waiting;

CREATE INDEX delivery_due ON delivery (system, next_at) WHERE state <> 'sent';

CREATE INDEX delivery_open ON delivery (system, subject, log_index) WHERE state <> 'sent';

CREATE INDEX delivery_log ON delivery (system, id);

CREATE INDEX delivery_log_open ON delivery (system, id) WHERE state <> 'sent';

-- The moment up to which ends of words and pauses were noted, and among those of one moment the last one noted.
CREATE TABLE lapse (
  what  TEXT PRIMARY KEY,
  up_to BIGINT NOT NULL,
  last  TEXT NOT NULL
);

CREATE INDEX permission_expires ON permission (expires_at, decision) WHERE expires_at IS NOT NULL;

CREATE INDEX pause_until ON pause (until, id) WHERE ended_at IS NULL;
