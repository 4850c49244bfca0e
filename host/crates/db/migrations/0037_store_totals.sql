-- Totals of each store, so that the status does not count whole tables: the rows up to `up_to` of each table are in
-- `store_totals`, and later ones are few. `next` was the last row at `at_ms`: rows below it may have been uncommitted
-- then, so they are added some minutes later.
CREATE TABLE store_totals (
    store_id TEXT NOT NULL PRIMARY KEY,
    events BIGINT NOT NULL,
    documents BIGINT NOT NULL,
    cpu_us BIGINT NOT NULL
);
CREATE TABLE totals_progress (
    counted TEXT NOT NULL PRIMARY KEY,
    up_to BIGINT NOT NULL,
    next BIGINT NOT NULL,
    at_ms BIGINT NOT NULL
);
INSERT INTO totals_progress (counted, up_to, next, at_ms)
    VALUES ('events', 0, 0, 0), ('documents', 0, 0, 0), ('attempts', 0, 0, 0);

-- Only these counts used them. A paid order wrote six entries to them.
DROP INDEX IF EXISTS outbox_by_store;
DROP INDEX IF EXISTS documents_by_state;
DROP INDEX IF EXISTS journal_by_store;
