//! Timeline of an event. `$1` is its id.

use super::TimelineQuery;

pub(super) const QUERIES: &[TimelineQuery] = &[
    TimelineQuery {
        kind: "event",
        columns: &["position", "topic", "key", "store", "trace"],
        sql: "SELECT created_ms AS at_ms, id AS id, CAST(position AS TEXT) AS position, CAST(topic AS
         TEXT) AS topic, CAST(event_key AS TEXT) AS key, CAST(store_id AS TEXT) AS store,
         SUBSTR(traceparent, 4, 32) AS trace FROM outbox WHERE id = $1 LIMIT $2",
    },
    // The publications of a decision are numbered from 0 without gaps, `<event>/<slot>/<n>`. The
    // query looks up each by id until one is missing.
    TimelineQuery {
        kind: "publication",
        columns: &["event", "plugin", "topic", "key", "state", "trace"],
        sql: "WITH RECURSIVE next (event, slot, number) AS (
             SELECT event_id, subscriber, 0 FROM effects WHERE event_id = $1
             UNION ALL
             SELECT n.event, n.slot, n.number + 1 FROM next n JOIN outbox o
                 ON o.id = n.event || '/' || n.slot || '/' || CAST(n.number AS TEXT)
         ) SELECT o.created_ms AS at_ms, o.id AS id, CAST(n.event AS TEXT) AS event, CAST(n.slot AS
         TEXT) AS plugin, CAST(o.topic AS TEXT) AS topic, CAST(o.event_key AS TEXT) AS key,
         CAST('queued' AS TEXT) AS state, SUBSTR(o.traceparent, 4, 32) AS trace FROM next n JOIN
         outbox o ON o.id = n.event || '/' || n.slot || '/' || CAST(n.number AS TEXT) LIMIT $2",
    },
    TimelineQuery {
        kind: "effect",
        columns: &["plugin", "outcome"],
        sql: "SELECT at_ms AS at_ms, event_id AS id, CAST(subscriber AS TEXT) AS plugin, CAST(outcome
         AS TEXT) AS outcome FROM effects WHERE event_id = $1 LIMIT $2",
    },
    TimelineQuery {
        kind: "attempt",
        columns: &["event", "plugin", "attempt", "outcome", "detail", "component", "settings", "argument", "decision", "cpu_us"],
        sql: "SELECT at_ms AS at_ms, event_id AS id, CAST(event_id AS TEXT) AS event, CAST(subscriber
         AS TEXT) AS plugin, CAST(attempt AS TEXT) AS attempt, CAST(outcome AS TEXT) AS outcome,
         CAST(detail AS TEXT) AS detail, CAST(component AS TEXT) AS component, CAST(settings AS
         TEXT) AS settings, CAST(argument AS TEXT) AS argument, CAST(decision AS TEXT) AS
         decision, CAST(cpu_us AS TEXT) AS cpu_us FROM journal WHERE event_id = $1 LIMIT $2",
    },
    TimelineQuery {
        kind: "parked",
        columns: &["plugin", "state", "lane", "attempts", "waits_for", "cause", "trace"],
        sql: "SELECT since_ms AS at_ms, event_id AS id, CAST(subscriber AS TEXT) AS plugin, CAST(state
         AS TEXT) AS state, CAST(lane AS TEXT) AS lane, CAST(attempts AS TEXT) AS attempts,
         CAST(waits_for AS TEXT) AS waits_for, CAST(cause AS TEXT) AS cause, SUBSTR(traceparent, 4,
         32) AS trace FROM parked WHERE event_id = $1 LIMIT $2",
    },
    TimelineQuery {
        kind: "dead_letter",
        columns: &["plugin", "lane", "code", "detail", "attempts", "component", "trace"],
        sql: "SELECT died_ms AS at_ms, event_id AS id, CAST(subscriber AS TEXT) AS plugin, CAST(lane
         AS TEXT) AS lane, CAST(code AS TEXT) AS code, CAST(detail AS TEXT) AS detail,
         CAST(attempts AS TEXT) AS attempts, CAST(component AS TEXT) AS component,
         SUBSTR(traceparent, 4, 32) AS trace FROM dead_letters WHERE event_id = $1 LIMIT $2",
    },
    TimelineQuery {
        kind: "document",
        columns: &["event", "plugin", "directory", "name", "size", "digest"],
        sql: "SELECT created_ms AS at_ms, id AS id, CAST(event_id AS TEXT) AS event, CAST(subscriber
         AS TEXT) AS plugin, CAST(directory AS TEXT) AS directory, CAST(name AS TEXT) AS name,
         CAST(size AS TEXT) AS size, CAST(digest AS TEXT) AS digest FROM documents WHERE event_id
         = $1 ORDER BY serial LIMIT $2",
    },
    TimelineQuery {
        kind: "delivery",
        columns: &["directory", "name", "state"],
        sql: "SELECT moved_ms AS at_ms, id AS id, CAST(directory AS TEXT) AS directory, CAST(name AS
         TEXT) AS name, CAST(state AS TEXT) AS state FROM documents WHERE event_id = $1 AND state
         <> 'pending' ORDER BY serial LIMIT $2",
    },
    TimelineQuery {
        kind: "outgoing_request",
        columns: &["plugin", "store"],
        sql: "SELECT created_ms AS at_ms, id AS id, CAST(subscriber AS TEXT) AS plugin, CAST(store_id
         AS TEXT) AS store FROM requests WHERE event_id = $1 ORDER BY created_ms, id LIMIT $2",
    },
    TimelineQuery {
        kind: "receipt",
        columns: &["event", "plugin"],
        sql: "SELECT created_ms AS at_ms, id AS id, CAST(event_id AS TEXT) AS event, CAST(subscriber
         AS TEXT) AS plugin FROM receipts WHERE event_id = $1 ORDER BY created_ms, id LIMIT $2",
    },
    TimelineQuery {
        kind: "operation",
        columns: &["action", "actor", "reason", "before", "after"],
        sql: "SELECT o.at_ms AS at_ms, o.subject AS id, CAST(o.action AS TEXT) AS action,
         CAST(o.actor AS TEXT) AS actor, CAST(o.reason AS TEXT) AS reason,
         CAST(o.before_state AS TEXT) AS before, CAST(o.after_state AS TEXT) AS after FROM
         effects e JOIN operations o ON o.subject = e.event_id || ' of ' || e.subscriber WHERE
         e.event_id = $1 LIMIT $2",
    },
    TimelineQuery {
        kind: "operation",
        columns: &["action", "actor", "reason", "before", "after"],
        sql: "SELECT o.at_ms AS at_ms, o.subject AS id, CAST(o.action AS TEXT) AS action,
         CAST(o.actor AS TEXT) AS actor, CAST(o.reason AS TEXT) AS reason,
         CAST(o.before_state AS TEXT) AS before, CAST(o.after_state AS TEXT) AS after FROM
         dead_letters e JOIN operations o ON o.subject = e.event_id || ' of ' || e.subscriber
         WHERE e.event_id = $1 LIMIT $2",
    },
    TimelineQuery {
        kind: "operation",
        columns: &["action", "actor", "reason", "before", "after"],
        sql: "SELECT o.at_ms AS at_ms, o.subject AS id, CAST(o.action AS TEXT) AS action,
         CAST(o.actor AS TEXT) AS actor, CAST(o.reason AS TEXT) AS reason,
         CAST(o.before_state AS TEXT) AS before, CAST(o.after_state AS TEXT) AS after FROM parked
         e JOIN operations o ON o.subject = e.event_id || ' of ' || e.subscriber WHERE e.event_id
         = $1 LIMIT $2",
    },
];
