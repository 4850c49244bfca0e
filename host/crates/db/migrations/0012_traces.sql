-- The trace of the request that caused an event, as a W3C `traceparent`: in its row of the log, and
-- where it waits or was given up, because it may outlive that row. No index: nobody searches by it.
ALTER TABLE outbox ADD COLUMN traceparent TEXT;
ALTER TABLE parked ADD COLUMN traceparent TEXT;
ALTER TABLE dead_letters ADD COLUMN traceparent TEXT;
