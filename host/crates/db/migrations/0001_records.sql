-- The records of the host. One text for SQLite and PostgreSQL; four words differ and are put in by
-- src/migrations.rs:
--   {serial}  a primary key that grows with every row: the order of insertion
--   {bytes}   BLOB or BYTEA
--   {ordered} TEXT that sorts by bytes in both, where rows are paged through in that order
--   {now_ms}  the database's clock
--
-- Instants are milliseconds since 1970 in UTC, in columns that end in _ms. JSON is TEXT. Money is
-- minor units.
--
-- Retention: every table that grows has an instant with an index, so that old rows go in order of
-- age with DELETE ... WHERE <instant> < $1. Only `stores`, `numbers`, `positions` and `log_head`
-- have none: they grow with the stores and the groups, not with time. `numbers` must outlive
-- everything it numbered. Foreign keys stand where a row means nothing without the other:
--   a store with orders or shifts is not deleted (no action);
--   an order takes its payment along (cascade).
-- Refunds and voids may name an order that is not here yet, or no longer.

CREATE TABLE stores (
    id {ordered} NOT NULL PRIMARY KEY,
    retailer {ordered} NOT NULL,
    external_id TEXT NOT NULL,
    body TEXT NOT NULL
);
-- Unique, as `id` is, which is NOT NULL: SQLite must be told, or it sorts the lines of each store.
CREATE UNIQUE INDEX stores_by_retailer ON stores (retailer, id);

