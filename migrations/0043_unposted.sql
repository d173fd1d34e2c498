-- Letters that nobody posted yet, the oldest first: officers' to-do list asks for them at every look.
CREATE INDEX case_letter_unposted ON case_letter (made_at, id) WHERE posted_at IS NULL;
