-- Each change of the tax settings gives a new version. Comparisons count from the last one.
ALTER TABLE tax_stores ADD COLUMN settings_version BIGINT DEFAULT 0;

-- Baskets with the answers of both routes.
CREATE TABLE tax_comparisons (
    serial {serial},
    store_id {ordered} NOT NULL,
    at_ms BIGINT NOT NULL,
    route {ordered} NOT NULL,
    shadow {ordered} NOT NULL,
    table_version BIGINT NOT NULL,
    settings_version BIGINT NOT NULL,
    outcome {ordered} NOT NULL,
    request TEXT NOT NULL,
    response TEXT NOT NULL,
    shadow_response TEXT,
    differences TEXT NOT NULL,
    error TEXT NOT NULL
);
CREATE INDEX tax_comparisons_by_store ON tax_comparisons (store_id, at_ms, serial);
CREATE INDEX tax_comparisons_by_outcome ON tax_comparisons (store_id, outcome, at_ms, serial);
CREATE INDEX tax_comparisons_by_age ON tax_comparisons (at_ms);

-- The number of baskets by day in UTC and by outcome, and how many of them are recorded in tax_comparisons.
CREATE TABLE tax_comparison_counts (
    store_id {ordered} NOT NULL,
    day {ordered} NOT NULL,
    route {ordered} NOT NULL,
    shadow {ordered} NOT NULL,
    table_version BIGINT NOT NULL,
    settings_version BIGINT NOT NULL,
    outcome {ordered} NOT NULL,
    baskets BIGINT NOT NULL,
    recorded BIGINT NOT NULL,
    PRIMARY KEY (store_id, day, route, shadow, table_version, settings_version, outcome)
);
CREATE INDEX tax_comparison_counts_by_age ON tax_comparison_counts (day);
