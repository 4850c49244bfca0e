//! Marks of schedules.

use crate::query::{Row, query};
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_ports::Error;
use galleria_ports::records::{PlannedTo, ScheduleMark, Schedules};

#[async_trait]
impl Schedules for Transaction<'_> {
    async fn schedule_mark_list(
        &mut self,
        retailer: &str,
        schedule: &str,
    ) -> Result<Vec<ScheduleMark>, Error> {
        let marks = query(
            "schedule_mark_list",
            "SELECT store_id, expression, planned_to FROM schedule_marks
             WHERE retailer = $1 AND schedule = $2 ORDER BY store_id",
        )
        .bind(retailer)
        .bind(schedule);
        self.fetch_all_as(marks, mark).await
    }

    async fn schedule_mark_put(
        &mut self,
        retailer: &str,
        schedule: &str,
        mark: &ScheduleMark,
    ) -> Result<(), Error> {
        // A mark only moves forward: if two hosts plan at the same time, the slower one must not move
        // it back. A changed expression replaces the mark, and a local time is always replaced.
        let put = query(
            "schedule_mark_put",
            "INSERT INTO schedule_marks (retailer, schedule, store_id, expression, planned_to)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (retailer, schedule, store_id) DO UPDATE
                 SET expression = excluded.expression, planned_to = excluded.planned_to
                 WHERE schedule_marks.planned_to < excluded.planned_to
                    OR schedule_marks.planned_to NOT LIKE '%Z'
                    OR schedule_marks.expression <> excluded.expression",
        )
        .bind(retailer)
        .bind(schedule)
        .bind(&*mark.store_id)
        .bind(&*mark.at)
        .bind(text(mark.planned_to));
        self.execute_later(put).await
    }

    async fn schedule_mark_remove(
        &mut self,
        retailer: &str,
        schedule: &str,
        store_id: &str,
    ) -> Result<(), Error> {
        let remove = query(
            "schedule_mark_remove",
            "DELETE FROM schedule_marks WHERE retailer = $1 AND schedule = $2 AND store_id = $3",
        )
        .bind(retailer)
        .bind(schedule)
        .bind(store_id);
        self.execute_later(remove).await
    }
}

/// Whole seconds in a fixed format, so that texts sort like times.
fn text(planned_to: PlannedTo) -> String {
    match planned_to {
        PlannedTo::At(at) => at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        PlannedTo::Local(local) => local.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
    }
}

fn mark(row: &Row) -> Result<ScheduleMark, Error> {
    let text = row.text("planned_to")?;
    let parsed = match text.ends_with('Z') {
        true => text.parse().map(PlannedTo::At),
        false => text.parse().map(PlannedTo::Local),
    };
    let planned_to = parsed.map_err(|error| {
        Error::records(
            "schedule_mark_list: invalid value in column planned_to",
            error,
        )
    });
    Ok(ScheduleMark {
        store_id: row.text("store_id")?,
        at: row.text("expression")?,
        planned_to: planned_to?,
    })
}