CREATE TABLE orders (
    id TEXT PRIMARY KEY,
    store_id {ordered} NOT NULL CONSTRAINT orders_of_store REFERENCES stores (id),
    external_id TEXT,
    workstation TEXT NOT NULL,
    operator TEXT,
    training BIGINT NOT NULL,
    status TEXT NOT NULL,
    lines TEXT NOT NULL,
    member TEXT,
    consents TEXT NOT NULL,
    attributes TEXT NOT NULL,
    gross BIGINT NOT NULL,
    begun_ms BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX orders_by_age ON orders (created_ms);
CREATE INDEX orders_by_store ON orders (store_id);

CREATE TABLE payments (
    id TEXT PRIMARY KEY,
    order_id TEXT NOT NULL
        CONSTRAINT payments_of_order REFERENCES orders (id) ON DELETE CASCADE,
    store_id TEXT NOT NULL,
    shift_id TEXT,
    sale TEXT NOT NULL,
    occurred_ms BIGINT NOT NULL,
    accepted_ms BIGINT NOT NULL,
    CONSTRAINT payments_one_per_order UNIQUE (order_id)
);
CREATE INDEX payments_by_age ON payments (accepted_ms);

CREATE TABLE refunds (
    serial {serial},
    id TEXT NOT NULL CONSTRAINT refunds_id UNIQUE,
    order_id TEXT NOT NULL,
    store_id TEXT NOT NULL,
    shift_id TEXT,
    entry TEXT NOT NULL,
    extent TEXT NOT NULL,
    tenders TEXT NOT NULL,
    rounding BIGINT,
    reason TEXT NOT NULL,
    attributes TEXT NOT NULL,
    refund TEXT,
    occurred_ms BIGINT NOT NULL,
    accepted_ms BIGINT NOT NULL
);
CREATE INDEX refunds_by_order ON refunds (order_id, serial);
CREATE INDEX refunds_by_age ON refunds (accepted_ms);

CREATE TABLE voids (
    id TEXT PRIMARY KEY,
    order_id TEXT NOT NULL,
    store_id TEXT NOT NULL,
    cancellation TEXT NOT NULL,
    occurred_ms BIGINT NOT NULL,
    accepted_ms BIGINT NOT NULL
);
CREATE INDEX voids_by_order ON voids (order_id);
CREATE INDEX voids_by_age ON voids (accepted_ms);

CREATE TABLE shifts (
    id TEXT PRIMARY KEY,
    store_id {ordered} NOT NULL CONSTRAINT shifts_of_store REFERENCES stores (id),
    workstation TEXT NOT NULL,
    till TEXT NOT NULL,
    operator TEXT,
    opening_float BIGINT NOT NULL,
    sums TEXT NOT NULL,
    closed TEXT,
    opened_ms BIGINT NOT NULL,
    closed_ms BIGINT
);
CREATE INDEX shifts_by_age ON shifts (opened_ms);
CREATE INDEX shifts_by_store ON shifts (store_id);

-- Lines of numbers without gaps. `kind` keeps the host's own numbers apart from the counters that
-- plugins ask for by names of their choice.
CREATE TABLE numbers (
    kind TEXT NOT NULL,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    value BIGINT NOT NULL,
    CONSTRAINT numbers_line PRIMARY KEY (kind, scope, name)
);

-- The primary key is the order in which reports read, so a page continues without counting off.
CREATE TABLE sale_lines (
    store_id {ordered} NOT NULL,
    business_date {ordered} NOT NULL,
    begun_at {ordered} NOT NULL,
    entry_id {ordered} NOT NULL,
    number BIGINT NOT NULL,
    store_external_id TEXT NOT NULL,
    returned BIGINT NOT NULL,
    sku TEXT NOT NULL,
    category TEXT NOT NULL,
    quantity_unscaled BIGINT NOT NULL,
    quantity_scale BIGINT NOT NULL,
    currency TEXT NOT NULL,
    amount BIGINT NOT NULL,
    discount BIGINT NOT NULL,
    tax_code TEXT NOT NULL,
    tax BIGINT NOT NULL,
    accepted_ms BIGINT NOT NULL,
    CONSTRAINT sale_lines_key
        PRIMARY KEY (store_id, business_date, begun_at, entry_id, number)
);
CREATE INDEX sale_lines_by_age ON sale_lines (accepted_ms);

-- The log. Positions are taken from the one row of `log_head`, which stays locked until the
-- transaction ends: a position becomes visible only after every lower one, so a reader that has
-- seen it has missed nothing. A sequence would not give that.
CREATE TABLE log_head (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    last BIGINT NOT NULL
);
INSERT INTO log_head (id, last) VALUES (1, 0);

CREATE TABLE outbox (
    position BIGINT PRIMARY KEY,
    id TEXT NOT NULL CONSTRAINT outbox_id UNIQUE,
    topic TEXT NOT NULL,
    event_key TEXT,
    store_id TEXT,
    data TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX outbox_by_topic ON outbox (topic, position);
CREATE INDEX outbox_by_age ON outbox (created_ms);
-- What stores have come to is counted without reading the events themselves.
CREATE INDEX outbox_by_store ON outbox (store_id, id);

CREATE TABLE positions (
    consumer_group TEXT PRIMARY KEY,
    position BIGINT NOT NULL
);

-- Must be kept longer than any log keeps its events: a row that is gone lets its effect happen again.
CREATE TABLE effects (
    event_id TEXT NOT NULL,
    subscriber TEXT NOT NULL,
    outcome TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    CONSTRAINT effects_once PRIMARY KEY (event_id, subscriber)
);
CREATE INDEX effects_by_age ON effects (at_ms);

-- A number that was taken for an event, so that a second attempt gets the same one.
CREATE TABLE counters (
    event_id TEXT NOT NULL,
    subscriber TEXT NOT NULL,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    value BIGINT NOT NULL,
    -- By the database's own clock: the port passes no time, and retention needs none better.
    taken_ms BIGINT NOT NULL DEFAULT ({now_ms}),
    CONSTRAINT counters_once PRIMARY KEY (event_id, subscriber, scope, name)
);
CREATE INDEX counters_by_age ON counters (taken_ms);

CREATE TABLE journal (
    serial {serial},
    event_id TEXT NOT NULL,
    subscriber TEXT NOT NULL,
    store_id TEXT NOT NULL,
    order_id TEXT,
    attempt BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT,
    plugin TEXT NOT NULL,
    component TEXT NOT NULL,
    settings TEXT NOT NULL,
    argument TEXT NOT NULL,
    decision TEXT,
    cpu_us BIGINT NOT NULL,
    memory_bytes BIGINT NOT NULL,
    output_bytes BIGINT NOT NULL,
    at_ms BIGINT NOT NULL
);
CREATE INDEX journal_by_order ON journal (order_id, serial);
CREATE INDEX journal_by_event ON journal (event_id, subscriber);
CREATE INDEX journal_by_store ON journal (store_id, cpu_us);
CREATE INDEX journal_by_age ON journal (at_ms);

-- Texts that the journal names by digest. used_ms moves on while a text is in use, so that one
-- that young journal rows still name is not old.
CREATE TABLE blobs (
    digest TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    used_ms BIGINT NOT NULL
);
CREATE INDEX blobs_by_age ON blobs (used_ms);

-- ready_ms says from when an event may be the one to try: never (the end of time) while another of
-- its lane is before it, or while it is 'held'; else its due_ms, or 0 where it was 'behind'. See
-- src/parked.rs, which alone writes it.
CREATE TABLE parked (
    event_id TEXT NOT NULL,
    subscriber TEXT NOT NULL,
    consumer_group TEXT NOT NULL,
    lane TEXT NOT NULL,
    position BIGINT NOT NULL,
    topic TEXT NOT NULL,
    event_key TEXT,
    store_id TEXT,
    data TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    ready_ms BIGINT NOT NULL,
    since_ms BIGINT NOT NULL,
    waits_for TEXT,
    cause TEXT NOT NULL,
    CONSTRAINT parked_once PRIMARY KEY (event_id, subscriber)
);
CREATE INDEX parked_by_lane ON parked (consumer_group, subscriber, lane, position);
CREATE INDEX parked_by_ready ON parked (consumer_group, ready_ms, position);
CREATE INDEX parked_by_cause ON parked (waits_for, subscriber);
CREATE INDEX parked_held ON parked (state) WHERE state = 'held';
CREATE INDEX parked_by_age ON parked (since_ms);

CREATE TABLE dead_letters (
    event_id TEXT NOT NULL,
    subscriber TEXT NOT NULL,
    consumer_group TEXT NOT NULL,
    lane TEXT NOT NULL,
    position BIGINT NOT NULL,
    topic TEXT NOT NULL,
    event_key TEXT,
    store_id TEXT,
    data TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    code TEXT NOT NULL,
    detail TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    component TEXT NOT NULL,
    died_ms BIGINT NOT NULL,
    CONSTRAINT dead_letters_once PRIMARY KEY (event_id, subscriber)
);
CREATE INDEX dead_letters_by_age ON dead_letters (died_ms, position);

CREATE TABLE documents (
    serial {serial},
    id TEXT NOT NULL CONSTRAINT documents_id UNIQUE,
    event_id TEXT NOT NULL,
    subscriber TEXT NOT NULL,
    retailer TEXT NOT NULL,
    store_id TEXT NOT NULL,
    order_id TEXT,
    directory TEXT NOT NULL,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size BIGINT NOT NULL,
    digest TEXT NOT NULL,
    state TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    moved_ms BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until_ms BIGINT NOT NULL DEFAULT 0,
    -- Last, so that SQLite need not read through it for what stands behind it.
    body {bytes},
    CONSTRAINT documents_name UNIQUE (retailer, directory, name)
);
-- The deliverer's work alone, however many documents were delivered before.
-- Said in the words of document_lease; in the words `state IN`, SQLite would take documents_by_state
-- and sort every body that waits.
CREATE INDEX documents_to_deliver ON documents (serial) WHERE state NOT IN ('delivered', 'blocked');
CREATE INDEX documents_by_state ON documents (state, store_id);
CREATE INDEX documents_by_order ON documents (order_id, serial);
CREATE INDEX documents_by_age ON documents (created_ms);

CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    retailer TEXT NOT NULL,
    subscriber TEXT NOT NULL,
    point TEXT NOT NULL,
    store_id TEXT NOT NULL,
    first_date TEXT NOT NULL,
    last_date TEXT NOT NULL,
    as_of_ms BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    sums TEXT NOT NULL,
    ended_ms BIGINT NOT NULL
);
CREATE INDEX runs_by_age ON runs (ended_ms);

-- An id is '<event id>/<n>': two subscribers of one event may each have a first request.
CREATE TABLE requests (
    id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    subscriber TEXT NOT NULL,
    store_id TEXT NOT NULL,
    request TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    CONSTRAINT requests_once PRIMARY KEY (id, subscriber)
);
CREATE INDEX requests_by_age ON requests (created_ms);

CREATE TABLE receipts (
    id TEXT PRIMARY KEY,
    event_id TEXT NOT NULL,
    subscriber TEXT NOT NULL,
    store_id TEXT NOT NULL,
    order_id TEXT,
    receipt TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX receipts_by_order ON receipts (order_id);
CREATE INDEX receipts_by_age ON receipts (created_ms);

CREATE TABLE answered (
    idempotency_key TEXT PRIMARY KEY,
    request TEXT NOT NULL,
    status BIGINT NOT NULL,
    body TEXT NOT NULL,
    at_ms BIGINT NOT NULL
);
CREATE INDEX answered_by_age ON answered (at_ms);
