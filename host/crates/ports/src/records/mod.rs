//! What the use cases need of a database: one transaction at a time, in the words of the trade.
//!
//! Fulfilled by `galleria-db`. Nothing here knows SQL. Every method works inside the transaction
//! that [`Records::write`] or [`Records::read`] opened: either all of it stays or nothing.

mod activities;
mod catalogue;
mod desk;
mod documents;
mod effects;
mod figures;
mod fiscal;
mod keys;
mod lists;
mod members;
mod movements;
mod operations;
mod requests;
mod runs;
mod statements;
mod stories;
mod trade;

pub use activities::{
    Activities, ActivityKey, ActivityKind, ActivityPage, ActivityRow, VerificationRow,
};
pub use catalogue::{Begun, Catalogue, Draft, Listed, ListedPage, Price, PriceRow, ProductRow};
pub use desk::{Desk, ParkedFilter, ParkedKey, QueuedFilter, QueuedKey};
pub use documents::{DocumentRow, DocumentState, Documents};
pub use effects::{
    DeadFilter, DeadKey, DeadLetter, Effects, JournalRow, Outbox, Outcome, Parked, ParkedState,
    Publication, StoreFigures, Took,
};
pub use figures::{Figures, Piled};
pub use fiscal::{Fiscal, FiscalFilter, FiscalRow, FiscalState, MarkRow, MarkState};
pub use keys::{KeyRow, Keys};
pub use lists::{
    ListFilter, ListKey, Listing, Lists, OrderListed, PaymentListed, Place, RefundListed, Standing,
    Sums, VerificationListed, VoidListed,
};
pub use members::Members;
pub use movements::{Moved, MovementKind, MovementRow, Movements};
pub use operations::{OperationFilter, OperationRow, Operations};
pub use requests::{Answered, OutgoingRow, ReceiptRow, Requests};
pub use runs::*;
pub use statements::{
    HandRow, LineRow, Matched, OutcomeSum, SettlementKey, StatementRow, StatementState, Statements,
    UncoveredKey,
};
pub use stories::{ORDER as STORY_ORDER, Stories, StoryRow, StoryRows, Subject};
pub use trade::{
    OrderRow, OrderStatus, PaymentRow, RefundRow, SaleLine, SaleLineKey, ShiftRow, ShiftSums,
    Trade, VoidRow,
};

use crate::{Error, trace};
use async_trait::async_trait;
use std::sync::{Arc, Mutex};

/// One open transaction.
pub trait Tx:
    Catalogue
    + Trade
    + Activities
    + Outbox
    + Effects
    + Documents
    + Runs
    + Requests
    + Members
    + Movements
    + Figures
    + Fiscal
    + Operations
    + Statements
    + Stories
    + Keys
    + Lists
    + Desk
    + Send
{
}
impl<
    T: Catalogue
        + Trade
        + Activities
        + Outbox
        + Effects
        + Documents
        + Runs
        + Requests
        + Members
        + Movements
        + Operations
        + Figures
        + Fiscal
        + Statements
        + Stories
        + Keys
        + Lists
        + Desk
        + Send,
> Tx for T
{
}

/// A future that lives as long as the transaction it works in.
pub type InTx<'t, T> = std::pin::Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 't>>;

/// Returns a closure for `Records::write` and `read` that clones the named values and boxes the
/// future of its body. The values are cloned because a transaction that the database could not
/// serialise is rolled back and repeated.
///
/// ```
/// use galleria_ports::in_tx;
/// use galleria_ports::records::Records;
///
/// async fn store_name(records: &dyn Records, id: String) -> Result<Option<String>, galleria_ports::Error> {
///     records
///         .read(in_tx!(|tx, id| Ok(tx.store_get(&id).await?.map(|store| store.name))))
///         .await
/// }
/// ```
#[macro_export]
macro_rules! in_tx {
    (|$tx:ident $(, $value:ident)* $(,)?| $body:expr) => {
        move |$tx: &mut dyn $crate::records::Tx| {
            $(let $value = ::std::clone::Clone::clone(&$value);)*
            ::std::boxed::Box::pin(async move { $body }) as $crate::records::InTx<'_, _>
        }
    };
}

/// Work to be done in one transaction. It may be done more than once: a database that could not
/// serialise it rolls back and asks again, so it must have no effect but through `tx`.
pub type Work = Arc<dyn for<'t> Fn(&'t mut dyn Tx) -> InTx<'t, ()> + Send + Sync>;

/// A database.
#[async_trait]
pub trait Records: Send + Sync {
    /// Does the work in one transaction and returns once it is durable. An error leaves nothing.
    async fn write_work(&self, work: Work) -> Result<(), Error>;

    /// Does the work on a snapshot; what it writes is not kept.
    async fn read_work(&self, work: Work) -> Result<(), Error>;
}

impl dyn Records + '_ {
    /// Does `work` in one transaction, durable when this returns.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t mut dyn Tx) -> InTx<'t, T> + Send + Sync + 'static,
    {
        let (work, answer) = keeping_answer(work);
        self.write_work(work).await?;
        answer.take()
    }

    /// Does `work` on a snapshot.
    pub async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t mut dyn Tx) -> InTx<'t, T> + Send + Sync + 'static,
    {
        let (work, answer) = keeping_answer(work);
        self.read_work(work).await?;
        answer.take()
    }
}

/// Where the last run of some work left its answer.
struct Answer<T>(Arc<Mutex<Option<T>>>);

impl<T> Answer<T> {
    fn take(self) -> Result<T, Error> {
        let mut slot = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        slot.take()
            .ok_or_else(|| Error::Internal("a transaction ended without its answer".into()))
    }
}

fn keeping_answer<T, F>(work: F) -> (Work, Answer<T>)
where
    T: Send + 'static,
    F: for<'t> Fn(&'t mut dyn Tx) -> InTx<'t, T> + Send + Sync + 'static,
{
    let kept = Arc::new(Mutex::new(None));
    let answer = Answer(Arc::clone(&kept));
    let work = Arc::new(work);
    // Whoever does the work is another task: what caused it goes with the work.
    let origin = trace::current();
    let erased: Work = Arc::new(move |tx| {
        let work = Arc::clone(&work);
        let kept = Arc::clone(&kept);
        let origin = origin.clone();
        Box::pin(async move {
            let value = trace::within(origin, work(tx)).await?;
            *kept
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(value);
            Ok(())
        })
    });
    (erased, answer)
}
