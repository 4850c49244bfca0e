//! Lookup queries: the subjects of an id, the events of an order, and the store of an event.
//!
//! `$1` is the id and `$2` the limit.

use galleria_ports::records::Subject::{
    self, Document, Event, Line, Order, Run, Shift, Statement, Store, TaxEvaluation,
};

/// The subjects that an id belongs to.
pub(crate) const SUBJECTS: &[(Subject, &str)] = &[
    (Order, "SELECT id AS id FROM orders WHERE id = $1 LIMIT $2"),
    (
        Order,
        "SELECT id AS id FROM orders WHERE external_id = $1 LIMIT $2",
    ),
    (
        Order,
        "SELECT order_id AS id FROM payments WHERE id = $1 LIMIT $2",
    ),
    (
        Order,
        "SELECT order_id AS id FROM refunds WHERE id = $1 LIMIT $2",
    ),
    (
        Order,
        "SELECT order_id AS id FROM voids WHERE id = $1 LIMIT $2",
    ),
    (
        Order,
        "SELECT order_id AS id FROM verifications WHERE id = $1 LIMIT $2",
    ),
    (
        Order,
        "SELECT order_id AS id FROM payments WHERE receipt = $1 AND receipt <> '' LIMIT $2",
    ),
    (
        Order,
        "SELECT order_id AS id FROM refunds WHERE receipt = $1 AND receipt <> '' LIMIT $2",
    ),
    (
        Order,
        "SELECT order_id AS id FROM voids WHERE receipt = $1 AND receipt <> '' LIMIT $2",
    ),
    (
        Order,
        "SELECT order_id AS id FROM tenders WHERE id = $1 LIMIT $2",
    ),
    (
        Order,
        "SELECT order_id AS id FROM fiscal_marks WHERE mark = $1 LIMIT $2",
    ),
    (
        Shift,
        "SELECT shift_id AS id FROM shift_movements WHERE id = $1 LIMIT $2",
    ),
    (
        Order,
        "SELECT order_id AS id FROM journal WHERE event_id = $1 AND order_id IS NOT NULL LIMIT $2",
    ),
    (
        Order,
        "SELECT order_id AS id FROM documents WHERE id = $1 AND order_id IS NOT NULL LIMIT $2",
    ),
    (
        Document,
        "SELECT id AS id FROM documents WHERE id = $1 LIMIT $2",
    ),
    (
        Run,
        "SELECT r.id AS id FROM documents d JOIN runs r ON r.id = SUBSTR(d.event_id, 5) WHERE
         d.id = $1 AND SUBSTR(d.event_id, 1, 4) = 'run:' LIMIT $2",
    ),
    (
        Event,
        "SELECT event_id AS id FROM documents WHERE id = $1 AND order_id IS NULL LIMIT $2",
    ),
    (
        Order,
        "SELECT order_id AS id FROM documents WHERE name = $1 AND order_id IS NOT NULL LIMIT $2",
    ),
    (
        Document,
        "SELECT id AS id FROM documents WHERE name = $1 LIMIT $2",
    ),
    (
        Run,
        "SELECT r.id AS id FROM documents d JOIN runs r ON r.id = SUBSTR(d.event_id, 5) WHERE
         d.name = $1 AND SUBSTR(d.event_id, 1, 4) = 'run:' LIMIT $2",
    ),
    (
        Event,
        "SELECT event_id AS id FROM documents WHERE name = $1 AND order_id IS NULL LIMIT $2",
    ),
    (
        Event,
        "SELECT event_id AS id FROM receipts WHERE id = $1 LIMIT $2",
    ),
    (
        Event,
        "SELECT event_id AS id FROM requests WHERE id = $1 LIMIT $2",
    ),
    (Event, "SELECT id AS id FROM outbox WHERE id = $1 LIMIT $2"),
    (
        Event,
        "SELECT event_id AS id FROM effects WHERE event_id = $1 LIMIT $2",
    ),
    (
        Event,
        "SELECT event_id AS id FROM journal WHERE event_id = $1 LIMIT $2",
    ),
    (
        Event,
        "SELECT event_id AS id FROM parked WHERE event_id = $1 LIMIT $2",
    ),
    (
        Event,
        "SELECT event_id AS id FROM dead_letters WHERE event_id = $1 LIMIT $2",
    ),
    (Shift, "SELECT id AS id FROM shifts WHERE id = $1 LIMIT $2"),
    (Run, "SELECT id AS id FROM runs WHERE id = $1 LIMIT $2"),
    (
        Statement,
        "SELECT id AS id FROM statements WHERE id = $1 LIMIT $2",
    ),
    (
        Statement,
        "SELECT id AS id FROM statements WHERE file = $1 LIMIT $2",
    ),
    (
        Statement,
        "SELECT id AS id FROM statements WHERE reference = $1 LIMIT $2",
    ),
    (Store, "SELECT id AS id FROM stores WHERE id = $1 LIMIT $2"),
    (
        TaxEvaluation,
        "SELECT id AS id FROM tax_evaluations WHERE id = $1 LIMIT $2",
    ),
    (
        TaxEvaluation,
        "SELECT id AS id FROM tax_evaluations WHERE idempotency_key = $1 AND idempotency_key <> ''
         LIMIT $2",
    ),
];

