//! What stores did, day by day, and verifications.
//!
//! As with sale lines, a page continues at a key, first in the store where that stands, then in the
//! stores behind it: as one statement, neither database would look up where to continue.

use crate::sale_lines::Window;
use crate::statement::{Found, Statement, Word, statement};
use crate::transaction::{Transaction, inserted};
use async_trait::async_trait;
use galleria_app::Error;
use galleria_app::records::{
    Activities, ActivityKey, ActivityKind, ActivityPage, ActivityRow, VerificationRow,
};
use galleria_domain::Activity;
use jiff::Timestamp;

impl Word for ActivityKind {
    const ALL: &'static [Self] = &[
        Self::Sale,
        Self::Refund,
        Self::Void,
        Self::Shift,
        Self::Verification,
    ];

    fn word(self) -> &'static str {
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
        let insert = statement(
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
        .json(&verification.verification)
        .at(verification.occurred_at)
        .at(verification.accepted_at);
        inserted(
            self.execute(insert).await?,
            "verification",
            &verification.id,
        )
    }

    async fn verification_get(&mut self, id: &str) -> Result<Option<VerificationRow>, Error> {
        let get = statement(
            "verification_get",
            "SELECT * FROM verifications WHERE id = $1",
        )
        .bind(id);
        self.row(get, verification).await
    }

    async fn activity_insert(&mut self, activity: &ActivityRow) -> Result<(), Error> {
        let insert = statement(
            "activity_insert",
            "INSERT INTO activities (store_id, business_date, begun_ms, kind, id, accepted_ms)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&*activity.store_id)
        .bind(&*activity.business_date)
        .at(activity.begun_at)
        .word(activity.kind)
        .bind(&*activity.id)
        .at(activity.accepted_at);
        self.execute(insert).await.map(drop)
    }

    async fn activities_page(
        &mut self,
        retailer: &str,
        store_id: Option<&str>,
        first: &str,
        last: &str,
        as_of: Timestamp,
        after: &ActivityKey,
        limit: u32,
    ) -> Result<ActivityPage, Error> {
        let window = Window {
            retailer,
            store_id,
            first,
            last,
            as_of,
        };
        let found = page(self, &window, after, i64::from(limit)).await?;
        let last = found.last().map(key).transpose()?;
        let mut activities = Vec::with_capacity(found.len());
        for row in &found {
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
    after: &ActivityKey,
    limit: i64,
) -> Result<Vec<Found>, Error> {
    match window.store_id {
        Some(id) if *id < *after.store_id => Ok(Vec::new()),
        Some(id) if *id == *after.store_id => tx.all(of_store(window, after, limit)).await,
        Some(id) => {
            let start = ActivityKey {
                store_id: id.to_owned(),
                ..ActivityKey::default()
            };
            tx.all(of_store(window, &start, limit)).await
        }
        None => {
            let mut found = tx.all(of_store(window, after, limit)).await?;
            let left = limit - i64::try_from(found.len()).unwrap_or(limit);
            if left > 0 {
                found.extend(tx.all(of_stores(window, &after.store_id, left)).await?);
            }
            Ok(found)
        }
    }
}

/// Each body by the key of its own table, and no other table is touched: joins would leave it to
/// the database to find that out.
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

/// Activities of the store in which `after` stands.
fn of_store<'q>(window: &Window<'q>, after: &'q ActivityKey, limit: i64) -> Statement<'q> {
    statement(
        "activities_page",
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
    .at(window.as_of)
    .bind(window.retailer)
    .bind(limit)
}

/// Activities of the stores behind `after`.
fn of_stores<'q>(window: &Window<'q>, after: &'q str, limit: i64) -> Statement<'q> {
    statement(
        "activities_page",
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
    .at(window.as_of)
    .bind(limit)
}

fn key(found: &Found) -> Result<ActivityKey, Error> {
    Ok(ActivityKey {
        store_id: found.text("store_id")?,
        business_date: found.text("business_date")?,
        begun_ms: found.int("begun_ms")?,
        kind: found.text("kind")?,
        id: found.text("id")?,
    })
}

/// None where retention took away what the row stands for.
fn activity(found: &Found) -> Result<Option<Activity>, Error> {
    Ok(match found.word("kind")? {
        ActivityKind::Sale => found.maybe_json("body")?.map(Activity::Sale),
        ActivityKind::Refund => found.maybe_json("body")?.map(Activity::Refund),
        ActivityKind::Void => found.maybe_json("body")?.map(Activity::Cancellation),
        ActivityKind::Shift => found.maybe_json("body")?.map(Activity::Shift),
        ActivityKind::Verification => found.maybe_json("body")?.map(Activity::Verification),
    })
}

fn verification(found: &Found) -> Result<VerificationRow, Error> {
    Ok(VerificationRow {
        id: found.text("id")?,
        order_id: found.text("order_id")?,
        store_id: found.text("store_id")?,
        verification: found.json("verification")?,
        occurred_at: found.at("occurred_ms")?,
        accepted_at: found.at("accepted_ms")?,
    })
}
