//! Settlement statements, their lines, and the tenders that the lines are matched with.
//!
//! Search keys of tenders and lines are columns. The original line is JSON.

use crate::query::{Query, SqlEnum, query};
use crate::statement_rows as rows;
use crate::transaction::{Lock, Transaction, inserted};
use async_trait::async_trait;
use galleria_domain::{MatchOutcome, RecordedTender, StatementHeader, StatementLine};
use galleria_ports::Error;
use galleria_ports::records::{
    HandRow, LineRow, Matched, OutcomeSum, RunRow, SettlementKey, StatementRow, StatementState,
    Statements, UncoveredKey,
};
use jiff::Timestamp;

/// Finds tenders by one of three references. The query repeats the condition of the partial index,
/// because the database does not know that the bound reference is not empty.
macro_rules! by_reference {
    ($column:literal) => {
        concat!(
            "SELECT * FROM tenders WHERE retailer = $1 AND ",
            $column,
            " = $2 AND ",
            $column,
            " <> '' ORDER BY accepted_ms, id LIMIT $3"
        )
    };
}

macro_rules! waiting_by {
    ($column:literal) => {
        concat!(
            "SELECT * FROM statement_lines WHERE retailer = $1 AND ",
            $column,
            " = $2 AND ",
            $column,
            " <> '' AND waits = 1 LIMIT $3"
        )
    };
}

