//! Timelines of a settlement statement and of one of its lines. `$1` is the statement's id.

use super::{CURRENCY_OF, TimelineQuery};

pub(super) const QUERIES: &[TimelineQuery] = &[
    TimelineQuery {
        kind: "statement",
        columns: &[
            "retailer",
            "plugin",
            "component",
            "file",
            "digest",
            "provider",
            "account",
            "reference",
            "currency",
            "minor_digits",
            "paid_on",
            "net",
            "lines",
            "state",
        ],
        sql:
            "SELECT imported_ms AS at_ms, id AS id, CAST(retailer AS TEXT) AS retailer, CAST(plugin
         AS TEXT) AS plugin, CAST(component AS TEXT) AS component, CAST(file AS TEXT) AS file,
         CAST(digest AS TEXT) AS digest, CAST(provider AS TEXT) AS provider, CAST(account AS
         TEXT) AS account, CAST(reference AS TEXT) AS reference, CAST(currency AS TEXT) AS
         currency, CAST(minor_digits AS TEXT) AS minor_digits, CAST(paid_on AS TEXT) AS paid_on, CAST(net AS TEXT) AS net, CAST(line_count AS
         TEXT) AS lines, CAST(state AS TEXT) AS state FROM statements WHERE id = $1 LIMIT $2",
    },
    TimelineQuery {
        kind: "statement_line",
        columns: &[
            "statement",
            "outcome",
            "rule",
            "net",
            "fee",
            "difference",
            "tender",
            "paid_currency",
            "paid_minor_digits",
            CURRENCY_OF,
        ],
        sql: "SELECT s.imported_ms AS at_ms, l.statement_id || '.' || CAST(l.number AS TEXT) AS id,
         CAST(l.statement_id AS TEXT) AS statement, CAST(l.outcome AS TEXT) AS outcome,
         CAST(l.rule AS TEXT) AS rule, CAST(l.net AS TEXT) AS net, CAST(l.fee AS TEXT) AS fee,
         CAST(l.difference AS TEXT) AS difference, CAST(l.tender_id AS TEXT) AS tender,
         s.currency AS paid_currency, CAST(s.minor_digits AS TEXT) AS paid_minor_digits,
         l.line AS currency_of FROM
         statement_lines l JOIN statements s ON s.id = l.statement_id WHERE l.statement_id = $1
         ORDER BY l.number LIMIT $2",
    },
];

/// Queries for one line. `$3` is the line's number.
pub(super) const LINE_QUERIES: &[TimelineQuery] = &[
    TimelineQuery {
        kind: "statement_line",
        columns: &[
            "statement",
            "outcome",
            "rule",
            "net",
            "fee",
            "difference",
            "tender",
            "paid_currency",
            "paid_minor_digits",
            CURRENCY_OF,
        ],
        sql: "SELECT s.imported_ms AS at_ms, l.statement_id || '.' || CAST(l.number AS TEXT) AS id,
         CAST(l.statement_id AS TEXT) AS statement, CAST(l.outcome AS TEXT) AS outcome,
         CAST(l.rule AS TEXT) AS rule, CAST(l.net AS TEXT) AS net, CAST(l.fee AS TEXT) AS fee,
         CAST(l.difference AS TEXT) AS difference, CAST(l.tender_id AS TEXT) AS tender,
         s.currency AS paid_currency, CAST(s.minor_digits AS TEXT) AS paid_minor_digits,
         l.line AS currency_of FROM
         statement_lines l JOIN statements s ON s.id = l.statement_id WHERE l.statement_id = $1
         AND l.number = $3 LIMIT $2",
    },
    TimelineQuery {
        kind: "manual_settlement",
        columns: &["actor", "reason", "undo"],
        sql: "SELECT at_ms, line_id AS id, actor, reason, CAST(undo AS TEXT) AS undo FROM
         manual_settlements WHERE line_id = $1 || '.' || CAST($3 AS TEXT) ORDER BY serial LIMIT $2",
    },
];
