-- What operators look at. Columns only come with a default, so that the version before keeps writing
-- its rows; it leaves a fault's retailer and a request's order out, and they are not found by these.

-- Faults are few, and counted by slot; attempts that were applied cost nothing here.
ALTER TABLE journal ADD COLUMN retailer TEXT NOT NULL DEFAULT '';
UPDATE journal SET retailer = COALESCE(
        (SELECT s.retailer FROM stores s WHERE s.id = journal.store_id),
        (SELECT r.retailer FROM runs r WHERE r.id = SUBSTR(journal.event_id, 5)), '')
    WHERE outcome NOT IN ('applied', 'identified', 'refused');
CREATE INDEX desk_journal_faults ON journal (retailer, subscriber, at_ms)
    WHERE outcome NOT IN ('applied', 'identified', 'refused');

ALTER TABLE requests ADD COLUMN order_id TEXT;
UPDATE requests SET order_id = (SELECT MAX(j.order_id) FROM journal j
    WHERE j.event_id = requests.event_id AND j.subscriber = requests.subscriber);

-- The orders of the lists, so that a page continues without counting off.
DROP INDEX parked_by_age;
CREATE INDEX parked_by_age ON parked (since_ms, position, subscriber);
DROP INDEX requests_by_age;
DROP INDEX story_requests_by_event;
CREATE INDEX requests_by_age ON requests (created_ms, id, subscriber);
CREATE INDEX desk_requests_by_event ON requests (event_id, created_ms, id, subscriber);
CREATE INDEX desk_requests_by_order ON requests (order_id, created_ms, id, subscriber)
    WHERE order_id IS NOT NULL;
CREATE INDEX desk_requests_by_store ON requests (store_id, created_ms, id, subscriber);
DROP INDEX receipts_by_age;
DROP INDEX receipts_by_order;
DROP INDEX story_receipts_by_event;
CREATE INDEX receipts_by_age ON receipts (created_ms, id, subscriber);
CREATE INDEX desk_receipts_by_event ON receipts (event_id, created_ms, id, subscriber);
CREATE INDEX desk_receipts_by_order ON receipts (order_id, created_ms, id, subscriber)
    WHERE order_id IS NOT NULL;
CREATE INDEX desk_receipts_by_store ON receipts (store_id, created_ms, id, subscriber);
