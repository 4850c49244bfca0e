-- When a request was recorded, and when a process began to read the files of its retailers: both by the database's
-- clock, as hosts.seen_ms, because the clocks of the processes may differ.
ALTER TABLE reloads ADD COLUMN recorded_ms BIGINT DEFAULT 0;
ALTER TABLE hosts ADD COLUMN started_ms BIGINT DEFAULT 0;
