//! Lines of settlement statements, their matching results, and manual settlements.
//!
//! Search keys are columns. The original line is JSON.

use crate::query::{Query, Row, SqlEnum, query};
use crate::statement_rows as rows;
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_domain::matching::ReferenceKind;
use galleria_domain::{Allocation, MatchOutcome, Money};
use galleria_ports::Error;
use galleria_ports::records::{
    LineMatch, LineRow, ManualSettlementRow, OutcomeSum, StatementLines,
};
use std::collections::HashMap;

/// Finds the parts that lines with a reference pay.
macro_rules! parts_by_reference {
    ($column:literal) => {
        concat!(
            "SELECT a.* FROM allocations a JOIN statement_lines l
                 ON l.statement_id = a.statement_id AND l.number = a.number
             WHERE l.retailer = $1 AND l.",
            $column,
            " = $2 AND l.",
            $column,
            " <> ''"
        )
    };
}

/// Finds visible lines by one of three references, with the provider of their statement. The query repeats
/// the condition of the partial index, because the database does not know that the bound reference is not empty.
macro_rules! by_reference {
    ($column:literal) => {
        concat!(
            "SELECT l.*, s.provider FROM statement_lines l JOIN statements s ON s.id = l.statement_id
             WHERE l.retailer = $1 AND l.",
            $column,
            " = $2 AND l.",
            $column,
            " <> '' AND s.state <> 'importing' LIMIT $3"
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

    async fn statement_line_replace(&mut self, id: &str, staged: &str) -> Result<(), Error> {
        let release = query(
            "statement_line_replace",
            "UPDATE tenders SET fresh = 1, covered = 0, settled = (
                 SELECT CAST(COALESCE(SUM(a.amount), 0) AS BIGINT) FROM allocations a
                 WHERE a.tender_id = tenders.id AND a.statement_id <> $1)
             WHERE id IN (SELECT tender_id FROM allocations WHERE statement_id = $1)",
        );
        self.execute_later(release.bind(id)).await?;
        let remove = query(
            "statement_line_replace",
            "DELETE FROM statement_lines WHERE statement_id = $1",
        );
        self.execute_later(remove.bind(id)).await?;
        let take = query(
            "statement_line_replace",
            "UPDATE statement_lines SET statement_id = $1 WHERE statement_id = $2",
        );
        self.execute_later(take.bind(id).bind(staged)).await
    }

    async fn statement_line_list_manual(&mut self, id: &str) -> Result<Vec<LineRow>, Error> {
        let list = query(
            "statement_line_list_manual",
            "SELECT * FROM statement_lines WHERE statement_id = $1 AND rule = 'hand'
             ORDER BY number",
        );
        let mut lines = self.fetch_lines(list.bind(id)).await?;
        self.read_parts(&mut lines).await?;
        Ok(lines)
    }

    async fn statement_line_insert_many(&mut self, lines: &[LineRow]) -> Result<(), Error> {
        for line in lines {
            self.execute_later(rows::line_insert(line)).await?;
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
        let get = get.bind(id).bind(rows::count(number));
        let Some(mut line) = self.fetch_optional_as(get, rows::line).await? else {
            return Ok(None);
        };
        line.matched.parts = self.parts(&line).await?;
        Ok(Some(line))
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
        let list = list.bind(rows::count(after)).bind(i64::from(limit));
        let mut lines = self.fetch_lines(list).await?;
        self.read_parts(&mut lines).await?;
        Ok(lines)
    }

    async fn statement_line_list_by_reference(
        &mut self,
        retailer: &str,
        kind: ReferenceKind,
        reference: &str,
        limit: u32,
    ) -> Result<Vec<(LineRow, String)>, Error> {
        let (sql, parts) = match kind {
            ReferenceKind::Psp => (
                by_reference!("psp_reference"),
                parts_by_reference!("psp_reference"),
            ),
            ReferenceKind::Modification => (
                by_reference!("modification_reference"),
                parts_by_reference!("modification_reference"),
            ),
            ReferenceKind::Merchant => (
                by_reference!("merchant_reference"),
                parts_by_reference!("merchant_reference"),
            ),
        };
        let list = query("statement_line_list_by_reference", sql)
            .bind(retailer)
            .bind(reference)
            .bind(i64::from(limit));
        let mut lines = self
            .fetch_all_as(list, |row| Ok((rows::line(row)?, row.text("provider")?)))
            .await?;
        if lines.len() < usize::try_from(limit).unwrap_or(usize::MAX) {
            let parts = query("statement_line_list_by_reference", parts);
            self.read_parts_of(&mut lines, parts.bind(retailer).bind(reference))
                .await?;
            return Ok(lines);
        }
        for (line, _) in &mut lines {
            if line.matched.rule == Some(kind.rule()) {
                line.matched.parts = self.parts(line).await?;
            }
        }
        Ok(lines)
    }

    async fn statement_line_match(
        &mut self,
        id: &str,
        number: u64,
        matched: &LineMatch,
    ) -> Result<(), Error> {
        let remove = query(
            "statement_line_match",
            "DELETE FROM allocations WHERE statement_id = $1 AND number = $2",
        );
        self.execute_later(remove.bind(id).bind(rows::count(number)))
            .await?;
        for part in &matched.parts {
            let insert = query(
                "statement_line_match",
                "INSERT INTO allocations (statement_id, number, tender_id, amount)
                 VALUES ($1, $2, $3, $4)",
            );
            let insert = insert.bind(id).bind(rows::count(number));
            self.execute_later(insert.bind(&*part.tender).bind(part.amount))
                .await?;
        }
        self.execute_later(rows::line_match(id, number, matched))
            .await
    }

    async fn tender_payments(
        &mut self,
        tender: &str,
        limit: u32,
    ) -> Result<Vec<(String, Money)>, Error> {
        let list = query(
            "tender_payments",
            "SELECT statement_id, number, amount FROM allocations WHERE tender_id = $1
             ORDER BY statement_id, number LIMIT $2",
        );
        let rows = self.fetch_all(list.bind(tender).bind(i64::from(limit)));
        let rows = rows.await?;
        let payment = |row: &Row| {
            let line = format!("{}.{}", row.text("statement_id")?, row.int("number")?);
            Ok((line, row.int("amount")?))
        };
        rows.iter().map(payment).collect()
    }

    async fn statement_counts(
        &mut self,
        id: &str,
    ) -> Result<Vec<(Option<MatchOutcome>, u64)>, Error> {
        let counts = query(
            "statement_counts",
            "SELECT outcome, COUNT(*) AS lines FROM statement_lines WHERE statement_id = $1
             GROUP BY outcome",
        );
        let count = |row: &Row| Ok((rows::outcome(row)?, row.int_as("lines")?));
        self.fetch_all_as(counts.bind(id), count).await
    }

    async fn statement_sums(&mut self, id: &str) -> Result<Vec<OutcomeSum>, Error> {
        let sums = query(
            "statement_sums",
            "SELECT outcome, COUNT(*) AS lines, CAST(SUM(converted) AS BIGINT) AS converted,
                 CAST(SUM(fee) AS BIGINT) AS fee, CAST(SUM(net) AS BIGINT) AS net,
                 CAST(SUM(CASE WHEN kind = 'fee' THEN converted ELSE 0 END) AS BIGINT) AS fee_lines
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
        self.execute_later(insert).await
    }

    async fn manual_settlement_move(&mut self, from: &str, to: &str) -> Result<(), Error> {
        let set = query(
            "manual_settlement_move",
            "UPDATE manual_settlements SET line_id = $1 WHERE line_id = $2",
        );
        self.execute_later(set.bind(to).bind(from)).await
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
    /// Adds the parts that a query finds to their lines.
    async fn read_parts_of(
        &mut self,
        lines: &mut [(LineRow, String)],
        parts: Query<'_>,
    ) -> Result<(), Error> {
        let mut found: HashMap<(String, u64), Vec<Allocation>> = HashMap::new();
        for row in self.fetch_all(parts).await? {
            let line = (row.text("statement_id")?, row.int_as("number")?);
            found.entry(line).or_default().push(Allocation {
                tender: row.text("tender_id")?,
                amount: row.int("amount")?,
            });
        }
        for (line, _) in lines {
            let key = (line.statement.clone(), line.number);
            line.matched.parts = found.remove(&key).unwrap_or_default();
        }
        Ok(())
    }

    /// The parts of tenders that a line pays.
    async fn parts(&mut self, line: &LineRow) -> Result<Vec<Allocation>, Error> {
        let mut lines = [line.clone()];
        self.read_parts(&mut lines).await?;
        let [line] = lines;
        Ok(line.matched.parts)
    }

    /// Adds the parts of tenders that the lines of a statement pay. The lines are in the order of their numbers.
    async fn read_parts(&mut self, lines: &mut [LineRow]) -> Result<(), Error> {
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
            return Ok(());
        };
        let list = query(
            "statement_line_list",
            "SELECT number, tender_id, amount FROM allocations
             WHERE statement_id = $1 AND number BETWEEN $2 AND $3 ORDER BY number, tender_id",
        )
        .bind(first.statement.clone())
        .bind(rows::count(first.number))
        .bind(rows::count(last.number));
        for row in self.fetch_all(list).await? {
            let number: u64 = row.int_as("number")?;
            if let Ok(index) = lines.binary_search_by_key(&number, |line| line.number) {
                lines[index].matched.parts.push(Allocation {
                    tender: row.text("tender_id")?,
                    amount: row.int("amount")?,
                });
            }
        }
        Ok(())
    }

    /// Reads the lines of a query, without the parts of tenders that they pay.
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
