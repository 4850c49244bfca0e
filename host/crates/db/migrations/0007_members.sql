-- Attempts to identify a member, limited for each store and each client. An allowance is written as
-- the instant at which it is whole again; a row whose instant has passed says nothing any more.
CREATE TABLE allowances (
    id TEXT PRIMARY KEY,
    whole_ms BIGINT NOT NULL
);
CREATE INDEX allowances_by_age ON allowances (whole_ms);
