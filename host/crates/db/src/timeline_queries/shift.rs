//! Timeline of a shift. `$1` is its id.

use super::{CURRENCY_OF, TimelineQuery};

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
        columns: &["kind", "amount", "cashier", "reason", CURRENCY_OF],
        sql:
            "SELECT m.accepted_ms AS at_ms, m.id AS id, CAST(m.kind AS TEXT) AS kind, CAST(m.amount
         AS TEXT) AS amount, CAST(m.cashier AS TEXT) AS cashier, CAST(m.reason AS TEXT) AS reason,
         s.body AS currency_of FROM shift_movements m JOIN shifts h ON h.id = m.shift_id JOIN
         stores s ON s.id = h.store_id WHERE m.shift_id = $1 LIMIT $2",
    },
];
