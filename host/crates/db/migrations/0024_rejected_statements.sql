-- Files that a plugin rejected: the original is kept, and can be read again after a correction.
CREATE TABLE rejected_statements (
    id {ordered} NOT NULL PRIMARY KEY,
    retailer {ordered} NOT NULL,
    plugin TEXT NOT NULL,
    file TEXT NOT NULL,
    digest TEXT NOT NULL,
    size BIGINT NOT NULL,
    problems TEXT NOT NULL,
    rejected_ms BIGINT NOT NULL
);
CREATE INDEX rejected_statements_by_retailer ON rejected_statements (retailer, rejected_ms, id);
