//! Timelines of a store and of a recorded evaluation of taxes. `$1` is the id.
//!
//! A store has entries without end, so its newest ones are shown.

use super::{CURRENCY_OF, TAX_EVALUATION, TimelineQuery};

pub(super) const STORE_QUERIES: &[TimelineQuery] = &[
    TimelineQuery {
        kind: "operation",
        columns: &["action", "actor", "reason", "before", "after"],
        sql: "SELECT o.at_ms AS at_ms, o.subject AS id, CAST(o.action AS TEXT) AS action,
         CAST(o.actor AS TEXT) AS actor, CAST(o.reason AS TEXT) AS reason,
         CAST(o.before_state AS TEXT) AS before, CAST(o.after_state AS TEXT) AS after FROM
         operations o WHERE o.subject = 'store ' || $1 ORDER BY o.serial DESC LIMIT $2",
    },
    TimelineQuery {
        kind: "tax_evaluation",
        columns: &["actor", "key", TAX_EVALUATION, CURRENCY_OF],
        sql: "SELECT e.recorded_ms AS at_ms, e.id AS id, CAST(e.actor AS TEXT) AS actor,
         CAST(e.idempotency_key AS TEXT) AS key, e.response AS tax_evaluation, s.body AS currency_of
         FROM tax_evaluations e JOIN stores s ON s.id = e.store_id WHERE e.store_id = $1
         ORDER BY e.recorded_ms DESC, e.id DESC LIMIT $2",
    },
];

pub(super) const EVALUATION_QUERIES: &[TimelineQuery] = &[TimelineQuery {
    kind: "tax_evaluation",
    columns: &["store", "actor", "key", TAX_EVALUATION, CURRENCY_OF],
    sql: "SELECT e.recorded_ms AS at_ms, e.id AS id, CAST(e.store_id AS TEXT) AS store,
         CAST(e.actor AS TEXT) AS actor, CAST(e.idempotency_key AS TEXT) AS key,
         e.response AS tax_evaluation, s.body AS currency_of
         FROM tax_evaluations e JOIN stores s ON s.id = e.store_id WHERE e.id = $1 LIMIT $2",
}];
