-- Indexes that no query reads: they were for a retention that does not exist. A paid order wrote 16 entries to them.
-- Rows are stored in the order of their age, so retention can read a table from its start, or add a BRIN index.
DROP INDEX IF EXISTS sale_lines_by_age;
DROP INDEX IF EXISTS tenders_by_age;
DROP INDEX IF EXISTS activities_by_age;
DROP INDEX IF EXISTS outbox_by_age;
DROP INDEX IF EXISTS effects_by_age;
DROP INDEX IF EXISTS counters_by_age;
DROP INDEX IF EXISTS journal_by_age;
DROP INDEX IF EXISTS blobs_by_age;
DROP INDEX IF EXISTS answered_by_age;
DROP INDEX IF EXISTS fiscal_records_by_age;
