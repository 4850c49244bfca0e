//! Timeline of a run. `$1` is its id.

use super::TimelineQuery;

pub(super) const QUERIES: &[TimelineQuery] = &[
    TimelineQuery {
        kind: "attempt",
        columns: &["event", "plugin", "attempt", "outcome", "detail", "component", "settings", "argument", "decision", "cpu_us"],
        sql: "SELECT at_ms AS at_ms, event_id AS id, CAST(event_id AS TEXT) AS event, CAST(subscriber
         AS TEXT) AS plugin, CAST(attempt AS TEXT) AS attempt, CAST(outcome AS TEXT) AS outcome,
         CAST(detail AS TEXT) AS detail, CAST(component AS TEXT) AS component, CAST(settings AS
         TEXT) AS settings, CAST(argument AS TEXT) AS argument, CAST(decision AS TEXT) AS
         decision, CAST(cpu_us AS TEXT) AS cpu_us FROM journal WHERE event_id = 'run:' || $1 LIMIT $2",
    },
    TimelineQuery {
        kind: "document",
        columns: &["event", "plugin", "directory", "name", "size", "digest"],
        sql: "SELECT created_ms AS at_ms, id AS id, CAST(event_id AS TEXT) AS event, CAST(subscriber
         AS TEXT) AS plugin, CAST(directory AS TEXT) AS directory, CAST(name AS TEXT) AS name,
         CAST(size AS TEXT) AS size, CAST(digest AS TEXT) AS digest FROM documents WHERE event_id
         = 'run:' || $1 ORDER BY serial LIMIT $2",
    },
    TimelineQuery {
        kind: "delivery",
        columns: &["directory", "name", "state"],
        sql: "SELECT moved_ms AS at_ms, id AS id, CAST(directory AS TEXT) AS directory, CAST(name AS
         TEXT) AS name, CAST(state AS TEXT) AS state FROM documents WHERE event_id = 'run:' || $1 AND state
         <> 'pending' ORDER BY serial LIMIT $2",
    },
    TimelineQuery {
        kind: "run_requested",
        columns: &["retailer", "plugin", "point", "store", "first", "last", "schedule"],
        sql: "SELECT created_ms AS at_ms, id AS id, CAST(retailer AS TEXT) AS retailer,
         CAST(subscriber AS TEXT) AS plugin, CAST(point AS TEXT) AS point, CAST(store_id AS TEXT)
         AS store, CAST(first_date AS TEXT) AS first, CAST(last_date AS TEXT) AS last,
         CAST(schedule AS TEXT) AS schedule FROM runs WHERE id = $1 LIMIT $2",
    },
    TimelineQuery {
        kind: "run_started",
        columns: &["attempts", "tries"],
        sql: "SELECT begun_ms AS at_ms, id AS id, CAST(attempts AS TEXT) AS attempts, CAST(tries AS
         TEXT) AS tries FROM runs WHERE id = $1 AND begun_ms IS NOT NULL LIMIT $2",
    },
    TimelineQuery {
        kind: "run_ended",
        columns: &["state", "rows", "code", "detail"],
        sql: "SELECT ended_ms AS at_ms, id AS id, CAST(state AS TEXT) AS state, CAST(row_count AS
         TEXT) AS rows, CAST(code AS TEXT) AS code, CAST(detail AS TEXT) AS detail FROM runs
         WHERE id = $1 AND ended_ms IS NOT NULL LIMIT $2",
    },
    TimelineQuery {
        kind: "operation",
        columns: &["action", "actor", "reason", "before", "after"],
        sql: "SELECT o.at_ms AS at_ms, o.subject AS id, CAST(o.action AS TEXT) AS action,
         CAST(o.actor AS TEXT) AS actor, CAST(o.reason AS TEXT) AS reason,
         CAST(o.before_state AS TEXT) AS before, CAST(o.after_state AS TEXT) AS after FROM
         operations o WHERE o.subject = $1 ORDER BY o.serial LIMIT $2",
    },
];
