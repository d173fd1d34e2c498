-- PostgreSQL keeps values of each column as samples for its planner, in a table that shredding does not reach: never of keys.
-- Samples that were taken before go when the column's type is set, to what it is.
-- only: postgresql
ALTER TABLE data_key ALTER COLUMN wrapped SET STATISTICS 0;

ALTER TABLE data_key ALTER COLUMN wrapped TYPE BLOB;
