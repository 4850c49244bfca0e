//! Timeline of a shift. `$1` is its id.

use super::TimelineQuery;

pub(super) const QUERIES: &[TimelineQuery] = &[
    TimelineQuery {
        kind: "shift_opened",
        columns: &["store", "workstation", "till"],
        sql:
            "SELECT opened_ms AS at_ms, id AS id, CAST(store_id AS TEXT) AS store, CAST(workstation
         AS TEXT) AS workstation, CAST(till AS TEXT) AS till FROM shifts WHERE id = $1 LIMIT $2",
    },
    TimelineQuery {
        kind: "shift_ended",
        columns: &["store", "workstation", "till"],
        sql:
            "SELECT closed_ms AS at_ms, id AS id, CAST(store_id AS TEXT) AS store, CAST(workstation
         AS TEXT) AS workstation, CAST(till AS TEXT) AS till FROM shifts WHERE id = $1 AND
         closed_ms IS NOT NULL LIMIT $2",
    },
    TimelineQuery {
        kind: "movement",
        columns: &["kind", "amount", "cashier", "reason"],
        sql:
            "SELECT accepted_ms AS at_ms, id AS id, CAST(kind AS TEXT) AS kind, CAST(amount AS TEXT)
         AS amount, CAST(cashier AS TEXT) AS cashier, CAST(reason AS TEXT) AS reason FROM
         shift_movements WHERE shift_id = $1 LIMIT $2",
    },
];
