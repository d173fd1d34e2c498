-- The e-mail address that a correction puts in place of another: only one that was proven for that very request.
ALTER TABLE case_correction ADD COLUMN proven TEXT;
