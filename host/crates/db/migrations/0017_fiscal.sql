-- What a tax authority, or who speaks for it, is to answer about a sale or a refund, and what it
-- answered. A mark may come before its record: then the record is 'early', and says of its entry and
-- its store only what is known.

CREATE TABLE fiscal_records (
    serial {serial},
    order_id TEXT NOT NULL,
    -- Empty for the sale.
    refund_id TEXT NOT NULL,
    entry_id TEXT,
    receipt TEXT,
    store_id TEXT,
    retailer TEXT,
    state TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL,
    CONSTRAINT fiscal_records_once UNIQUE (order_id, refund_id)
);
CREATE INDEX fiscal_records_by_store ON fiscal_records (store_id, serial);
CREATE INDEX fiscal_records_by_retailer ON fiscal_records (retailer, serial);
CREATE INDEX fiscal_records_by_state ON fiscal_records (state, serial);
CREATE INDEX fiscal_records_by_age ON fiscal_records (created_ms);

CREATE TABLE fiscal_marks (
    serial {serial},
    order_id TEXT NOT NULL,
    mark TEXT NOT NULL,
    refund_id TEXT NOT NULL,
    scheme TEXT NOT NULL,
    attributes TEXT NOT NULL,
    state TEXT NOT NULL,
    issued_ms BIGINT NOT NULL,
    received_ms BIGINT NOT NULL,
    CONSTRAINT fiscal_marks_once UNIQUE (order_id, mark)
);
CREATE INDEX fiscal_marks_by_order ON fiscal_marks (order_id, serial);
CREATE INDEX fiscal_marks_by_age ON fiscal_marks (received_ms);
