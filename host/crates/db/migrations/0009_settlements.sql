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
