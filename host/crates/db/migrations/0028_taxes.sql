-- The platform's table of tax codes, column by column.
CREATE TABLE tax_level (
    id {serial},
    store_id {ordered} NOT NULL,
    tax_code {ordered} NOT NULL,
    tax_level VARCHAR(25) NOT NULL,
    retailer_tax_level_id {ordered} NOT NULL,
    tax_percent NUMERIC(13, 2) NOT NULL,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    UNIQUE (store_id, tax_code, retailer_tax_level_id)
);

-- The rows of tax tables that the platform's table cannot express. valid_from is a date such as 2026-07-01, or empty.
-- A key is in one of both tables.
CREATE TABLE tax_rules (
    store_id {ordered} NOT NULL,
    tax_code {ordered} NOT NULL,
    retailer_tax_level_id {ordered} NOT NULL,
    valid_from {ordered} NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (store_id, tax_code, retailer_tax_level_id, valid_from)
);

-- The tax settings of a store. Each change of its table gives a new version, so that hosts notice it.
CREATE TABLE tax_stores (
    store_id {ordered} PRIMARY KEY,
    settings TEXT,
    table_version BIGINT NOT NULL
);
