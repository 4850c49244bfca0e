//! Queries of settlement statements.

use crate::Db;
use galleria_domain::MatchOutcome;
use galleria_domain::matching::ReferenceKind;
use galleria_domain::plugin::Point;
use galleria_ports::in_tx;
use galleria_ports::records::{
    LineMatch, Records, RunRow, RunState, SettlementCursor, UncoveredCursor,
};
use jiff::Timestamp;

/// Runs the queries of settlement.
pub(super) async fn run_settlement_queries(db: &Db) {
    let records: &dyn Records = db;
    let result = records.write(in_tx!(|tx| {
        let now = Timestamp::UNIX_EPOCH;
        let after = UncoveredCursor {
            business_date: String::new(),
            id: String::new(),
        };
        tx.tender_void("e").await?;
        tx.tender_retailer_list_unchecked().await?;
        tx.tender_list_unchecked("r", 1).await?;
        tx.tender_mark_checked("t").await?;
        for kind in ReferenceKind::ALL {
            tx.tender_list_by_reference("r", kind, "p", 1).await?;
            tx.statement_line_list_by_reference("r", kind, "p", 1)
                .await?;
        }
        tx.tender_allocation_list("t").await?;
        tx.tender_list_by_entry("r", "e").await?;
        tx.tender_settle("t", 0, false).await?;
        tx.tender_list_uncovered("r", "9", &[], &after, 1).await?;
        tx.lease_take("l", "o", now, now).await?;
        tx.lease_renew("l", "o", now).await?;
        tx.statement_get("s").await?;
        tx.statement_list_unfinished().await?;
        tx.statement_list(None, None, 1).await?;
        tx.statement_list(Some("r"), None, 1).await?;
        tx.statement_line_remove("s", 1).await?;
        tx.statement_line_list("s", None, 0, 1).await?;
        tx.statement_line_list("s", Some(MatchOutcome::Matched), 0, 1)
            .await?;
        tx.statement_line_match("s", 1, &LineMatch::default())
            .await?;
        tx.statement_sums("s").await?;
        tx.statement_counts("s").await?;
        tx.statement_line_replace("s", "t").await?;
        tx.statement_line_list_manual("s").await?;
        tx.manual_settlement_move("s.1", "s.2").await?;
        tx.rejected_statement_get("s").await?;
        tx.rejected_statement_list("r", 1).await?;
        tx.tender_payments("t", 1).await?;
        tx.manual_settlement_list("s.1").await?;
        let run = settlement_run();
        tx.run_insert(&run).await?;
        tx.settlement_select(&run, true).await?;
        tx.settlement_statement_list("r", ("", ""), 1).await?;
        let key = SettlementCursor::default();
        tx.settlement_line_list("s", None, &key, 1).await.map(drop)
    }));
    result.await.expect("queries");
}

fn settlement_run() -> RunRow {
    let now = Timestamp::UNIX_EPOCH;
    RunRow {
        serial: 0,
        id: "r".into(),
        retailer: "r".into(),
        subscriber: "s".into(),
        point: Point::WriteSettlement,
        store_id: String::new(),
        first: String::new(),
        last: "9".into(),
        schedule: String::new(),
        state: RunState::Due,
        attempts: 0,
        tries: 1,
        due_at: now,
        as_of: None,
        since: None,
        stores: 0,
        progress: 0,
        rows: 0,
        sums: Vec::new(),
        files: Vec::new(),
        code: None,
        detail: None,
        created_at: now,
        begun_at: None,
        ended_at: None,
    }
}
