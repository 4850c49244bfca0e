-- Which run of a settlement tells which statement: found when the run begins, and the same for all
-- its attempts. A statement that came, or was matched, after the run over its day is told by the
-- next run of the slot. Goes with the run or the statement.
CREATE TABLE settlements (
    run_id TEXT NOT NULL CONSTRAINT settlements_of_run REFERENCES runs (id) ON DELETE CASCADE,
    paid_on {ordered} NOT NULL,
    statement_id {ordered} NOT NULL CONSTRAINT settlements_of_statement
        REFERENCES statements (id) ON DELETE CASCADE,
    CONSTRAINT settlements_key PRIMARY KEY (run_id, paid_on, statement_id)
);
CREATE INDEX settlements_by_statement ON settlements (statement_id);
CREATE INDEX runs_by_slot ON runs (retailer, subscriber, point, store_id, last_date);
-- What was told before this table was there.
INSERT INTO settlements (run_id, paid_on, statement_id)
SELECT r.id, s.paid_on, s.id FROM runs r JOIN statements s ON s.retailer = r.retailer
    AND s.paid_on >= r.first_date AND s.paid_on <= r.last_date
    AND s.imported_ms <= r.as_of_ms AND s.state = 'matched'
WHERE r.point = 'write-settlement' AND r.state = 'ended';
