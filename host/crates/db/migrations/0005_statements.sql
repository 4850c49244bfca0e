-- Statements of providers, their lines, what matching made of them, and the tenders that they are
-- matched with.
--
-- Two more words differ between the databases:
--   {json}     makes text JSON, where that has to be said
--   {elements} the table of a JSON array's elements
--
-- Retention: tenders and statements have instants with an index; a statement takes its lines along.
-- `leases` and `matching_turns` grow with the retailers.

CREATE TABLE tenders (
    id {ordered} NOT NULL PRIMARY KEY,
    retailer {ordered} NOT NULL,
    store_id TEXT NOT NULL,
    store TEXT NOT NULL,
    back BIGINT NOT NULL,
    kind TEXT NOT NULL,
    provider TEXT NOT NULL,
    psp_reference TEXT NOT NULL,
    modification_reference TEXT NOT NULL,
    merchant_reference TEXT NOT NULL,
    scheme TEXT NOT NULL,
    amount BIGINT NOT NULL,
    currency TEXT NOT NULL,
    minor_digits BIGINT NOT NULL,
    business_date TEXT NOT NULL,
    entry_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    accepted_ms BIGINT NOT NULL,
    -- 1 until matching has looked whether a line waits for it.
    fresh BIGINT NOT NULL,
    -- 1 where the sale was undone: no statement is expected to cover it.
    voided BIGINT NOT NULL,
    settled_by TEXT
);
CREATE INDEX tenders_by_psp ON tenders (retailer, psp_reference, accepted_ms, id)
    WHERE psp_reference <> '';
CREATE INDEX tenders_by_modification ON tenders (retailer, modification_reference, accepted_ms, id)
    WHERE modification_reference <> '';
CREATE INDEX tenders_by_merchant ON tenders (retailer, merchant_reference, accepted_ms, id)
    WHERE merchant_reference <> '';
CREATE INDEX tenders_by_entry ON tenders (entry_id);
CREATE INDEX tenders_fresh ON tenders (accepted_ms, id) WHERE fresh = 1;
CREATE INDEX tenders_uncovered ON tenders (retailer, accepted_ms, id)
    WHERE settled_by IS NULL AND voided = 0;
CREATE INDEX tenders_by_age ON tenders (accepted_ms);

-- What was accepted before. Cash without any reference can never be matched.
INSERT INTO tenders (id, retailer, store_id, store, back, kind, provider, psp_reference,
    modification_reference, merchant_reference, scheme, amount, currency, minor_digits,
    business_date, entry_id, order_id, accepted_ms, fresh, voided, settled_by)
SELECT 'payment:' || p.id || '/' || (t.value ->> 'number'), s.retailer, s.id, s.external_id, 0,
    t.value ->> 'kind', COALESCE(t.value ->> 'provider', ''),
    COALESCE(t.value ->> 'psp_reference', ''), COALESCE(t.value ->> 'modification_reference', ''),
    COALESCE(t.value ->> 'merchant_reference', ''), COALESCE(t.value ->> 'scheme', ''),
    CAST(t.value ->> 'amount' AS BIGINT), p.sale{json} -> 'entry' ->> 'currency',
    CAST(s.body{json} ->> 'minor_digits' AS BIGINT), p.sale{json} -> 'entry' ->> 'business_date',
    p.id, p.order_id, p.accepted_ms, 0, CASE WHEN o.status = 'voided' THEN 1 ELSE 0 END, NULL
FROM payments p JOIN orders o ON o.id = p.order_id JOIN stores s ON s.id = p.store_id,
    {elements}(p.sale{json} -> 'tenders') t
WHERE CAST(COALESCE(p.sale{json} -> 'entry' ->> 'training', 'false') AS TEXT) NOT IN ('true', '1')
    AND (t.value ->> 'kind' <> 'cash' OR COALESCE(t.value ->> 'psp_reference',
        t.value ->> 'modification_reference', t.value ->> 'merchant_reference', '') <> '');
INSERT INTO tenders (id, retailer, store_id, store, back, kind, provider, psp_reference,
    modification_reference, merchant_reference, scheme, amount, currency, minor_digits,
    business_date, entry_id, order_id, accepted_ms, fresh, voided, settled_by)
SELECT 'refund:' || r.id || '/' || (t.value ->> 'number'), s.retailer, s.id, s.external_id, 1,
    t.value ->> 'kind', COALESCE(t.value ->> 'provider', ''),
    COALESCE(t.value ->> 'psp_reference', ''), COALESCE(t.value ->> 'modification_reference', ''),
    COALESCE(t.value ->> 'merchant_reference', ''), COALESCE(t.value ->> 'scheme', ''),
    -CAST(t.value ->> 'amount' AS BIGINT), r.refund{json} -> 'entry' ->> 'currency',
    CAST(s.body{json} ->> 'minor_digits' AS BIGINT), r.refund{json} -> 'entry' ->> 'business_date',
    r.id, r.order_id, r.accepted_ms, 0, 0, NULL
