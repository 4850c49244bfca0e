//! The retailers that wait for a worker.

/// A query for the retailers with rows of a table that are `pending`, of which at least one is `ready`. Each
/// retailer is one step along the index of the pending rows, which is sorted by `order`, however many rows wait.
macro_rules! waiting_retailers {
    ($table:literal, pending: $pending:literal, ready: $ready:literal, order: $order:literal) => {
        concat!(
            "WITH RECURSIVE retailers(name) AS (
                 SELECT (SELECT retailer FROM ",
            $table,
            " WHERE ",
            $pending,
            " ORDER BY retailer, ",
            $order,
            " LIMIT 1)
                 UNION ALL
                 SELECT (SELECT retailer FROM ",
            $table,
            " WHERE ",
            $pending,
            " AND retailer > retailers.name ORDER BY retailer, ",
            $order,
            " LIMIT 1)
                 FROM retailers WHERE name IS NOT NULL)
             SELECT name FROM retailers WHERE name IS NOT NULL
               AND (SELECT id FROM ",
            $table,
            " WHERE retailer = retailers.name AND ",
            $pending,
            " AND ",
            $ready,
            " ORDER BY ",
            $order,
            " LIMIT 1) IS NOT NULL"
        )
    };
}

pub(crate) use waiting_retailers;
