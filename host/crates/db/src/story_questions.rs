//! The questions that a story is made of: one statement for each kind of thing that can have
//! happened to a subject. `$1` is the subject's id, `$2` how many are wanted; each answers `at_ms`,
//! `id` and the facts it names, as text.

use galleria_app::records::Subject::{self, Document, Event, Line, Order, Run, Shift, Statement};

/// One of them.
pub(crate) struct Question {
    pub(crate) about: Subject,
    pub(crate) what: &'static str,
    /// Columns that are told, where they hold anything.
    pub(crate) facts: &'static [&'static str],
    pub(crate) sql: &'static str,
    /// Whether `$3` is the number of a line.
    pub(crate) numbered: bool,
}

pub(crate) const QUESTIONS: &[Question] = &[
    Question {
        about: Order,
        what: "order",
        facts: &["store", "external_id", "workstation", "status", "gross"],
        sql: "SELECT created_ms AS at_ms, id AS id, CAST(store_id AS TEXT) AS store, CAST(external_id
         AS TEXT) AS external_id, CAST(workstation AS TEXT) AS workstation, CAST(status AS TEXT)
         AS status, CAST(gross AS TEXT) AS gross FROM orders WHERE id = $1 LIMIT $2",
        numbered: false,
    },
    Question {
        about: Order,
        what: "payment",
        facts: &["store", "shift", "receipt"],
        sql: "SELECT accepted_ms AS at_ms, id AS id, CAST(store_id AS TEXT) AS store, CAST(shift_id AS
         TEXT) AS shift, CAST(receipt AS TEXT) AS receipt FROM payments WHERE order_id = $1 LIMIT
         $2",
        numbered: false,
    },
    Question {
        about: Order,
        what: "refund",
        facts: &["store", "shift", "receipt", "extent"],
        sql: "SELECT accepted_ms AS at_ms, id AS id, CAST(store_id AS TEXT) AS store, CAST(shift_id AS
         TEXT) AS shift, CAST(receipt AS TEXT) AS receipt, CAST(extent AS TEXT) AS extent FROM
         refunds WHERE order_id = $1 ORDER BY serial LIMIT $2",
        numbered: false,
    },
    Question {
        about: Order,
        what: "void",
        facts: &["store", "receipt"],
        sql: "SELECT accepted_ms AS at_ms, id AS id, CAST(store_id AS TEXT) AS store, CAST(receipt AS
         TEXT) AS receipt FROM voids WHERE order_id = $1 LIMIT $2",
        numbered: false,
    },
    Question {
        about: Order,
        what: "fiscal_record",
        facts: &["state", "refund", "receipt"],
        sql: "SELECT created_ms AS at_ms, COALESCE(entry_id, order_id) AS id, CAST(state AS TEXT) AS
         state, CAST(refund_id AS TEXT) AS refund, CAST(receipt AS TEXT) AS receipt FROM
         fiscal_records WHERE order_id = $1 LIMIT $2",
        numbered: false,
    },
    Question {
        about: Order,
        what: "fiscal_mark",
        facts: &["scheme", "state", "refund"],
        sql: "SELECT received_ms AS at_ms, mark AS id, CAST(scheme AS TEXT) AS scheme, CAST(state AS
         TEXT) AS state, CAST(refund_id AS TEXT) AS refund FROM fiscal_marks WHERE order_id = $1
         LIMIT $2",
        numbered: false,
    },
    Question {
        about: Order,
        what: "verification",
        facts: &["store"],
        sql: "SELECT accepted_ms AS at_ms, id AS id, CAST(store_id AS TEXT) AS store FROM
         verifications WHERE order_id = $1 LIMIT $2",
        numbered: false,
    },
    Question {
        about: Order,
        what: "tender",
        facts: &["kind", "provider", "psp_reference", "modification_reference", "merchant_reference", "amount", "currency", "settled_by"],
        sql: "SELECT accepted_ms AS at_ms, id AS id, CAST(kind AS TEXT) AS kind, CAST(provider AS
         TEXT) AS provider, CAST(psp_reference AS TEXT) AS psp_reference,
         CAST(modification_reference AS TEXT) AS modification_reference, CAST(merchant_reference
         AS TEXT) AS merchant_reference, CAST(amount AS TEXT) AS amount, CAST(currency AS TEXT)
         AS currency, CAST(settled_by AS TEXT) AS settled_by FROM tenders WHERE order_id = $1
         LIMIT $2",
        numbered: false,
    },
    Question {
        about: Order,
        what: "statement_line",
        facts: &["statement", "outcome", "rule", "net", "fee", "difference", "tender"],
        sql: "SELECT s.imported_ms AS at_ms, l.statement_id || '.' || CAST(l.number AS TEXT) AS id,
         CAST(l.statement_id AS TEXT) AS statement, CAST(l.outcome AS TEXT) AS outcome,
         CAST(l.rule AS TEXT) AS rule, CAST(l.net AS TEXT) AS net, CAST(l.fee AS TEXT) AS fee,
         CAST(l.difference AS TEXT) AS difference, CAST(l.tender_id AS TEXT) AS tender FROM
         tenders t JOIN statement_lines l ON l.tender_id = t.id JOIN statements s ON s.id =
         l.statement_id WHERE t.order_id = $1 AND l.tender_id IS NOT NULL LIMIT $2",
        numbered: false,
    },
    Question {
        about: Order,
        what: "attempt",
        facts: &["event", "plugin", "attempt", "outcome", "detail", "component", "settings", "argument", "decision", "cpu_us"],
        sql: "SELECT at_ms AS at_ms, event_id AS id, CAST(event_id AS TEXT) AS event, CAST(subscriber
         AS TEXT) AS plugin, CAST(attempt AS TEXT) AS attempt, CAST(outcome AS TEXT) AS outcome,
         CAST(detail AS TEXT) AS detail, CAST(component AS TEXT) AS component, CAST(settings AS
         TEXT) AS settings, CAST(argument AS TEXT) AS argument, CAST(decision AS TEXT) AS
         decision, CAST(cpu_us AS TEXT) AS cpu_us FROM journal WHERE order_id = $1 ORDER BY
         serial LIMIT $2",
        numbered: false,
    },
    Question {
        about: Order,
        what: "document",
        facts: &["event", "plugin", "directory", "name", "size", "digest"],
        sql: "SELECT created_ms AS at_ms, id AS id, CAST(event_id AS TEXT) AS event, CAST(subscriber
         AS TEXT) AS plugin, CAST(directory AS TEXT) AS directory, CAST(name AS TEXT) AS name,
         CAST(size AS TEXT) AS size, CAST(digest AS TEXT) AS digest FROM documents WHERE order_id
         = $1 ORDER BY serial LIMIT $2",
        numbered: false,
    },
    Question {
        about: Order,
        what: "delivery",
        facts: &["directory", "name", "state"],
        sql: "SELECT moved_ms AS at_ms, id AS id, CAST(directory AS TEXT) AS directory, CAST(name AS
         TEXT) AS name, CAST(state AS TEXT) AS state FROM documents WHERE order_id = $1 AND state
         <> 'pending' ORDER BY serial LIMIT $2",
        numbered: false,
    },
    Question {
        about: Order,
        what: "receipt",
        facts: &["event", "plugin"],
        sql: "SELECT created_ms AS at_ms, id AS id, CAST(event_id AS TEXT) AS event, CAST(subscriber
         AS TEXT) AS plugin FROM receipts WHERE order_id = $1 LIMIT $2",
        numbered: false,
    },
    Question {
        about: Shift,
        what: "shift_opened",
        facts: &["store", "workstation", "till"],
        sql: "SELECT opened_ms AS at_ms, id AS id, CAST(store_id AS TEXT) AS store, CAST(workstation
         AS TEXT) AS workstation, CAST(till AS TEXT) AS till FROM shifts WHERE id = $1 LIMIT $2",
        numbered: false,
    },
    Question {
        about: Shift,
        what: "shift_ended",
        facts: &["store", "workstation", "till"],
        sql: "SELECT closed_ms AS at_ms, id AS id, CAST(store_id AS TEXT) AS store, CAST(workstation
         AS TEXT) AS workstation, CAST(till AS TEXT) AS till FROM shifts WHERE id = $1 AND
         closed_ms IS NOT NULL LIMIT $2",
        numbered: false,
    },
    Question {
        about: Shift,
        what: "movement",
        facts: &["kind", "amount", "operator", "reason"],
        sql: "SELECT accepted_ms AS at_ms, id AS id, CAST(kind AS TEXT) AS kind, CAST(amount AS TEXT)
         AS amount, CAST(operator AS TEXT) AS operator, CAST(reason AS TEXT) AS reason FROM
         shift_movements WHERE shift_id = $1 LIMIT $2",
        numbered: false,
    },
    Question {
        about: Event,
        what: "event",
        facts: &["position", "topic", "key", "store", "trace"],
        sql: "SELECT created_ms AS at_ms, id AS id, CAST(position AS TEXT) AS position, CAST(topic AS
         TEXT) AS topic, CAST(event_key AS TEXT) AS key, CAST(store_id AS TEXT) AS store,
         SUBSTR(traceparent, 4, 32) AS trace FROM outbox WHERE id = $1 LIMIT $2",
        numbered: false,
    },
    // What a decision publishes is numbered from 0 without a gap, `<event>/<slot>/<n>`: each is looked
    // for by its id, until one is not there.
    Question {
        about: Event,
        what: "publication",
        facts: &["event", "plugin", "topic", "key", "state", "trace"],
        sql: "WITH RECURSIVE next (event, slot, number) AS (
             SELECT event_id, subscriber, 0 FROM effects WHERE event_id = $1
             UNION ALL
             SELECT n.event, n.slot, n.number + 1 FROM next n JOIN outbox o
                 ON o.id = n.event || '/' || n.slot || '/' || CAST(n.number AS TEXT)
         ) SELECT o.created_ms AS at_ms, o.id AS id, CAST(n.event AS TEXT) AS event, CAST(n.slot AS
         TEXT) AS plugin, CAST(o.topic AS TEXT) AS topic, CAST(o.event_key AS TEXT) AS key,
         CAST('queued' AS TEXT) AS state, SUBSTR(o.traceparent, 4, 32) AS trace FROM next n JOIN
         outbox o ON o.id = n.event || '/' || n.slot || '/' || CAST(n.number AS TEXT) LIMIT $2",
        numbered: false,
    },
    Question {
        about: Event,
        what: "effect",
        facts: &["plugin", "outcome"],
        sql: "SELECT at_ms AS at_ms, event_id AS id, CAST(subscriber AS TEXT) AS plugin, CAST(outcome
         AS TEXT) AS outcome FROM effects WHERE event_id = $1 LIMIT $2",
        numbered: false,
    },
    Question {
        about: Event,
        what: "attempt",
        facts: &["event", "plugin", "attempt", "outcome", "detail", "component", "settings", "argument", "decision", "cpu_us"],
        sql: "SELECT at_ms AS at_ms, event_id AS id, CAST(event_id AS TEXT) AS event, CAST(subscriber
         AS TEXT) AS plugin, CAST(attempt AS TEXT) AS attempt, CAST(outcome AS TEXT) AS outcome,
         CAST(detail AS TEXT) AS detail, CAST(component AS TEXT) AS component, CAST(settings AS
         TEXT) AS settings, CAST(argument AS TEXT) AS argument, CAST(decision AS TEXT) AS
         decision, CAST(cpu_us AS TEXT) AS cpu_us FROM journal WHERE event_id = $1 LIMIT $2",
        numbered: false,
    },
    Question {
        about: Event,
        what: "parked",
        facts: &["plugin", "state", "lane", "attempts", "waits_for", "cause", "trace"],
        sql: "SELECT since_ms AS at_ms, event_id AS id, CAST(subscriber AS TEXT) AS plugin, CAST(state
         AS TEXT) AS state, CAST(lane AS TEXT) AS lane, CAST(attempts AS TEXT) AS attempts,
         CAST(waits_for AS TEXT) AS waits_for, CAST(cause AS TEXT) AS cause, SUBSTR(traceparent, 4,
         32) AS trace FROM parked WHERE event_id = $1 LIMIT $2",
        numbered: false,
    },
    Question {
        about: Event,
        what: "dead_letter",
        facts: &["plugin", "lane", "code", "detail", "attempts", "component", "trace"],
        sql: "SELECT died_ms AS at_ms, event_id AS id, CAST(subscriber AS TEXT) AS plugin, CAST(lane
         AS TEXT) AS lane, CAST(code AS TEXT) AS code, CAST(detail AS TEXT) AS detail,
         CAST(attempts AS TEXT) AS attempts, CAST(component AS TEXT) AS component,
         SUBSTR(traceparent, 4, 32) AS trace FROM dead_letters WHERE event_id = $1 LIMIT $2",
        numbered: false,
    },
    Question {
        about: Event,
        what: "document",
        facts: &["event", "plugin", "directory", "name", "size", "digest"],
        sql: "SELECT created_ms AS at_ms, id AS id, CAST(event_id AS TEXT) AS event, CAST(subscriber
         AS TEXT) AS plugin, CAST(directory AS TEXT) AS directory, CAST(name AS TEXT) AS name,
         CAST(size AS TEXT) AS size, CAST(digest AS TEXT) AS digest FROM documents WHERE event_id
         = $1 ORDER BY serial LIMIT $2",
        numbered: false,
    },
    Question {
        about: Event,
        what: "delivery",
        facts: &["directory", "name", "state"],
        sql: "SELECT moved_ms AS at_ms, id AS id, CAST(directory AS TEXT) AS directory, CAST(name AS
         TEXT) AS name, CAST(state AS TEXT) AS state FROM documents WHERE event_id = $1 AND state
         <> 'pending' ORDER BY serial LIMIT $2",
        numbered: false,
    },
    Question {
        about: Run,
        what: "attempt",
        facts: &["event", "plugin", "attempt", "outcome", "detail", "component", "settings", "argument", "decision", "cpu_us"],
        sql: "SELECT at_ms AS at_ms, event_id AS id, CAST(event_id AS TEXT) AS event, CAST(subscriber
         AS TEXT) AS plugin, CAST(attempt AS TEXT) AS attempt, CAST(outcome AS TEXT) AS outcome,
         CAST(detail AS TEXT) AS detail, CAST(component AS TEXT) AS component, CAST(settings AS
         TEXT) AS settings, CAST(argument AS TEXT) AS argument, CAST(decision AS TEXT) AS
         decision, CAST(cpu_us AS TEXT) AS cpu_us FROM journal WHERE event_id = 'run:' || $1 LIMIT $2",
        numbered: false,
    },
    Question {
        about: Run,
        what: "document",
        facts: &["event", "plugin", "directory", "name", "size", "digest"],
        sql: "SELECT created_ms AS at_ms, id AS id, CAST(event_id AS TEXT) AS event, CAST(subscriber
         AS TEXT) AS plugin, CAST(directory AS TEXT) AS directory, CAST(name AS TEXT) AS name,
         CAST(size AS TEXT) AS size, CAST(digest AS TEXT) AS digest FROM documents WHERE event_id
         = 'run:' || $1 ORDER BY serial LIMIT $2",
        numbered: false,
    },
    Question {
        about: Run,
        what: "delivery",
        facts: &["directory", "name", "state"],
        sql: "SELECT moved_ms AS at_ms, id AS id, CAST(directory AS TEXT) AS directory, CAST(name AS
         TEXT) AS name, CAST(state AS TEXT) AS state FROM documents WHERE event_id = 'run:' || $1 AND state
         <> 'pending' ORDER BY serial LIMIT $2",
        numbered: false,
    },
    Question {
        about: Event,
        what: "outgoing_request",
        facts: &["plugin", "store"],
        sql: "SELECT created_ms AS at_ms, id AS id, CAST(subscriber AS TEXT) AS plugin, CAST(store_id
         AS TEXT) AS store FROM requests WHERE event_id = $1 ORDER BY created_ms, id LIMIT $2",
        numbered: false,
    },
    Question {
        about: Event,
        what: "receipt",
        facts: &["event", "plugin"],
        sql: "SELECT created_ms AS at_ms, id AS id, CAST(event_id AS TEXT) AS event, CAST(subscriber
         AS TEXT) AS plugin FROM receipts WHERE event_id = $1 ORDER BY created_ms, id LIMIT $2",
        numbered: false,
    },
    Question {
        about: Event,
        what: "operation",
        facts: &["action", "operator", "reason", "before", "after"],
        sql: "SELECT o.at_ms AS at_ms, o.subject AS id, CAST(o.action AS TEXT) AS action,
         CAST(o.operator AS TEXT) AS operator, CAST(o.reason AS TEXT) AS reason,
         CAST(o.before_state AS TEXT) AS before, CAST(o.after_state AS TEXT) AS after FROM
         effects e JOIN operations o ON o.subject = e.event_id || ' of ' || e.subscriber WHERE
         e.event_id = $1 LIMIT $2",
        numbered: false,
    },
    Question {
        about: Event,
        what: "operation",
        facts: &["action", "operator", "reason", "before", "after"],
        sql: "SELECT o.at_ms AS at_ms, o.subject AS id, CAST(o.action AS TEXT) AS action,
         CAST(o.operator AS TEXT) AS operator, CAST(o.reason AS TEXT) AS reason,
         CAST(o.before_state AS TEXT) AS before, CAST(o.after_state AS TEXT) AS after FROM
         dead_letters e JOIN operations o ON o.subject = e.event_id || ' of ' || e.subscriber
         WHERE e.event_id = $1 LIMIT $2",
        numbered: false,
    },
    Question {
        about: Event,
        what: "operation",
        facts: &["action", "operator", "reason", "before", "after"],
        sql: "SELECT o.at_ms AS at_ms, o.subject AS id, CAST(o.action AS TEXT) AS action,
         CAST(o.operator AS TEXT) AS operator, CAST(o.reason AS TEXT) AS reason,
         CAST(o.before_state AS TEXT) AS before, CAST(o.after_state AS TEXT) AS after FROM parked
         e JOIN operations o ON o.subject = e.event_id || ' of ' || e.subscriber WHERE e.event_id
         = $1 LIMIT $2",
        numbered: false,
    },
    Question {
        about: Run,
        what: "run_asked",
        facts: &["retailer", "plugin", "point", "store", "first", "last", "schedule"],
        sql: "SELECT created_ms AS at_ms, id AS id, CAST(retailer AS TEXT) AS retailer,
         CAST(subscriber AS TEXT) AS plugin, CAST(point AS TEXT) AS point, CAST(store_id AS TEXT)
         AS store, CAST(first_date AS TEXT) AS first, CAST(last_date AS TEXT) AS last,
         CAST(schedule AS TEXT) AS schedule FROM runs WHERE id = $1 LIMIT $2",
        numbered: false,
    },
    Question {
        about: Run,
        what: "run_begun",
        facts: &["attempts", "tries"],
        sql: "SELECT begun_ms AS at_ms, id AS id, CAST(attempts AS TEXT) AS attempts, CAST(tries AS
         TEXT) AS tries FROM runs WHERE id = $1 AND begun_ms IS NOT NULL LIMIT $2",
        numbered: false,
    },
    Question {
        about: Run,
        what: "run_over",
        facts: &["state", "rows", "code", "detail"],
        sql: "SELECT ended_ms AS at_ms, id AS id, CAST(state AS TEXT) AS state, CAST(row_count AS
         TEXT) AS rows, CAST(code AS TEXT) AS code, CAST(detail AS TEXT) AS detail FROM runs
         WHERE id = $1 AND ended_ms IS NOT NULL LIMIT $2",
        numbered: false,
    },
    Question {
        about: Run,
        what: "operation",
        facts: &["action", "operator", "reason", "before", "after"],
        sql: "SELECT o.at_ms AS at_ms, o.subject AS id, CAST(o.action AS TEXT) AS action,
         CAST(o.operator AS TEXT) AS operator, CAST(o.reason AS TEXT) AS reason,
         CAST(o.before_state AS TEXT) AS before, CAST(o.after_state AS TEXT) AS after FROM
         operations o WHERE o.subject = $1 ORDER BY o.serial LIMIT $2",
        numbered: false,
    },
    Question {
        about: Statement,
        what: "statement",
        facts: &["retailer", "plugin", "component", "file", "digest", "provider", "account", "reference", "currency", "paid_on", "net", "lines", "state"],
        sql: "SELECT imported_ms AS at_ms, id AS id, CAST(retailer AS TEXT) AS retailer, CAST(plugin
         AS TEXT) AS plugin, CAST(component AS TEXT) AS component, CAST(file AS TEXT) AS file,
         CAST(digest AS TEXT) AS digest, CAST(provider AS TEXT) AS provider, CAST(account AS
         TEXT) AS account, CAST(reference AS TEXT) AS reference, CAST(currency AS TEXT) AS
         currency, CAST(paid_on AS TEXT) AS paid_on, CAST(net AS TEXT) AS net, CAST(line_count AS
         TEXT) AS lines, CAST(state AS TEXT) AS state FROM statements WHERE id = $1 LIMIT $2",
        numbered: false,
    },
    Question {
        about: Statement,
        what: "statement_line",
        facts: &["statement", "outcome", "rule", "net", "fee", "difference", "tender"],
        sql: "SELECT s.imported_ms AS at_ms, l.statement_id || '.' || CAST(l.number AS TEXT) AS id,
         CAST(l.statement_id AS TEXT) AS statement, CAST(l.outcome AS TEXT) AS outcome,
         CAST(l.rule AS TEXT) AS rule, CAST(l.net AS TEXT) AS net, CAST(l.fee AS TEXT) AS fee,
         CAST(l.difference AS TEXT) AS difference, CAST(l.tender_id AS TEXT) AS tender FROM
         statement_lines l JOIN statements s ON s.id = l.statement_id WHERE l.statement_id = $1
         ORDER BY l.number LIMIT $2",
        numbered: false,
    },
    Question {
        about: Line,
        what: "statement_line",
        facts: &["statement", "outcome", "rule", "net", "fee", "difference", "tender"],
        sql: "SELECT s.imported_ms AS at_ms, l.statement_id || '.' || CAST(l.number AS TEXT) AS id,
         CAST(l.statement_id AS TEXT) AS statement, CAST(l.outcome AS TEXT) AS outcome,
         CAST(l.rule AS TEXT) AS rule, CAST(l.net AS TEXT) AS net, CAST(l.fee AS TEXT) AS fee,
         CAST(l.difference AS TEXT) AS difference, CAST(l.tender_id AS TEXT) AS tender FROM
         statement_lines l JOIN statements s ON s.id = l.statement_id WHERE l.statement_id = $1
         AND l.number = $3 LIMIT $2",
        numbered: true,
    },
    Question {
        about: Line,
        what: "settled_by_hand",
        facts: &["by", "reason", "undo"],
        sql: "SELECT at_ms, line_id AS id, by_whom AS by, reason, CAST(undo AS TEXT) AS undo FROM
         line_hands WHERE line_id = $1 || '.' || CAST($3 AS TEXT) ORDER BY serial LIMIT $2",
        numbered: true,
    },
    Question {
        about: Document,
        what: "document",
        facts: &["event", "plugin", "directory", "name", "size", "digest"],
        sql: "SELECT created_ms AS at_ms, id AS id, CAST(event_id AS TEXT) AS event, CAST(subscriber
         AS TEXT) AS plugin, CAST(directory AS TEXT) AS directory, CAST(name AS TEXT) AS name,
         CAST(size AS TEXT) AS size, CAST(digest AS TEXT) AS digest FROM documents WHERE id = $1
         LIMIT $2",
        numbered: false,
    },
    Question {
        about: Document,
        what: "delivery",
        facts: &["directory", "name", "state"],
        sql: "SELECT moved_ms AS at_ms, id AS id, CAST(directory AS TEXT) AS directory, CAST(name AS
         TEXT) AS name, CAST(state AS TEXT) AS state FROM documents WHERE id = $1 AND state <>
         'pending' LIMIT $2",
        numbered: false,
    },
];