#[async_trait]
impl Statements for Transaction<'_> {
    async fn tenders_insert(
        &mut self,
        tenders: &[RecordedTender],
        accepted_at: Timestamp,
    ) -> Result<(), Error> {
        for tender in tenders {
            let rows = self
                .execute(rows::tender_insert(tender, accepted_at))
                .await?;
            // A payment and a refund with the same id would have tenders with the same ids.
            inserted(rows, "entry", &tender.entry_id)?;
        }
        Ok(())
    }

    async fn tenders_void(&mut self, entry_id: &str) -> Result<(), Error> {
        let set = query(
            "tenders_void",
            "UPDATE tenders SET voided = 1 WHERE entry_id = $1",
        );
        self.execute(set.bind(entry_id)).await.map(drop)
    }

    async fn tenders_fresh(&mut self, limit: u32) -> Result<Vec<RecordedTender>, Error> {
        let list = query(
            "tenders_fresh",
            "SELECT * FROM tenders WHERE fresh = 1 ORDER BY accepted_ms, id LIMIT $1",
        );
        self.fetch_all_as(list.bind(i64::from(limit)), rows::tender)
            .await
    }

    async fn tender_looked_at(&mut self, id: &str) -> Result<(), Error> {
        let set = query(
            "tender_looked_at",
            "UPDATE tenders SET fresh = 0 WHERE id = $1",
        );
        self.execute(set.bind(id)).await.map(drop)
    }

    async fn tenders_like(
        &mut self,
        retailer: &str,
        line: &StatementLine,
        limit: u32,
    ) -> Result<Vec<RecordedTender>, Error> {
        let references = [
            (&line.psp_reference, by_reference!("psp_reference")),
            (
                &line.modification_reference,
                by_reference!("modification_reference"),
            ),
            (
                &line.merchant_reference,
                by_reference!("merchant_reference"),
            ),
        ];
        let mut tenders: Vec<RecordedTender> = Vec::new();
        for (reference, sql) in references
            .into_iter()
            .filter(|(reference, _)| !reference.is_empty())
        {
            let list = query("tenders_like", sql)
                .bind(retailer)
                .bind(&**reference)
                .bind(i64::from(limit));
            for row in self.fetch_all(list).await? {
                let tender = rows::tender(&row)?;
                if tenders.iter().all(|other| other.id != tender.id) {
                    tenders.push(tender);
                }
            }
        }
        Ok(tenders)
    }

    async fn tender_get(&mut self, id: &str) -> Result<Option<RecordedTender>, Error> {
        let get = query("tender_get", "SELECT * FROM tenders WHERE id = $1").bind(id);
        self.fetch_optional_as(get, rows::tender).await
    }

    async fn tenders_of_entry(
        &mut self,
        retailer: &str,
        entry_id: &str,
    ) -> Result<Vec<RecordedTender>, Error> {
        let list = query(
            "tenders_of_entry",
            "SELECT * FROM tenders WHERE entry_id = $1 AND retailer = $2",
        )
        .bind(entry_id)
        .bind(retailer);
        let rows = self.fetch_all(list).await?;
        let mut tenders: Vec<_> = rows.iter().map(rows::tender).collect::<Result<_, _>>()?;
        // An entry has few tenders.
        tenders.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(tenders)
    }

    async fn tender_settle(&mut self, id: &str, line: Option<&str>) -> Result<(), Error> {
        // Matching must check a tender that is free again: a duplicate line may wait for it.
        let sql = match line {
            Some(_) => "UPDATE tenders SET settled_by = $1 WHERE id = $2",
            None => "UPDATE tenders SET settled_by = $1, fresh = 1 WHERE id = $2",
        };
        let set = query("tender_settle", sql);
        self.execute(set.bind_opt(line).bind(id)).await.map(drop)
    }

    async fn tenders_uncovered(
        &mut self,
        retailer: &str,
        before: Timestamp,
        kinds: &[String],
        after: &UncoveredKey,
        limit: u32,
    ) -> Result<Vec<(RecordedTender, Timestamp)>, Error> {
        let list = query(
            "tenders_uncovered",
            "SELECT * FROM tenders
             WHERE retailer = $1 AND settled_by IS NULL AND voided = 0
               AND (accepted_ms, id) > ($2, $3) AND accepted_ms < $4
               AND (($5 = '' AND psp_reference <> '')
                    OR ($5 <> '' AND $5 LIKE '%/' || kind || '/%'))
             ORDER BY accepted_ms, id LIMIT $6",
        )
        .bind(retailer)
        .bind_timestamp(after.accepted_at)
        .bind(&*after.id)
        .bind_timestamp(before)
        .bind(rows::joined(kinds))
        .bind(i64::from(limit));
        let rows = self.fetch_all(list).await?;
        rows.iter()
            .map(|row| Ok((rows::tender(row)?, row.timestamp("accepted_ms")?)))
            .collect()
    }

    async fn lease_take(
        &mut self,
        name: &str,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, Error> {
        let take = query(
            "lease_take",
            "INSERT INTO leases (name, owner, until_ms) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms
             WHERE leases.owner = excluded.owner OR leases.until_ms <= $4",
        )
        .bind(name)
        .bind(owner)
        .bind_timestamp(until)
        .bind_timestamp(now);
        Ok(self.execute(take).await? > 0)
    }

    async fn lease_keep(
        &mut self,
        name: &str,
        owner: &str,
        until: Timestamp,
    ) -> Result<bool, Error> {
        let keep = query(
            "lease_keep",
            "UPDATE leases SET until_ms = $1 WHERE name = $2 AND owner = $3",
        )
        .bind_timestamp(until)
        .bind(name)
        .bind(owner);
        Ok(self.execute(keep).await? > 0)
    }

    async fn lease_release(&mut self, name: &str, owner: &str) -> Result<(), Error> {
        let release = query(
            "lease_release",
            "DELETE FROM leases WHERE name = $1 AND owner = $2",
        );
        self.execute(release.bind(name).bind(owner)).await.map(drop)
    }

    async fn matching_turn(&mut self, retailer: &str) -> Result<(), Error> {
        let take = query(
            "matching_turn",
            "INSERT INTO matching_turns (retailer, turns) VALUES ($1, 1)
             ON CONFLICT (retailer) DO UPDATE SET turns = matching_turns.turns + 1",
        );
        self.execute(take.bind(retailer)).await.map(drop)
    }

    async fn statement_insert(&mut self, row: &StatementRow) -> Result<(), Error> {
        let rows_changed = self.execute(rows::statement_insert(row)).await?;
        inserted(rows_changed, "statement", &row.id)
    }

    async fn statement_get(&mut self, id: &str) -> Result<Option<StatementRow>, Error> {
        let sql = self.locking("SELECT * FROM statements WHERE id = $1", Lock::Wait);
        self.fetch_optional_as(query("statement_get", sql).bind(id), rows::statement_row)
            .await
    }

    async fn statement_of_payout(
        &mut self,
        retailer: &str,
        header: &StatementHeader,
    ) -> Result<Option<StatementRow>, Error> {
        let get = query(
            "statement_of_payout",
            "SELECT * FROM statements
             WHERE retailer = $1 AND provider = $2 AND account = $3 AND reference = $4",
        )
        .bind(retailer)
        .bind(&*header.provider)
        .bind(&*header.account)
        .bind(&*header.reference);
        self.fetch_optional_as(get, rows::statement_row).await
    }

    async fn statement_advance(
        &mut self,
        id: &str,
        state: StatementState,
        matched_to: u64,
    ) -> Result<(), Error> {
        let set = query(
            "statement_advance",
            "UPDATE statements SET state = $1, matched_to = $2 WHERE id = $3",
        )
        .bind_enum(state)
        .bind(rows::count(matched_to))
        .bind(id);
        self.execute(set).await.map(drop)
    }

    async fn statements_unfinished(&mut self) -> Result<Vec<StatementRow>, Error> {
        let list = query(
            "statements_unfinished",
            "SELECT * FROM statements WHERE state <> 'matched' ORDER BY id",
        );
        self.fetch_all_as(list, rows::statement_row).await
    }

    async fn statement_list(
        &mut self,
        retailer: Option<&str>,
        after: Option<(&str, &str)>,
        limit: u32,
    ) -> Result<Vec<StatementRow>, Error> {
        // "~" sorts after every date.
        let (day, id) = after.unwrap_or(("~", ""));
        let list = match retailer {
            Some(retailer) => query(
                "statement_list",
                "SELECT * FROM statements
                 WHERE retailer = $1 AND (paid_on, id) < ($2, $3) AND state <> 'importing'
                 ORDER BY paid_on DESC, id DESC LIMIT $4",
            )
            .bind(retailer),
            None => query(
                "statement_list",
                "SELECT * FROM statements
                 WHERE (paid_on, id) < ($1, $2) AND state <> 'importing'
                 ORDER BY paid_on DESC, id DESC LIMIT $3",
            ),
        };
        let list = list.bind(day).bind(id).bind(i64::from(limit));
        self.fetch_all_as(list, rows::statement_row).await
    }

    async fn statement_lines_remove(&mut self, id: &str, limit: u32) -> Result<u64, Error> {
        let remove = query(
            "statement_lines_remove",
            "DELETE FROM statement_lines WHERE statement_id = $1 AND number IN
                 (SELECT number FROM statement_lines WHERE statement_id = $1 LIMIT $2)",
        );
        self.execute(remove.bind(id).bind(i64::from(limit))).await
    }

    async fn statement_remove(&mut self, id: &str) -> Result<(), Error> {
        let remove = query("statement_remove", "DELETE FROM statements WHERE id = $1");
        self.execute(remove.bind(id)).await.map(drop)
    }

    async fn statement_lines_insert(&mut self, lines: &[LineRow]) -> Result<(), Error> {
        for line in lines {
            self.execute(rows::line_insert(line)).await?;
        }
        Ok(())
    }

    async fn statement_line_get(
        &mut self,
        id: &str,
        number: u64,
    ) -> Result<Option<LineRow>, Error> {
        let get = query(
            "statement_line_get",
            "SELECT * FROM statement_lines WHERE statement_id = $1 AND number = $2",
        );
        self.fetch_optional_as(get.bind(id).bind(rows::count(number)), rows::line)
            .await
    }

    async fn statement_lines(
        &mut self,
        id: &str,
        outcome: Option<MatchOutcome>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<LineRow>, Error> {
        let list = match outcome {
            None => query(
                "statement_lines",
                "SELECT * FROM statement_lines WHERE statement_id = $1 AND number > $2
                 ORDER BY number LIMIT $3",
            )
            .bind(id),
            Some(outcome) => query(
                "statement_lines",
                "SELECT * FROM statement_lines
                 WHERE statement_id = $1 AND outcome = $2 AND number > $3
                 ORDER BY number LIMIT $4",
            )
            .bind(id)
            .bind_enum(outcome),
        };
        self.lines(list.bind(rows::count(after)).bind(i64::from(limit)))
            .await
    }

    async fn statement_lines_waiting(
        &mut self,
        tender: &RecordedTender,
        limit: u32,
    ) -> Result<Vec<LineRow>, Error> {
        let references = [
            (&tender.psp_reference, waiting_by!("psp_reference")),
            (
                &tender.modification_reference,
                waiting_by!("modification_reference"),
            ),
            (
                &tender.merchant_reference,
                waiting_by!("merchant_reference"),
            ),
        ];
        let mut lines: Vec<LineRow> = Vec::new();
        for (reference, sql) in references
            .into_iter()
            .filter(|(reference, _)| !reference.is_empty())
        {
            let list = query("statement_lines_waiting", sql)
                .bind(&*tender.retailer)
                .bind(&**reference)
                .bind(i64::from(limit));
            for line in self.lines(list).await? {
                if lines.iter().all(|other| other.id() != line.id()) {
                    lines.push(line);
                }
            }
        }
        lines.sort_by(|a, b| (&a.statement, a.number).cmp(&(&b.statement, b.number)));
        Ok(lines)
    }

    async fn statement_line_match(
        &mut self,
        id: &str,
        number: u64,
        matched: &Matched,
    ) -> Result<(), Error> {
        self.execute(rows::line_match(id, number, matched))
            .await
            .map(drop)
    }

    async fn statement_sums(&mut self, id: &str) -> Result<Vec<OutcomeSum>, Error> {
        let sums = query(
            "statement_sums",
            "SELECT outcome, COUNT(*) AS lines, CAST(SUM(converted) AS BIGINT) AS converted,
                 CAST(SUM(fee) AS BIGINT) AS fee, CAST(SUM(net) AS BIGINT) AS net
             FROM statement_lines WHERE statement_id = $1 GROUP BY outcome",
        );
        self.fetch_all_as(sums.bind(id), rows::sum).await
    }

    async fn hand_insert(&mut self, hand: &HandRow) -> Result<(), Error> {
        let insert = query(
            "hand_insert",
            "INSERT INTO manual_settlements (line_id, at_ms, actor, undo, reason, before, after)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&*hand.line)
        .bind_timestamp(hand.at)
        .bind(&*hand.actor)
        .bind_bool(hand.undo)
        .bind(&*hand.reason)
        .bind_json(&hand.before)
        .bind_json(&hand.after);
        self.execute(insert).await.map(drop)
    }

    async fn hands_of_line(&mut self, line: &str) -> Result<Vec<HandRow>, Error> {
        let list = query(
            "hands_of_line",
            "SELECT * FROM manual_settlements WHERE line_id = $1 ORDER BY serial",
        );
        self.fetch_all_as(list.bind(line), rows::hand).await
    }

    async fn settlement_choose(&mut self, run: &RunRow, late: bool) -> Result<(), Error> {
        let choose = query(
            "settlement_choose",
            "INSERT INTO settlements (run_id, paid_on, statement_id)
             SELECT $1, s.paid_on, s.id FROM statements s
             WHERE s.retailer = $2 AND s.paid_on <= $3 AND s.state = 'matched'
               AND (s.paid_on >= $4 OR $5 = 1
                 AND EXISTS (SELECT 1 FROM runs r
                   WHERE r.retailer = $2 AND r.subscriber = $6 AND r.point = $7
                     AND r.store_id = $8 AND r.last_date >= s.paid_on
                     AND r.first_date <= s.paid_on AND r.state = 'ended')
                 AND NOT EXISTS (SELECT 1 FROM settlements t JOIN runs r ON r.id = t.run_id
                   WHERE t.statement_id = s.id AND r.retailer = $2 AND r.subscriber = $6
                     AND r.point = $7 AND r.store_id = $8))",
        )
        .bind(&*run.id)
        .bind(&*run.retailer)
        .bind(&*run.last)
        .bind(&*run.first)
        .bind(i64::from(late))
        .bind(&*run.subscriber)
        .bind_enum(run.point)
        .bind(&*run.store_id);
        self.execute(choose).await.map(drop)
    }

    async fn settlement_statements(
        &mut self,
        run: &str,
        after: (&str, &str),
        limit: u32,
    ) -> Result<Vec<StatementRow>, Error> {
        let list = query(
            "settlement_statements",
            "SELECT s.* FROM settlements t JOIN statements s ON s.id = t.statement_id
             WHERE t.run_id = $1 AND (t.paid_on, t.statement_id) > ($2, $3)
             ORDER BY t.paid_on, t.statement_id LIMIT $4",
        )
        .bind(run)
        .bind(after.0)
        .bind(after.1)
        .bind(i64::from(limit));
        self.fetch_all_as(list, rows::statement_row).await
    }

    async fn settlement_lines(
        &mut self,
        id: &str,
        store_id: Option<&str>,
        after: &SettlementKey,
        limit: u32,
    ) -> Result<Vec<LineRow>, Error> {
        let list = query(
            "settlement_lines",
            "SELECT * FROM statement_lines
             WHERE statement_id = $1 AND (store, business_date, number) > ($2, $3, $4)
               AND ($5 = '' OR store_id = $5)
             ORDER BY store, business_date, number LIMIT $6",
        )
        .bind(id)
        .bind(&*after.store)
        .bind(&*after.business_date)
        .bind(rows::count(after.number))
        .bind(store_id.unwrap_or_default())
        .bind(i64::from(limit));
        self.lines(list).await
    }
}

impl Transaction<'_> {
    async fn lines(&mut self, list: Query<'_>) -> Result<Vec<LineRow>, Error> {
        self.fetch_all_as(list, rows::line).await
    }
}

impl SqlEnum for StatementState {
    const ALL: &'static [Self] = &[Self::Importing, Self::Matching, Self::Matched];

    fn as_sql(self) -> &'static str {
        match self {
            Self::Importing => "importing",
            Self::Matching => "matching",
            Self::Matched => "matched",
        }
    }
}

impl SqlEnum for MatchOutcome {
    const ALL: &'static [Self] = &Self::ALL;

    fn as_sql(self) -> &'static str {
        self.word()
    }
}
