-- What in a table of findings asks for judgement, noted when it is written, so that a request's page need not read it all again.
ALTER TABLE case_finding ADD COLUMN signs BLOB;
