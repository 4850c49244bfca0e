-- Indexes by which the trade's lists are paged, the newest first: over everything, of a retailer, of a
-- store. A page goes on behind a moment and an id, which is compared by bytes in both databases.
--
-- A row tells its store's retailer, which never changes. The version before goes on writing rows
-- without: they have '' there, and src/lists.rs finds them by their store.
ALTER TABLE orders ADD COLUMN retailer {ordered} NOT NULL DEFAULT '';
ALTER TABLE payments ADD COLUMN retailer {ordered} NOT NULL DEFAULT '';
ALTER TABLE refunds ADD COLUMN retailer {ordered} NOT NULL DEFAULT '';
ALTER TABLE voids ADD COLUMN retailer {ordered} NOT NULL DEFAULT '';
ALTER TABLE verifications ADD COLUMN retailer {ordered} NOT NULL DEFAULT '';
ALTER TABLE shifts ADD COLUMN retailer {ordered} NOT NULL DEFAULT '';
UPDATE orders SET retailer =
    COALESCE((SELECT s.retailer FROM stores s WHERE s.id = orders.store_id), '');
UPDATE payments SET retailer =
    COALESCE((SELECT s.retailer FROM stores s WHERE s.id = payments.store_id), '');
UPDATE refunds SET retailer =
    COALESCE((SELECT s.retailer FROM stores s WHERE s.id = refunds.store_id), '');
UPDATE voids SET retailer =
    COALESCE((SELECT s.retailer FROM stores s WHERE s.id = voids.store_id), '');
UPDATE verifications SET retailer =
    COALESCE((SELECT s.retailer FROM stores s WHERE s.id = verifications.store_id), '');
UPDATE shifts SET retailer =
    COALESCE((SELECT s.retailer FROM stores s WHERE s.id = shifts.store_id), '');

-- Each takes the place of one that had the instant or the store alone.
DROP INDEX orders_by_age;
DROP INDEX orders_by_store;
CREATE INDEX orders_by_age ON orders (created_ms, id{bytewise});
CREATE INDEX orders_by_store ON orders (store_id, created_ms, id{bytewise});
CREATE INDEX orders_by_retailer ON orders (retailer, created_ms, id{bytewise});
-- Most orders are paid: those that are not have indexes of their own, which stay small.
CREATE INDEX orders_unpaid_by_age ON orders (created_ms, id{bytewise}) WHERE status <> 'paid';
CREATE INDEX orders_unpaid_by_store ON orders (store_id, created_ms, id{bytewise})
    WHERE status <> 'paid';
CREATE INDEX orders_unpaid_by_retailer ON orders (retailer, created_ms, id{bytewise})
    WHERE status <> 'paid';

DROP INDEX payments_by_age;
CREATE INDEX payments_by_age ON payments (accepted_ms, id{bytewise});
CREATE INDEX payments_by_store ON payments (store_id, accepted_ms, id{bytewise});
CREATE INDEX payments_by_retailer ON payments (retailer, accepted_ms, id{bytewise});

DROP INDEX refunds_by_age;
CREATE INDEX refunds_by_age ON refunds (accepted_ms, id{bytewise});
CREATE INDEX refunds_by_store ON refunds (store_id, accepted_ms, id{bytewise});
CREATE INDEX refunds_by_retailer ON refunds (retailer, accepted_ms, id{bytewise});

DROP INDEX voids_by_age;
CREATE INDEX voids_by_age ON voids (accepted_ms, id{bytewise});
CREATE INDEX voids_by_store ON voids (store_id, accepted_ms, id{bytewise});
CREATE INDEX voids_by_retailer ON voids (retailer, accepted_ms, id{bytewise});

DROP INDEX verifications_by_age;
CREATE INDEX verifications_by_age ON verifications (accepted_ms, id{bytewise});
CREATE INDEX verifications_by_store ON verifications (store_id, accepted_ms, id{bytewise});
CREATE INDEX verifications_by_retailer ON verifications (retailer, accepted_ms, id{bytewise});

DROP INDEX shifts_by_age;
DROP INDEX shifts_by_store;
CREATE INDEX shifts_by_age ON shifts (opened_ms, id{bytewise});
CREATE INDEX shifts_by_store ON shifts (store_id, opened_ms, id{bytewise});
CREATE INDEX shifts_by_retailer ON shifts (retailer, opened_ms, id{bytewise});
-- Few shifts are open.
CREATE INDEX shifts_open_by_age ON shifts (opened_ms, id{bytewise}) WHERE closed_ms IS NULL;
CREATE INDEX shifts_open_by_store ON shifts (store_id, opened_ms, id{bytewise})
    WHERE closed_ms IS NULL;
CREATE INDEX shifts_open_by_retailer ON shifts (retailer, opened_ms, id{bytewise})
    WHERE closed_ms IS NULL;

DROP INDEX documents_by_age;
CREATE INDEX documents_by_age ON documents (created_ms, id{bytewise});
CREATE INDEX documents_by_store ON documents (store_id, created_ms, id{bytewise});
CREATE INDEX documents_by_retailer ON documents (retailer, created_ms, id{bytewise});
CREATE INDEX documents_by_directory ON documents (retailer, directory, created_ms, id{bytewise});
-- Few documents are not delivered.
CREATE INDEX documents_undelivered ON documents (created_ms, id{bytewise})
    WHERE state <> 'delivered';
