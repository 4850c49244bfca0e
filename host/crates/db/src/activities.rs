//! Activities of stores by day, and verifications.
//!
//! A page continues after a cursor: first the rest of the cursor's store, then the following stores,
//! in two queries, as for sale lines. In one query, neither database would use the index to find the
//! cursor.

use crate::query::{Query, Row, SqlEnum, query};
use crate::sale_lines::Window;
use crate::transaction::{Transaction, inserted};
use async_trait::async_trait;
use galleria_domain::Activity;
use galleria_ports::Error;
use galleria_ports::records::{
    Activities, ActivityCursor, ActivityKind, ActivityPage, ActivityRow, VerificationRow,
};
use jiff::Timestamp;

impl SqlEnum for ActivityKind {
    const ALL: &'static [Self] = &[
        Self::Sale,
        Self::Refund,
        Self::Void,
        Self::Shift,
        Self::Verification,
    ];

    fn as_sql(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Refund => "refund",
            Self::Void => "void",
            Self::Shift => "shift",
            Self::Verification => "verification",
        }
    }
}

#[async_trait]
impl Activities for Transaction<'_> {
    async fn verification_insert(&mut self, verification: &VerificationRow) -> Result<(), Error> {
        let insert = query(
            "verification_insert",
            "INSERT INTO verifications (id, order_id, store_id, verification, occurred_ms,
                 accepted_ms, retailer)
             VALUES ($1, $2, $3, $4, $5, $6,
                 COALESCE((SELECT retailer FROM stores WHERE id = $3), ''))
             ON CONFLICT DO NOTHING",
        )
        .bind(&*verification.id)
        .bind(&*verification.order_id)
        .bind(&*verification.store_id)
        .bind_json(&verification.verification)
        .bind_timestamp(verification.occurred_at)
        .bind_timestamp(verification.accepted_at);
        inserted(
            self.insert(insert, 1).await?,
            "verification",
            &verification.id,
        )
    }

    async fn verification_get(&mut self, id: &str) -> Result<Option<VerificationRow>, Error> {
        let get = query(
            "verification_get",
            "SELECT * FROM verifications WHERE id = $1",
        )
        .bind(id);
        self.fetch_optional_as(get, verification).await
    }

    async fn activity_insert(&mut self, activity: &ActivityRow) -> Result<(), Error> {
        let insert = query(
            "activity_insert",
            "INSERT INTO activities (store_id, business_date, begun_ms, kind, id, accepted_ms)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&*activity.store_id)
        .bind(&*activity.business_date)
        .bind_timestamp(activity.begun_at)
        .bind_enum(activity.kind)
        .bind(&*activity.id)
        .bind_timestamp(activity.accepted_at);
        self.execute_later(insert).await
    }

    async fn activity_list(
        &mut self,
        retailer: &str,
        store_id: Option<&str>,
        first: &str,
        last: &str,
        as_of: Timestamp,
        after: &ActivityCursor,
        limit: u32,
    ) -> Result<ActivityPage, Error> {
        let window = Window {
            retailer,
            store_id,
            first,
            last,
            as_of,
        };
        let rows = page(self, &window, after, i64::from(limit)).await?;
        let last = rows.last().map(key).transpose()?;
        let mut activities = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Some(activity) = activity(row)? {
                activities.push((row.text("store_id")?, activity));
            }
        }
        Ok(ActivityPage { activities, last })
    }
}

async fn page(
    tx: &mut Transaction<'_>,
    window: &Window<'_>,
    after: &ActivityCursor,
    limit: i64,
) -> Result<Vec<Row>, Error> {
    match window.store_id {
        Some(id) if *id < *after.store_id => Ok(Vec::new()),
        Some(id) if *id == *after.store_id => tx.fetch_all(store_page(window, after, limit)).await,
        Some(id) => {
            let start = ActivityCursor {
                store_id: id.to_owned(),
                ..ActivityCursor::default()
            };
            tx.fetch_all(store_page(window, &start, limit)).await
        }
        None => {
            let mut rows = tx.fetch_all(store_page(window, after, limit)).await?;
            let left = limit - i64::try_from(rows.len()).unwrap_or(limit);
            if left > 0 {
                rows.extend(
                    tx.fetch_all(following_stores_page(window, &after.store_id, left))
                        .await?,
                );
            }
            Ok(rows)
        }
    }
}

