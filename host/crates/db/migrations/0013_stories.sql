-- Indexes by which a story is found. Columns only come with a default, so that the version before
-- keeps writing its rows.

-- The receipt's number, by which customers ask.
ALTER TABLE payments ADD COLUMN receipt TEXT NOT NULL DEFAULT '';
ALTER TABLE refunds ADD COLUMN receipt TEXT NOT NULL DEFAULT '';
ALTER TABLE voids ADD COLUMN receipt TEXT NOT NULL DEFAULT '';
UPDATE payments SET receipt = COALESCE(sale{json} -> 'entry' ->> 'receipt', '');
UPDATE refunds SET receipt = COALESCE(entry{json} ->> 'receipt', '');
UPDATE voids SET receipt = COALESCE(cancellation{json} -> 'entry' ->> 'receipt', '');
CREATE INDEX story_payments_by_receipt ON payments (receipt) WHERE receipt <> '';
CREATE INDEX story_refunds_by_receipt ON refunds (receipt) WHERE receipt <> '';
CREATE INDEX story_voids_by_receipt ON voids (receipt) WHERE receipt <> '';

CREATE INDEX story_orders_by_external ON orders (external_id) WHERE external_id IS NOT NULL;
CREATE INDEX story_documents_by_event ON documents (event_id, serial);
CREATE INDEX story_documents_by_name ON documents (name, serial);
CREATE INDEX story_requests_by_event ON requests (event_id, id);
CREATE INDEX story_receipts_by_event ON receipts (event_id, id);
CREATE INDEX story_tenders_by_order ON tenders (order_id);
CREATE INDEX story_statements_by_file ON statements (file);
CREATE INDEX story_statements_by_reference ON statements (reference);
CREATE INDEX story_lines_by_tender ON statement_lines (tender_id) WHERE tender_id IS NOT NULL;
