//! The database as the use cases see it: one transaction at a time, in domain terms.
//!
//! Implemented by `galleria-db`. Contains no SQL. Every method runs in the transaction that
//! `Records::write` or `Records::read` opened, which is applied as a whole or not at all.

mod activities;
mod api_keys;
mod catalogue;
mod catalogue_drafts;
mod dead_letters;
mod documents;
mod effects;
mod fiscal;
mod journal;
mod leases;
mod lists;
mod members;
mod metrics;
mod movements;
mod operations;
mod parked;
mod queues;
mod rejected_statements;
mod reloads;
mod requests;
mod runs;
mod schedules;
mod settlements;
mod statement_lines;
mod statements;
mod tax_comparisons;
mod tax_evaluations;
mod tax_tables;
mod tenders;
mod timelines;
mod trade;

pub use activities::{
    Activities, ActivityCursor, ActivityKind, ActivityPage, ActivityRow, VerificationRow,
};
pub use api_keys::{ApiKeyRow, ApiKeys};
pub use catalogue::{Catalogue, CatalogueEntry, CataloguePage, Price, PriceRow, ProductRow};
pub use catalogue_drafts::{CatalogueDraft, CatalogueDrafts, DraftStart};
pub use dead_letters::{DeadLetter, DeadLetterCursor, DeadLetterFilter, DeadLetters};
pub use documents::{DocumentRow, DocumentState, Documents, LeaseLimit, document_path};
pub use effects::{Claim, Effects, HandlingState, Outbox, Outcome, Publication};
pub use fiscal::{Fiscal, FiscalFilter, FiscalRow, FiscalState, MarkRow, MarkState};
pub use journal::{Journal, JournalRow};
pub use leases::Leases;
pub use lists::{
    ListCursor, ListFilter, ListKind, ListScope, Lists, OrderListRow, PaymentListRow,
    RefundListRow, StatusFilter, Sums, VerificationListRow, VoidListRow,
};
pub use members::Members;
pub use metrics::{Backlog, MetricQueries, StoreMetrics};
pub use movements::{MovementKind, MovementRow, MovementTotals, Movements};
pub use operations::{OperationFilter, OperationRow, Operations};
pub use parked::{ParkedEvent, ParkedEvents, ParkedState};
pub use queues::{ParkedCursor, ParkedFilter, QueueCursor, QueueFilter, Queues};
pub use rejected_statements::{RejectedStatementRow, RejectedStatements};
pub use reloads::{HostRow, LoadRow, ReloadRow, Reloads};
pub use requests::{OutgoingRow, ReceiptRow, Requests, SavedResponse};
pub use runs::{RunEnd, RunFile, RunFilter, RunLease, RunRow, RunState, Runs};
pub use schedules::{PlannedTo, ScheduleMark, Schedules};
pub use settlements::{SettlementCursor, Settlements};
pub use statement_lines::{LineMatch, LineRow, ManualSettlementRow, OutcomeSum, StatementLines};
pub use statements::{StatementRow, StatementState, Statements};
pub use tax_comparisons::{
    ComparisonCount, ComparisonCursor, ComparisonFilter, ComparisonRow, ComparisonTerms,
    ShadowOutcome, TaxComparisons,
};
pub use tax_evaluations::{
    TaxEvaluationCursor, TaxEvaluationFilter, TaxEvaluationRow, TaxEvaluations,
};
pub use tax_tables::{TaxStore, TaxTables};
pub use tenders::{PaidPart, Tenders, UncoveredCursor};
pub use timelines::{ORDER as TIMELINE_ORDER, Subject, TimelineRow, TimelineRows, Timelines};
pub use trade::{
    OrderRow, OrderStatus, PaymentRow, RefundRow, SaleLine, SaleLineCursor, ShiftRow, ShiftSums,
    Trade, VoidRow,
};

use crate::{Error, trace};
use async_trait::async_trait;
use std::sync::{Arc, Mutex};

/// An open transaction.
pub trait Tx:
    Activities
    + ApiKeys
    + Catalogue
    + CatalogueDrafts
    + DeadLetters
    + Documents
    + Effects
    + Fiscal
    + Journal
    + Leases
    + Lists
    + Members
    + MetricQueries
    + Movements
    + Operations
    + Outbox
    + ParkedEvents
    + Queues
    + Reloads
    + Requests
    + Runs
    + Schedules
    + Settlements
    + StatementLines
    + RejectedStatements
    + Statements
    + TaxComparisons
    + TaxEvaluations
    + TaxTables
    + Tenders
    + Timelines
    + Trade
    + Send
{
}

impl<
    T: Activities
        + ApiKeys
        + Catalogue
        + CatalogueDrafts
        + DeadLetters
        + Documents
        + Effects
        + Fiscal
        + Journal
        + Leases
        + Lists
        + Members
        + MetricQueries
        + Movements
        + Operations
        + Outbox
        + ParkedEvents
        + Queues
        + Reloads
        + Requests
        + Runs
        + Schedules
        + Settlements
        + StatementLines
        + RejectedStatements
        + Statements
        + TaxComparisons
        + TaxEvaluations
        + TaxTables
        + Tenders
        + Timelines
        + Trade
        + Send,
