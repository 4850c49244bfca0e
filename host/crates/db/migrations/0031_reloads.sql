-- Requests to load a retailer again: each increments the generation.
CREATE TABLE reloads (
    retailer {ordered} NOT NULL PRIMARY KEY,
    generation BIGINT NOT NULL,
    requested_ms BIGINT NOT NULL
);

-- The running processes. Each renews its row.
CREATE TABLE hosts (
    name {ordered} NOT NULL PRIMARY KEY,
    seen_ms BIGINT NOT NULL
);

-- How each process loaded each of its retailers the last time.
CREATE TABLE loads (
    retailer {ordered} NOT NULL,
    host {ordered} NOT NULL,
    generation BIGINT NOT NULL,
    state TEXT NOT NULL,
    errors TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (retailer, host)
);
CREATE INDEX loads_by_host ON loads (host);
