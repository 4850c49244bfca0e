//! Timeline of an order. `$1` is its id.

use super::{CURRENCY_OF, ORDER_TAXES, TimelineQuery};

pub(super) const QUERIES: &[TimelineQuery] = &[
    TimelineQuery {
        kind: "order",
        columns: &["store", "external_id", "workstation", "status", "gross", CURRENCY_OF],
        sql: "SELECT o.created_ms AS at_ms, o.id AS id, CAST(o.store_id AS TEXT) AS store,
         CAST(o.external_id AS TEXT) AS external_id, CAST(o.workstation AS TEXT) AS workstation,
         CAST(o.status AS TEXT) AS status, CAST(o.gross AS TEXT) AS gross, s.body AS currency_of
         FROM orders o JOIN stores s ON s.id = o.store_id WHERE o.id = $1 LIMIT $2",
    },
    TimelineQuery {
        kind: "order_taxes",
        columns: &[ORDER_TAXES, CURRENCY_OF],
        sql: "SELECT o.created_ms AS at_ms, o.id AS id, o.taxes AS order_taxes, s.body AS currency_of
         FROM orders o JOIN stores s ON s.id = o.store_id WHERE o.id = $1 AND o.taxes IS NOT NULL
         LIMIT $2",
    },
    TimelineQuery {
        kind: "payment",
        columns: &["store", "shift", "receipt"],
        sql: "SELECT accepted_ms AS at_ms, id AS id, CAST(store_id AS TEXT) AS store, CAST(shift_id AS
         TEXT) AS shift, CAST(receipt AS TEXT) AS receipt FROM payments WHERE order_id = $1 LIMIT
         $2",
    },
    TimelineQuery {
        kind: "refund",
        columns: &["store", "shift", "receipt", "extent"],
        sql: "SELECT accepted_ms AS at_ms, id AS id, CAST(store_id AS TEXT) AS store, CAST(shift_id AS
         TEXT) AS shift, CAST(receipt AS TEXT) AS receipt, CAST(extent AS TEXT) AS extent FROM
         refunds WHERE order_id = $1 ORDER BY serial LIMIT $2",
    },
    TimelineQuery {
        kind: "void",
        columns: &["store", "receipt"],
        sql: "SELECT accepted_ms AS at_ms, id AS id, CAST(store_id AS TEXT) AS store, CAST(receipt AS
         TEXT) AS receipt FROM voids WHERE order_id = $1 LIMIT $2",
    },
    TimelineQuery {
        kind: "fiscal_record",
        columns: &["state", "refund", "receipt"],
        sql: "SELECT created_ms AS at_ms, COALESCE(entry_id, order_id) AS id, CAST(state AS TEXT) AS
         state, CAST(refund_id AS TEXT) AS refund, CAST(receipt AS TEXT) AS receipt FROM
         fiscal_records WHERE order_id = $1 LIMIT $2",
    },
    TimelineQuery {
        kind: "fiscal_mark",
        columns: &["scheme", "state", "refund"],
        sql: "SELECT received_ms AS at_ms, mark AS id, CAST(scheme AS TEXT) AS scheme, CAST(state AS
         TEXT) AS state, CAST(refund_id AS TEXT) AS refund FROM fiscal_marks WHERE order_id = $1
         LIMIT $2",
    },
    TimelineQuery {
        kind: "verification",
        columns: &["store"],
        sql: "SELECT accepted_ms AS at_ms, id AS id, CAST(store_id AS TEXT) AS store FROM
         verifications WHERE order_id = $1 LIMIT $2",
    },
    TimelineQuery {
        kind: "tender",
        columns: &["kind", "provider", "psp_reference", "modification_reference", "merchant_reference", "amount", "currency", "minor_digits", "settled"],
        sql: "SELECT accepted_ms AS at_ms, id AS id, CAST(kind AS TEXT) AS kind, CAST(provider AS
         TEXT) AS provider, CAST(psp_reference AS TEXT) AS psp_reference,
         CAST(modification_reference AS TEXT) AS modification_reference, CAST(merchant_reference
         AS TEXT) AS merchant_reference, CAST(amount AS TEXT) AS amount, CAST(currency AS TEXT)
         AS currency, CAST(minor_digits AS TEXT) AS minor_digits, CAST(settled AS TEXT) AS settled
         FROM tenders WHERE order_id = $1 LIMIT $2",
    },
    TimelineQuery {
        kind: "statement_line",
        columns: &["statement", "outcome", "rule", "net", "fee", "difference", "tender", "paid_currency", "paid_minor_digits", CURRENCY_OF],
        sql: "SELECT s.imported_ms AS at_ms, l.statement_id || '.' || CAST(l.number AS TEXT) AS id,
         CAST(l.statement_id AS TEXT) AS statement, CAST(l.outcome AS TEXT) AS outcome,
         CAST(l.rule AS TEXT) AS rule, CAST(l.net AS TEXT) AS net, CAST(l.fee AS TEXT) AS fee,
         CAST(l.difference AS TEXT) AS difference, CAST(l.tender_id AS TEXT) AS tender,
         s.currency AS paid_currency, CAST(s.minor_digits AS TEXT) AS paid_minor_digits,
         l.line AS currency_of FROM
         tenders t JOIN statement_lines l ON l.tender_id = t.id JOIN statements s ON s.id =
         l.statement_id WHERE t.order_id = $1 AND l.tender_id IS NOT NULL LIMIT $2",
    },
    // The lines that a person distributed over the tenders of several orders, and that name another one.
    TimelineQuery {
        kind: "statement_line",
        columns: &["statement", "outcome", "rule", "net", "fee", "difference", "tender", "paid_currency", "paid_minor_digits", CURRENCY_OF],
        sql: "SELECT s.imported_ms AS at_ms, l.statement_id || '.' || CAST(l.number AS TEXT) AS id,
         CAST(l.statement_id AS TEXT) AS statement, CAST(l.outcome AS TEXT) AS outcome,
         CAST(l.rule AS TEXT) AS rule, CAST(l.net AS TEXT) AS net, CAST(l.fee AS TEXT) AS fee,
         CAST(l.difference AS TEXT) AS difference, CAST(a.tender_id AS TEXT) AS tender,
         s.currency AS paid_currency, CAST(s.minor_digits AS TEXT) AS paid_minor_digits,
         l.line AS currency_of FROM
         tenders t JOIN allocations a ON a.tender_id = t.id JOIN statement_lines l ON l.statement_id
         = a.statement_id AND l.number = a.number JOIN statements s ON s.id = l.statement_id WHERE
         t.order_id = $1 AND l.tender_id <> t.id LIMIT $2",
    },
    TimelineQuery {
        kind: "attempt",
        columns: &["event", "plugin", "attempt", "outcome", "detail", "component", "settings", "argument", "decision", "cpu_us"],
        sql: "SELECT at_ms AS at_ms, event_id AS id, CAST(event_id AS TEXT) AS event, CAST(subscriber
         AS TEXT) AS plugin, CAST(attempt AS TEXT) AS attempt, CAST(outcome AS TEXT) AS outcome,
         CAST(detail AS TEXT) AS detail, CAST(component AS TEXT) AS component, CAST(settings AS
         TEXT) AS settings, CAST(argument AS TEXT) AS argument, CAST(decision AS TEXT) AS
         decision, CAST(cpu_us AS TEXT) AS cpu_us FROM journal WHERE order_id = $1 ORDER BY
         serial LIMIT $2",
    },
    TimelineQuery {
        kind: "document",
        columns: &["event", "plugin", "directory", "name", "size", "digest"],
        sql: "SELECT created_ms AS at_ms, id AS id, CAST(event_id AS TEXT) AS event, CAST(subscriber
         AS TEXT) AS plugin, CAST(directory AS TEXT) AS directory, CAST(name AS TEXT) AS name,
         CAST(size AS TEXT) AS size, CAST(digest AS TEXT) AS digest FROM documents WHERE order_id
         = $1 ORDER BY serial LIMIT $2",
    },
    TimelineQuery {
        kind: "delivery",
        columns: &["directory", "name", "state"],
        sql: "SELECT moved_ms AS at_ms, id AS id, CAST(directory AS TEXT) AS directory, CAST(name AS
         TEXT) AS name, CAST(state AS TEXT) AS state FROM documents WHERE order_id = $1 AND state
         <> 'pending' ORDER BY serial LIMIT $2",
    },
    TimelineQuery {
        kind: "receipt",
        columns: &["event", "plugin"],
        sql: "SELECT created_ms AS at_ms, id AS id, CAST(event_id AS TEXT) AS event, CAST(subscriber
         AS TEXT) AS plugin FROM receipts WHERE order_id = $1 LIMIT $2",
    },
];
