-- Retailers take turns: the next retailer, and the oldest document or run of a retailer, is one step along these.
DROP INDEX documents_to_deliver;
CREATE INDEX documents_to_deliver ON documents (retailer, serial)
    WHERE state NOT IN ('delivered', 'blocked');
-- Runs that are not over: see src/runs.rs.
CREATE INDEX runs_by_turn ON runs (retailer, ready_ms, serial) WHERE ready_ms < 9223372036854775807;
