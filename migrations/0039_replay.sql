-- By which identifiers a system deleted somebody, sealed under the request's key: a restored backup of that system holds them again.
ALTER TABLE case_task ADD COLUMN again BLOB;

-- What a system has done since a day.
CREATE INDEX case_task_done ON case_task (system, answered_at) WHERE state = 'answered';
