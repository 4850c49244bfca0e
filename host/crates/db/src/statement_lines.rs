//! Lines of settlement statements, their matching results, and manual settlements.
//!
//! Search keys are columns. The original line is JSON.

use crate::query::{Query, SqlEnum, query};
use crate::statement_rows as rows;
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_domain::{MatchOutcome, RecordedTender};
use galleria_ports::Error;
use galleria_ports::records::{
    LineMatch, LineRow, ManualSettlementRow, OutcomeSum, StatementLines,
};

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
impl StatementLines for Transaction<'_> {
    async fn statement_line_remove(&mut self, id: &str, limit: u32) -> Result<u64, Error> {
        let remove = query(
            "statement_line_remove",
            "DELETE FROM statement_lines WHERE statement_id = $1 AND number IN
                 (SELECT number FROM statement_lines WHERE statement_id = $1 LIMIT $2)",
        );
        self.execute(remove.bind(id).bind(i64::from(limit))).await
    }

    async fn statement_line_insert_many(&mut self, lines: &[LineRow]) -> Result<(), Error> {
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

    async fn statement_line_list(
        &mut self,
        id: &str,
        outcome: Option<MatchOutcome>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<LineRow>, Error> {
        let list = match outcome {
            None => query(
                "statement_line_list",
                "SELECT * FROM statement_lines WHERE statement_id = $1 AND number > $2
                 ORDER BY number LIMIT $3",
            )
            .bind(id),
            Some(outcome) => query(
                "statement_line_list",
                "SELECT * FROM statement_lines
                 WHERE statement_id = $1 AND outcome = $2 AND number > $3
                 ORDER BY number LIMIT $4",
            )
            .bind(id)
            .bind_enum(outcome),
        };
        self.fetch_lines(list.bind(rows::count(after)).bind(i64::from(limit)))
            .await
    }

    async fn statement_line_list_waiting(
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
            let list = query("statement_line_list_waiting", sql)
                .bind(&*tender.retailer)
                .bind(&**reference)
                .bind(i64::from(limit));
            for line in self.fetch_lines(list).await? {
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
        matched: &LineMatch,
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

    async fn manual_settlement_insert(&mut self, hand: &ManualSettlementRow) -> Result<(), Error> {
        let insert = query(
            "manual_settlement_insert",
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

    async fn manual_settlement_list(
        &mut self,
        line: &str,
    ) -> Result<Vec<ManualSettlementRow>, Error> {
        let list = query(
            "manual_settlement_list",
            "SELECT * FROM manual_settlements WHERE line_id = $1 ORDER BY serial",
        );
        self.fetch_all_as(list.bind(line), rows::hand).await
    }
}

impl Transaction<'_> {
    /// Reads the lines of a query.
    pub(crate) async fn fetch_lines(&mut self, list: Query<'_>) -> Result<Vec<LineRow>, Error> {
        self.fetch_all_as(list, rows::line).await
    }
}

impl SqlEnum for MatchOutcome {
    const ALL: &'static [Self] = &Self::ALL;

    fn as_sql(self) -> &'static str {
        self.word()
    }
}
