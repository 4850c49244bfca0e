//! The feed `settlement`: the matched lines of the statements selected for a run.

use super::queries::Queries;
use super::{PAGE, Progress};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::plugins::{Deadline, Feed, SettlementRow};
use galleria_ports::records::{LineRow, Records, SettlementCursor, StatementRow};
use std::collections::VecDeque;
use std::sync::Arc;

/// Statements read in one query.
const STATEMENTS: u32 = 50;

/// The lines in pages, ordered by statement (its day and id), store, business date and row. The statements are
/// fixed when the run begins, for all its attempts.
///
/// A line that is matched again moves to another store and day. A run over all stores detects that a line was read
/// twice or missed because of this, and is tried again.
pub struct SettlementPages {
    queries: Queries,
    /// The run's id, and the store whose lines are returned, if it has one.
    run: String,
    store: Option<String>,
    /// Statements that are not read completely; the first one is being read.
    waiting: VecDeque<StatementRow>,
    /// The day and id of the last statement in `waiting`.
    reached: (String, String),
    after: SettlementCursor,
    /// The number of lines read of the first statement, and their net.
    read: (u64, i128),
    progress: Progress,
}

impl SettlementPages {
    /// Starts at the first row. Create it on the runtime and read it outside.
    pub fn new(
        records: Arc<dyn Records>,
        run: String,
        store: Option<String>,
        progress: Progress,
    ) -> Self {
        Self {
            queries: Queries::new(records),
            run,
            store,
            waiting: VecDeque::new(),
            reached: Default::default(),
            after: SettlementCursor::default(),
            read: (0, 0),
            progress,
        }
    }

    fn look_up(&mut self, deadline: &dyn Deadline) -> Result<(), Error> {
        let (run, reached) = (self.run.clone(), self.reached.clone());
        let found = self.queries.read(
            deadline,
            in_tx!(|tx, run, reached| {
                let (day, id) = reached;
                tx.settlement_statement_list(&run, (&day, &id), STATEMENTS)
                    .await
            }),
        )?;
        if let Some(last) = found.last() {
            self.reached = (last.header.paid_on.clone(), last.id.clone());
        }
        self.waiting = found.into();
        Ok(())
    }

    /// Checks that every line was read once.
    fn whole(&self, statement: &StatementRow) -> Result<(), Error> {
        if self.store.is_some() || self.read == (statement.lines, statement.net.into()) {
            return Ok(());
        }
        let moved = "lines were matched again while they were read";
        Err(Error::records(
            format!("the settlement of statement {}", statement.id),
            std::io::Error::other(moved),
        ))
    }

    fn page(
        &self,
        statement: &str,
        max: u32,
        deadline: &dyn Deadline,
    ) -> Result<Vec<LineRow>, Error> {
        let (statement, store) = (statement.to_owned(), self.store.clone());
        let after = self.after.clone();
        self.queries.read(
            deadline,
            in_tx!(|tx, statement, store, after| {
                tx.settlement_line_list(&statement, store.as_deref(), &after, max)
                    .await
            }),
        )
    }
}

impl Feed<SettlementRow> for SettlementPages {
    fn next(&mut self, max: u32, deadline: &dyn Deadline) -> Result<Vec<SettlementRow>, Error> {
        loop {
            if self.waiting.is_empty() {
                self.look_up(deadline)?;
            }
            let Some(statement) = self.waiting.front() else {
                return Ok(Vec::new());
            };
            let lines = self.page(&statement.id, max.clamp(1, PAGE), deadline)?;
            let Some(last) = lines.last() else {
                self.whole(statement)?;
                self.waiting.pop_front();
                (self.after, self.read) = (SettlementCursor::default(), (0, 0));
                continue;
            };
            self.read.0 += lines.len() as u64;
            self.read.1 += lines
                .iter()
                .map(|line| i128::from(line.line.net))
                .sum::<i128>();
            self.after = SettlementCursor {
                store: last.matched.store.clone(),
                business_date: last.matched.business_date.clone(),
                number: last.number,
            };
            (self.progress)(lines.len() as u64);
            return Ok(lines.into_iter().map(|line| row(statement, line)).collect());
        }
    }
}

fn row(statement: &StatementRow, row: LineRow) -> SettlementRow {
    let LineRow { line, matched, .. } = row;
    let header = &statement.header;
    SettlementRow {
        outcome: crate::settlement::outcome_word(matched.outcome).to_owned(),
        kind: line.kind.word().to_owned(),
        provider: header.provider.clone(),
        account: header.account.clone(),
        statement: header.reference.clone(),
        paid_on: header.paid_on.clone(),
        store: matched.store,
        business_date: matched.business_date,
        entry: matched.entry_id,
        psp_reference: line.psp_reference,
        merchant_reference: line.merchant_reference,
        booked_at: line.booked_at,
        currency: line.currency,
        gross: line.gross,
        paid_currency: header.currency.clone(),
        converted: line.converted,
        fee: line.fee,
        net: line.net,
        difference: matched.difference,
    }
}