/// What an id (`$1`) belongs to.
pub(crate) const TIED: &[(Subject, &str)] = &[
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
];

/// The same for references of a provider, within the retailer `$3`.
pub(crate) const TIED_BY_RETAILER: &[(Subject, &str)] = &[
    (
        Order,
        "SELECT order_id AS id FROM tenders WHERE retailer = $3 AND psp_reference = $1 AND
         psp_reference <> '' LIMIT $2",
    ),
    (
        Line,
        "SELECT statement_id || '.' || CAST(number AS TEXT) AS id FROM statement_lines WHERE
         waits = 1 AND retailer = $3 AND psp_reference = $1 AND psp_reference <> '' LIMIT $2",
    ),
    (
        Order,
        "SELECT order_id AS id FROM tenders WHERE retailer = $3 AND modification_reference = $1
         AND modification_reference <> '' LIMIT $2",
    ),
    (
        Line,
        "SELECT statement_id || '.' || CAST(number AS TEXT) AS id FROM statement_lines WHERE
         waits = 1 AND retailer = $3 AND modification_reference = $1 AND modification_reference
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
         waits = 1 AND retailer = $3 AND merchant_reference = $1 AND merchant_reference <> ''
         LIMIT $2",
    ),
];

/// Whether there is a line.
pub(crate) const LINE: &str =
    "SELECT statement_id AS id FROM statement_lines WHERE statement_id = $1 AND number = $2";