/// Reads each body by primary key from the table of its kind. Joins would leave it to the query
/// planner not to read the other tables.
macro_rules! with_body {
    ($rest:literal) => {
        concat!(
            "SELECT a.*, CASE a.kind
                 WHEN 'sale' THEN (SELECT p.sale FROM payments p WHERE p.id = a.id)
                 WHEN 'refund' THEN (SELECT r.refund FROM refunds r WHERE r.id = a.id)
                 WHEN 'void' THEN (SELECT v.cancellation FROM voids v WHERE v.id = a.id)
                 WHEN 'shift' THEN (SELECT d.closed FROM shifts d WHERE d.id = a.id)
                 WHEN 'verification' THEN (SELECT f.verification FROM verifications f WHERE f.id = a.id)
             END AS body ",
            $rest
        )
    };
}

/// Activities of the cursor's store after the cursor.
fn store_page<'q>(window: &Window<'q>, after: &'q ActivityCursor, limit: i64) -> Query<'q> {
    query(
        "activity_list",
        with_body!(
            "FROM activities a
             WHERE a.store_id = $1
               AND (a.business_date, a.begun_ms, a.kind, a.id) > ($2, $3, $4, $5)
               AND a.business_date >= $6 AND a.business_date <= $7 AND a.accepted_ms <= $8
               AND EXISTS (SELECT 1 FROM stores s WHERE s.id = $1 AND s.retailer = $9)
             ORDER BY a.business_date, a.begun_ms, a.kind, a.id
             LIMIT $10"
        ),
    )
    .bind(&*after.store_id)
    .bind(&*after.business_date)
    .bind(after.begun_ms)
    .bind(&*after.kind)
    .bind(&*after.id)
    .bind(window.first)
    .bind(window.last)
    .bind_timestamp(window.as_of)
    .bind(window.retailer)
    .bind(limit)
}

/// Activities of the stores after `after`.
fn following_stores_page<'q>(window: &Window<'q>, after: &'q str, limit: i64) -> Query<'q> {
    query(
        "activity_list",
        with_body!(
            "FROM stores s JOIN activities a ON a.store_id = s.id
             WHERE s.retailer = $1 AND s.id > $2
               AND a.business_date >= $3 AND a.business_date <= $4 AND a.accepted_ms <= $5
             ORDER BY s.id, a.business_date, a.begun_ms, a.kind, a.id
             LIMIT $6"
        ),
    )
    .bind(window.retailer)
    .bind(after)
    .bind(window.first)
    .bind(window.last)
    .bind_timestamp(window.as_of)
    .bind(limit)
}

fn key(row: &Row) -> Result<ActivityCursor, Error> {
    Ok(ActivityCursor {
        store_id: row.text("store_id")?,
        business_date: row.text("business_date")?,
        begun_ms: row.int("begun_ms")?,
        kind: row.text("kind")?,
        id: row.text("id")?,
    })
}

/// Returns `None` if retention has deleted the body.
fn activity(row: &Row) -> Result<Option<Activity>, Error> {
    Ok(match row.enum_value("kind")? {
        ActivityKind::Sale => row.opt_json("body")?.map(Activity::Sale),
        ActivityKind::Refund => row.opt_json("body")?.map(Activity::Refund),
        ActivityKind::Void => row.opt_json("body")?.map(Activity::Cancellation),
        ActivityKind::Shift => row.opt_json("body")?.map(Activity::Shift),
        ActivityKind::Verification => row.opt_json("body")?.map(Activity::Verification),
    })
}

fn verification(row: &Row) -> Result<VerificationRow, Error> {
    Ok(VerificationRow {
        id: row.text("id")?,
        order_id: row.text("order_id")?,
        store_id: row.text("store_id")?,
        verification: row.json("verification")?,
        occurred_at: row.timestamp("occurred_ms")?,
        accepted_at: row.timestamp("accepted_ms")?,
    })
}
