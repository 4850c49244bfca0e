-- What stores did, day by day, and verifications.

CREATE TABLE verifications (
    id TEXT PRIMARY KEY,
    order_id TEXT NOT NULL,
    store_id TEXT NOT NULL,
    verification TEXT NOT NULL,
    occurred_ms BIGINT NOT NULL,
    accepted_ms BIGINT NOT NULL
);
CREATE INDEX verifications_by_order ON verifications (order_id);
CREATE INDEX verifications_by_age ON verifications (accepted_ms);

-- One row for each sale, refund, void, shift end and verification that is no training. The primary key
-- is the order in which runs read, so a page continues without counting off; what a row says is read
-- from the table of its kind, by id.
CREATE TABLE activities (
    store_id {ordered} NOT NULL,
    business_date {ordered} NOT NULL,
    begun_ms BIGINT NOT NULL,
    kind {ordered} NOT NULL,
    id {ordered} NOT NULL,
    accepted_ms BIGINT NOT NULL,
    CONSTRAINT activities_key PRIMARY KEY (store_id, business_date, begun_ms, kind, id)
);
CREATE INDEX activities_by_age ON activities (accepted_ms);

-- What was accepted before there was such a table.
INSERT INTO activities (store_id, business_date, begun_ms, kind, id, accepted_ms)
SELECT p.store_id, p.sale{json} -> 'entry' ->> 'business_date', o.begun_ms, 'sale', p.id, p.accepted_ms
FROM payments p JOIN orders o ON o.id = p.order_id
WHERE o.training = 0;

-- A refund that came before its payment could be worked out when that came.
INSERT INTO activities (store_id, business_date, begun_ms, kind, id, accepted_ms)
SELECT r.store_id, r.entry{json} ->> 'business_date', r.occurred_ms, 'refund', r.id,
    CASE WHEN p.accepted_ms > r.accepted_ms THEN p.accepted_ms ELSE r.accepted_ms END
FROM refunds r
LEFT JOIN orders o ON o.id = r.order_id
LEFT JOIN payments p ON p.order_id = r.order_id
WHERE r.refund IS NOT NULL AND COALESCE(o.training, 0) = 0;

INSERT INTO activities (store_id, business_date, begun_ms, kind, id, accepted_ms)
SELECT v.store_id, v.cancellation{json} -> 'entry' ->> 'business_date', v.occurred_ms, 'void', v.id,
    v.accepted_ms
FROM voids v
LEFT JOIN orders o ON o.id = v.order_id
WHERE COALESCE(o.training, 0) = 0;

-- When a shift's end was accepted was not kept; it was told when the drawer was closed, or soon after.
INSERT INTO activities (store_id, business_date, begun_ms, kind, id, accepted_ms)
SELECT s.store_id, s.closed{json} -> 'entry' ->> 'business_date', s.opened_ms, 'shift', s.id, s.closed_ms
FROM shifts s
WHERE s.closed IS NOT NULL AND s.closed_ms IS NOT NULL;