/// The subjects that a provider's reference belongs to, within the retailer `$3`.
pub(crate) const SUBJECTS_OF_RETAILER: &[(Subject, &str)] = &[
    (
        Order,
        "SELECT order_id AS id FROM tenders WHERE retailer = $3 AND psp_reference = $1 AND
         psp_reference <> '' LIMIT $2",
    ),
    (
        Line,
        "SELECT statement_id || '.' || CAST(number AS TEXT) AS id FROM statement_lines WHERE
         tender_id IS NULL AND retailer = $3 AND psp_reference = $1 AND psp_reference <> '' LIMIT $2",
    ),
    (
        Order,
        "SELECT order_id AS id FROM tenders WHERE retailer = $3 AND modification_reference = $1
         AND modification_reference <> '' LIMIT $2",
    ),
    (
        Line,
        "SELECT statement_id || '.' || CAST(number AS TEXT) AS id FROM statement_lines WHERE
         tender_id IS NULL AND retailer = $3 AND modification_reference = $1 AND modification_reference
         <> '' LIMIT $2",
    ),
    (
        Order,
        "SELECT order_id AS id FROM tenders WHERE retailer = $3 AND merchant_reference = $1 AND
         merchant_reference <> '' LIMIT $2",
    ),
    (
        Line,
        "SELECT statement_id || '.' || CAST(number AS TEXT) AS id FROM statement_lines WHERE
         tender_id IS NULL AND retailer = $3 AND merchant_reference = $1 AND merchant_reference <> ''
         LIMIT $2",
    ),
];

/// Returns a row if the statement has the line. `$2` is the line's number.
pub(crate) const LINE_EXISTS: &str =
    "SELECT statement_id AS id FROM statement_lines WHERE statement_id = $1 AND number = $2";

/// The events of an order.
pub(crate) const ORDER_EVENTS: &[&str] = &[
    "SELECT 'payment:' || id AS id FROM payments WHERE order_id = $1 LIMIT $2",
    "SELECT 'refund:' || id AS id FROM refunds WHERE order_id = $1 LIMIT $2",
    "SELECT 'void:' || id AS id FROM voids WHERE order_id = $1 LIMIT $2",
    "SELECT 'verification:' || order_id || ':' || CAST(accepted_ms AS TEXT) AS id FROM verifications WHERE order_id = $1 LIMIT $2",
    "SELECT 'mark:' || order_id || ':' || mark AS id FROM fiscal_marks WHERE order_id = $1 AND state = 'applied' LIMIT $2",
    "SELECT event_id AS id FROM journal WHERE order_id = $1 ORDER BY serial LIMIT $2",
    "SELECT event_id AS id FROM documents WHERE order_id = $1 ORDER BY serial LIMIT $2",
];

/// The store of an event, from any table that still contains it: retention deletes the log before
/// the results of its events.
pub(crate) const EVENT_STORE: &[&str] = &[
    "SELECT store_id AS id FROM outbox WHERE id = $1 AND store_id IS NOT NULL LIMIT 1",
    "SELECT store_id AS id FROM parked WHERE event_id = $1 AND store_id IS NOT NULL LIMIT 1",
    "SELECT store_id AS id FROM dead_letters WHERE event_id = $1 AND store_id IS NOT NULL LIMIT 1",
    "SELECT store_id AS id FROM journal WHERE event_id = $1 AND store_id <> '' LIMIT 1",
    "SELECT store_id AS id FROM documents WHERE event_id = $1 AND store_id <> '' LIMIT 1",
    "SELECT store_id AS id FROM receipts WHERE event_id = $1 LIMIT 1",
    "SELECT store_id AS id FROM requests WHERE event_id = $1 LIMIT 1",
];
