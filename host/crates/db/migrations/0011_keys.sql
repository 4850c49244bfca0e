-- Keys of callers. Of a secret only its digest is kept; `retailers` and `stores` are JSON arrays, and
-- NULL in both reaches everything.
CREATE TABLE api_keys (
    id {ordered} PRIMARY KEY,
    name {ordered} NOT NULL,
    digest TEXT NOT NULL,
    scope TEXT NOT NULL,
    retailers TEXT,
    stores TEXT,
    created_ms BIGINT NOT NULL,
    revoked_ms BIGINT
);
CREATE UNIQUE INDEX api_keys_in_use ON api_keys (name) WHERE revoked_ms IS NULL;
CREATE INDEX api_keys_by_name ON api_keys (name, id);
CREATE INDEX api_keys_by_age ON api_keys (created_ms);