/// The events of an order.
pub(crate) const EVENTS: &[&str] = &[
    "SELECT 'payment:' || id AS id FROM payments WHERE order_id = $1 LIMIT $2",
    "SELECT 'refund:' || id AS id FROM refunds WHERE order_id = $1 LIMIT $2",
    "SELECT 'void:' || id AS id FROM voids WHERE order_id = $1 LIMIT $2",
    "SELECT 'verification:' || order_id || ':' || CAST(accepted_ms AS TEXT) AS id FROM verifications WHERE order_id = $1 LIMIT $2",
    "SELECT 'mark:' || order_id || ':' || mark AS id FROM fiscal_marks WHERE order_id = $1 AND state = 'applied' LIMIT $2",
    "SELECT event_id AS id FROM journal WHERE order_id = $1 ORDER BY serial LIMIT $2",
    "SELECT event_id AS id FROM documents WHERE order_id = $1 ORDER BY serial LIMIT $2",
];

/// The store of an event, from whatever still knows it: the log forgets before what came of it does.
pub(crate) const STORES: &[&str] = &[
    "SELECT store_id AS id FROM outbox WHERE id = $1 AND store_id IS NOT NULL LIMIT 1",
    "SELECT store_id AS id FROM parked WHERE event_id = $1 AND store_id IS NOT NULL LIMIT 1",
    "SELECT store_id AS id FROM dead_letters WHERE event_id = $1 AND store_id IS NOT NULL LIMIT 1",
    "SELECT store_id AS id FROM journal WHERE event_id = $1 AND store_id <> '' LIMIT 1",
    "SELECT store_id AS id FROM documents WHERE event_id = $1 AND store_id <> '' LIMIT 1",
    "SELECT store_id AS id FROM receipts WHERE event_id = $1 LIMIT 1",
    "SELECT store_id AS id FROM requests WHERE event_id = $1 LIMIT 1",
];

#[cfg(test)]
mod tests {
    use super::QUESTIONS;
    use galleria_app::story::ORDER;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_has_its_place_in_a_story_and_every_place_a_kind() {
        let kinds: BTreeSet<_> = QUESTIONS.iter().map(|one| one.what).collect();
        assert_eq!(kinds, BTreeSet::from(ORDER));
        let places: BTreeSet<_> = ORDER.into();
        assert_eq!(places.len(), ORDER.len(), "a place is named once");
    }
}
