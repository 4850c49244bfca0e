//! Timeline of a document. `$1` is its id.

use super::TimelineQuery;

pub(super) const QUERIES: &[TimelineQuery] = &[
    TimelineQuery {
        kind: "document",
        columns: &["event", "plugin", "directory", "name", "size", "digest"],
        sql:
            "SELECT created_ms AS at_ms, id AS id, CAST(event_id AS TEXT) AS event, CAST(subscriber
         AS TEXT) AS plugin, CAST(directory AS TEXT) AS directory, CAST(name AS TEXT) AS name,
         CAST(size AS TEXT) AS size, CAST(digest AS TEXT) AS digest FROM documents WHERE id = $1
         LIMIT $2",
    },
    TimelineQuery {
        kind: "delivery",
        columns: &["directory", "name", "state"],
        sql:
            "SELECT moved_ms AS at_ms, id AS id, CAST(directory AS TEXT) AS directory, CAST(name AS
         TEXT) AS name, CAST(state AS TEXT) AS state FROM documents WHERE id = $1 AND state <>
         'pending' LIMIT $2",
    },
];