FROM refunds r JOIN stores s ON s.id = r.store_id, {elements}(r.refund{json} -> 'tenders') t
WHERE r.refund IS NOT NULL
    AND CAST(COALESCE(r.refund{json} -> 'entry' ->> 'training', 'false') AS TEXT)
        NOT IN ('true', '1')
    AND (t.value ->> 'kind' <> 'cash' OR COALESCE(t.value ->> 'psp_reference',
        t.value ->> 'modification_reference', t.value ->> 'merchant_reference', '') <> '');

-- A file is one statement, and a payout is one statement, whichever file it came in.
CREATE TABLE statements (
    id {ordered} NOT NULL PRIMARY KEY,
    retailer {ordered} NOT NULL,
    plugin TEXT NOT NULL,
    component TEXT NOT NULL,
    file TEXT NOT NULL,
    digest TEXT NOT NULL,
    size BIGINT NOT NULL,
    provider TEXT NOT NULL,
    account TEXT NOT NULL,
    reference TEXT NOT NULL,
    currency TEXT NOT NULL,
    minor_digits BIGINT NOT NULL,
    paid_on {ordered} NOT NULL,
    total BIGINT,
    attributes TEXT NOT NULL,
    net BIGINT NOT NULL,
    line_count BIGINT NOT NULL,
    state TEXT NOT NULL,
    matched_to BIGINT NOT NULL,
    imported_ms BIGINT NOT NULL,
    CONSTRAINT statements_file UNIQUE (retailer, digest),
    CONSTRAINT statements_payout UNIQUE (retailer, provider, account, reference)
);
CREATE INDEX statements_by_day ON statements (paid_on, id);
CREATE INDEX statements_by_retailer ON statements (retailer, paid_on, id);
CREATE INDEX statements_unfinished ON statements (id) WHERE state <> 'matched';
CREATE INDEX statements_by_age ON statements (imported_ms);

CREATE TABLE statement_lines (
    statement_id {ordered} NOT NULL CONSTRAINT lines_of_statement
        REFERENCES statements (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    retailer TEXT NOT NULL,
    psp_reference TEXT NOT NULL,
    modification_reference TEXT NOT NULL,
    merchant_reference TEXT NOT NULL,
    converted BIGINT NOT NULL,
    fee BIGINT NOT NULL,
    net BIGINT NOT NULL,
    outcome TEXT,
    rule TEXT,
    tender_id TEXT,
    settles BIGINT NOT NULL,
    store_id TEXT NOT NULL,
    store {ordered} NOT NULL,
    business_date {ordered} NOT NULL,
    entry_id TEXT NOT NULL,
    difference BIGINT NOT NULL,
    expected_fee BIGINT,
    waits BIGINT NOT NULL,
    -- Last, so that SQLite need not read through it for what stands behind it.
    line TEXT NOT NULL,
    CONSTRAINT statement_lines_key PRIMARY KEY (statement_id, number)
);
CREATE INDEX statement_lines_by_store
    ON statement_lines (statement_id, store, business_date, number);
CREATE INDEX statement_lines_by_outcome ON statement_lines (statement_id, outcome, number);
CREATE INDEX statement_lines_waiting_psp ON statement_lines (retailer, psp_reference)
    WHERE waits = 1 AND psp_reference <> '';
CREATE INDEX statement_lines_waiting_modification
    ON statement_lines (retailer, modification_reference)
    WHERE waits = 1 AND modification_reference <> '';
CREATE INDEX statement_lines_waiting_merchant ON statement_lines (retailer, merchant_reference)
    WHERE waits = 1 AND merchant_reference <> '';

-- What people did to lines, with what stood there before and after.
CREATE TABLE line_hands (
    serial {serial},
    line_id TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    by_whom TEXT NOT NULL,
    undo BIGINT NOT NULL,
    reason TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL
);
CREATE INDEX line_hands_by_line ON line_hands (line_id, serial);
CREATE INDEX line_hands_by_age ON line_hands (at_ms);

-- Work that one replica does at a time.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    until_ms BIGINT NOT NULL
);

-- One row a retailer, locked while its lines or tenders are matched.
CREATE TABLE matching_turns (
    retailer TEXT PRIMARY KEY,
    turns BIGINT NOT NULL
);