> Tx for T
{
}

/// A future that lives as long as the transaction it works in.
pub type InTx<'t, T> = std::pin::Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 't>>;

/// Boxes the future of a transaction's work, so that the compiler can infer its type.
pub fn in_tx<'t, T>(work: impl Future<Output = Result<T, Error>> + Send + 't) -> InTx<'t, T> {
    Box::pin(work)
}

/// Returns a closure for `Records::write` and `read` that clones the named values and boxes the
/// future of its body. The values are cloned because a transaction that the database could not
/// serialise is rolled back and repeated.
///
/// ```
/// use galleria_ports::in_tx;
/// use galleria_ports::records::Records;
///
/// async fn store_zone(records: &dyn Records, id: String) -> Result<Option<String>, galleria_ports::Error> {
///     records
///         .read(in_tx!(|tx, id| Ok(tx.store_get(&id).await?.map(|store| store.zone))))
///         .await
/// }
/// ```
#[macro_export]
macro_rules! in_tx {
    (|$tx:ident $(, $value:ident)* $(,)?| $body:expr) => {
        move |$tx: &mut dyn $crate::records::Tx| {
            $(let $value = ::std::clone::Clone::clone(&$value);)*
            $crate::records::in_tx(async move { $body })
        }
    };
}

/// Work for one transaction. It may run several times: after a conflict the database rolls back and
/// runs it again, so it must have no effects except through `tx`. In the first run, an insert may succeed although its
/// row exists: the database then runs the work again, and the insert fails.
pub type Work = Arc<dyn for<'t> Fn(&'t mut dyn Tx) -> InTx<'t, ()> + Send + Sync>;

/// A database.
#[async_trait]
pub trait Records: Send + Sync {
    /// Runs the work in one transaction and returns after the commit. An error rolls back.
    async fn write_work(&self, work: Work) -> Result<(), Error>;

    /// Runs work of at most one query, which is committed with its query: an error of the work afterwards may not roll
    /// back. A second query is an error.
    async fn write_one_work(&self, work: Work) -> Result<(), Error> {
        self.write_work(work).await
    }

    /// Runs the work on a snapshot and discards its writes.
    async fn read_work(&self, work: Work) -> Result<(), Error>;

    /// Runs work of at most one query, which reads. It needs no transaction. A second query is an error.
    async fn read_one_work(&self, work: Work) -> Result<(), Error> {
        self.read_work(work).await
    }

    /// A number that every commit of any process changes before it is acknowledged. While it is the same, so are the
    /// records. `None` if it is unknown, or not cheaper than a read.
    async fn commit_number(&self) -> Option<i64> {
        None
    }
}

impl dyn Records + '_ {
    /// Runs `work` in one transaction and returns after the commit.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t mut dyn Tx) -> InTx<'t, T> + Send + Sync + 'static,
    {
        let (work, output) = capture_output(work);
        self.write_work(work).await?;
        output.take()
    }

    /// Runs `work` of at most one query, which is committed with its query.
    pub async fn write_one<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t mut dyn Tx) -> InTx<'t, T> + Send + Sync + 'static,
    {
        let (work, output) = capture_output(work);
        self.write_one_work(work).await?;
        output.take()
    }

    /// Runs `work` on a snapshot.
    pub async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t mut dyn Tx) -> InTx<'t, T> + Send + Sync + 'static,
    {
        let (work, output) = capture_output(work);
        self.read_work(work).await?;
        output.take()
    }

    /// Runs `work` of at most one query, which reads.
    pub async fn read_one<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t mut dyn Tx) -> InTx<'t, T> + Send + Sync + 'static,
    {
        let (work, output) = capture_output(work);
        self.read_one_work(work).await?;
        output.take()
    }
}

/// The result of the last run of some work.
struct WorkOutput<T>(Arc<Mutex<Option<T>>>);

impl<T> WorkOutput<T> {
    fn take(self) -> Result<T, Error> {
        let mut slot = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        slot.take()
            .ok_or_else(|| Error::Internal("a transaction ended without a result".into()))
    }
}

fn capture_output<T, F>(work: F) -> (Work, WorkOutput<T>)
where
    T: Send + 'static,
    F: for<'t> Fn(&'t mut dyn Tx) -> InTx<'t, T> + Send + Sync + 'static,
{
    let slot = Arc::new(Mutex::new(None));
    let output = WorkOutput(Arc::clone(&slot));
    let work = Arc::new(work);
    // Another task runs the work, so the work carries its origin.
    let origin = trace::current();
    let erased: Work = Arc::new(move |tx| {
        let work = Arc::clone(&work);
        let slot = Arc::clone(&slot);
        let origin = origin.clone();
        Box::pin(async move {
            let value = trace::within(origin, work(tx)).await?;
            *slot
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(value);
            Ok(())
        })
    });
    (erased, output)
}
