-- After an appeal was granted: the moment from which the first request's time counts anew, and who answered it before.
ALTER TABLE case_file ADD COLUMN counted_from BIGINT;
