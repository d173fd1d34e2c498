-- When the answer was given (sent, or ready to be fetched), which is before the case closes, and whether that was too late:
-- for the figures by year. Of cases from before this column was there it is as near as is known.
ALTER TABLE case_file ADD COLUMN answered_at BIGINT;

ALTER TABLE case_file ADD COLUMN answered_late BIGINT NOT NULL DEFAULT 0;

CREATE INDEX case_file_received_at ON case_file (received_at);

UPDATE case_file SET answered_at = closed_at WHERE closed_at IS NOT NULL;

UPDATE case_file SET answered_at = (
  SELECT max(done.answered_at) FROM case_task done WHERE done.case_id = case_file.id AND done.round = case_file.round
) WHERE state = 'delivering';

-- only: sqlite
UPDATE case_file SET answered_late = 1 WHERE date(answered_at / 1000000, 'unixepoch') > due_on;

-- only: postgresql
UPDATE case_file SET answered_late = 1 WHERE to_char(to_timestamp(answered_at / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD') > due_on;
