-- The bytes of a kept mail go with its row, which a legal hold spares: never by themselves.
UPDATE blob SET keep_until = NULL WHERE id IN (SELECT blob_id FROM case_mail WHERE blob_id IS NOT NULL);
