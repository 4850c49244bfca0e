-- Products of a retailer and their prices by store, in versions.
--
-- A row is never changed: what changes gets a row of a further version. A version is seen once it
-- stands in catalogue_versions, and from then on all of it: so an import of any size is written in
-- pieces that nobody sees, between which tills have the writer, and shown by one row. What was seen
-- at an instant can be read again later. Rows of a version that never got there belong to an import
-- that is under way, or to one that broke off; src/catalogue.rs takes those away.
--
-- Retention: catalogue_versions has the instant. A product's row goes when a later one has taken its
-- place for long enough, a version when no row is left of it.

-- One row for each retailer: the last version given out, and who may write it until when. What was
-- read as of fixed_ms stays as it was read: the next version is shown with a later instant.
CREATE TABLE catalogues (
    retailer {ordered} NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    fixed_ms BIGINT NOT NULL,
    writer TEXT,
    writer_until_ms BIGINT NOT NULL
);
CREATE INDEX catalogues_by_writer ON catalogues (writer_until_ms) WHERE writer IS NOT NULL;

CREATE TABLE catalogue_versions (
    retailer {ordered} NOT NULL,
    version BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    CONSTRAINT catalogue_versions_key PRIMARY KEY (retailer, version)
);
CREATE INDEX catalogue_versions_by_age ON catalogue_versions (at_ms);

-- The price holds where a store has none of its own; NULL where there is none.
CREATE TABLE products (
    retailer {ordered} NOT NULL,
    sku {ordered} NOT NULL,
    version BIGINT NOT NULL,
    gtin TEXT NOT NULL,
    name TEXT NOT NULL,
    category TEXT NOT NULL,
    unit TEXT NOT NULL,
    price_unscaled BIGINT,
    price_scale BIGINT,
    currency TEXT,
    tax_code TEXT NOT NULL,
    active BIGINT NOT NULL,
    CONSTRAINT products_key PRIMARY KEY (retailer, sku, version)
);
CREATE INDEX products_by_version ON products (retailer, version);

-- A store's own price; NULL where it was taken away.
CREATE TABLE product_prices (
    retailer {ordered} NOT NULL,
    sku {ordered} NOT NULL,
    store_id {ordered} NOT NULL,
    version BIGINT NOT NULL,
    price_unscaled BIGINT,
    price_scale BIGINT,
    currency TEXT,
    CONSTRAINT product_prices_key PRIMARY KEY (retailer, store_id, sku, version)
);
CREATE INDEX product_prices_by_product ON product_prices (retailer, sku, store_id, version);
CREATE INDEX product_prices_by_version ON product_prices (retailer, version);
