-- The request that caused an event, beside its trace: a till tells its id, the log is searched by it, and a
-- message carries it. In the event's row, and where it waits or was given up. No index: no query asks by it.
ALTER TABLE outbox ADD COLUMN request_id TEXT;
ALTER TABLE parked ADD COLUMN request_id TEXT;
ALTER TABLE dead_letters ADD COLUMN request_id TEXT;
