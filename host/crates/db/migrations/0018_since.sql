-- How old a host may be that works with a schema: the version of the schema it knows. Where a version has
-- no row, only hosts that know it.
CREATE TABLE schema_since (
    version BIGINT PRIMARY KEY,
    since BIGINT NOT NULL
);
