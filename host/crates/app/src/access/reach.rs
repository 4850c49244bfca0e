//! Checks whether the subject of a request is in its caller's reach.
//!
//! The check runs before the use case and outside its transaction. This is safe, because the
//! deciding facts never change: the store of an order, the retailer of a store, the scope of a run.

use crate::access::Access;
use galleria_domain::Store;
use galleria_ports::Error;
use galleria_ports::access::{Caller, Reach};
use galleria_ports::in_tx;
use galleria_ports::records::Tx;
use std::sync::Arc;

/// The subject of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A store, by its id.
    Store(String),
    /// An order, by its id.
    Order(String),
    /// A shift, by its id.
    Shift(String),
    /// A payment, by its id.
    Payment(String),
    /// A refund, by its id.
    Refund(String),
    /// A document, by its id. It belongs to its store, or to its retailer if a run over all stores
    /// wrote it.
    Document(String),
    /// A whole retailer.
    Retailer(String),
    /// Data that all stores of a retailer share. It is in reach if one of the stores is.
    Shared(String),
    /// An event, by its id. It belongs to its store or to its run.
    Event(String),
    /// A run, by its id.
    Run(String),
    /// A statement, by its id. It belongs to a retailer.
    Statement(String),
    /// A line of a statement, by its id.
    Line(String),
    /// A dead letter, by its event and its subscriber.
    Letter(String, String),
    /// A parked event, by its id and its subscriber.
    Parked(String, String),
}

impl Subject {
    /// The error of a missing subject. A subject out of reach has the same error.
    pub(crate) fn missing(&self) -> Error {
        let (what, id) = match self {
            Self::Store(id) => ("store", id),
            Self::Order(id) => ("order", id),
            Self::Shift(id) => ("shift", id),
            Self::Payment(id) => ("payment", id),
            Self::Refund(id) => ("refund", id),
            Self::Document(id) => ("document", id),
            Self::Retailer(name) | Self::Shared(name) => ("retailer", name),
            Self::Event(id) => ("event", id),
            Self::Run(id) => ("run", id),
            Self::Statement(id) => ("statement", id),
            Self::Line(id) => ("statement line", id),
            Self::Letter(event, subscriber) => {
                return crate::events::no_letter(event, subscriber);
            }
            Self::Parked(event, subscriber) => {
                return crate::events::not_parked(event, subscriber);
            }
        };
        Error::NotFound {
            what,
            id: id.clone(),
        }
    }
}

/// The owner of a subject.
enum Home {
    Retailer(String),
    Store(String),
    /// No owner.
    None,
}

impl Access {
    /// Returns `NotFound` if the subject is not in the caller's reach, with the same message as for
    /// a missing one. Queries the database only if the reach is limited.
    pub async fn check_reach(&self, caller: &Caller, subject: Subject) -> Result<(), Error> {
        if caller.reach == Reach::Everything {
            return Ok(());
        }
        if let Subject::Store(id) = &subject {
            let store = self.store(id).await?;
            let reached = store.is_some_and(|store| caller.reach.has_store(&store));
            return reached.then_some(()).ok_or_else(|| subject.missing());
        }
        let reach = caller.reach.clone();
        let requested_subject = subject.clone();
        let good = self
            .core
            .records
            .read(in_tx!(|tx, reach, requested_subject| {
                let subject = requested_subject;
                may_reach(tx, &reach, &subject).await
            }));
        match good.await? {
            true => Ok(()),
            false => Err(subject.missing()),
        }
    }

    async fn store(&self, id: &str) -> Result<Option<Arc<Store>>, Error> {
        let key = id.to_owned();
        let read = self
            .core
            .records
            .read_one(in_tx!(|tx, key| tx.store_get(&key).await));
        self.stores.get(&self.core, id, read).await
    }
}

/// Whether a subject is in reach. A missing subject is not.
pub async fn may_reach(tx: &mut dyn Tx, reach: &Reach, subject: &Subject) -> Result<bool, Error> {
    let home = match subject {
        Subject::Retailer(name) => Some(Home::Retailer(name.clone())),
        Subject::Shared(name) => return shares(tx, reach, name).await,
        Subject::Store(id) => Some(Home::Store(id.clone())),
        Subject::Order(id) => tx.order_get(id).await?.map(|row| Home::Store(row.store_id)),
        Subject::Shift(id) => tx.shift_get(id).await?.map(|row| Home::Store(row.store_id)),
        Subject::Payment(id) => {
            let row = tx.payment_list_rows(std::slice::from_ref(id)).await?.pop();
            row.map(|row| Home::Store(row.store_id))
        }
        Subject::Refund(id) => {
            let row = tx.refund_list_rows(std::slice::from_ref(id)).await?.pop();
            row.map(|row| Home::Store(row.store_id))
        }
        Subject::Document(id) => {
            let row = tx.document_get(id).await?;
            row.map(|row| store_or_retailer(row.store_id, row.retailer))
        }
        Subject::Event(id) => match (tx.timeline_store(id).await?, id.strip_prefix("run:")) {
            (Some(store), _) => Some(Home::Store(store)),
            (None, Some(run)) => run_home(tx, run).await?,
            (None, None) => None,
        },
        Subject::Run(id) => run_home(tx, id).await?,
        Subject::Statement(id) => statement(tx, id).await?,
        Subject::Line(id) => match id.rsplit_once('.') {
            Some((id, _)) => statement(tx, id).await?,
            None => None,
        },
        Subject::Letter(event, subscriber) => {
            let letter = tx.dead_letter_get(event, subscriber).await?;
            letter.map(|letter| letter.event.store.map_or(Home::None, Home::Store))
        }
        Subject::Parked(event, subscriber) => {
            let parked = tx.parked_get(event, subscriber).await?;
            parked.map(|parked| parked.event.store.map_or(Home::None, Home::Store))
        }
    };
    Ok(match home {
        Some(Home::Retailer(name)) => reach.has_retailer(&name),
        Some(Home::Store(id)) => tx
            .store_get(&id)
            .await?
            .is_some_and(|store| reach.has_store(&store)),
        Some(Home::None) => *reach == Reach::Everything,
        None => false,
    })
}

/// The owner of a record about one store or a whole retailer.
fn store_or_retailer(store_id: String, retailer: String) -> Home {
    match store_id.is_empty() {
        true => Home::Retailer(retailer),
        false => Home::Store(store_id),
    }
}

async fn run_home(tx: &mut dyn Tx, id: &str) -> Result<Option<Home>, Error> {
    let row = tx.run_get(id).await?;
    Ok(row.map(|row| store_or_retailer(row.store_id, row.retailer)))
}

async fn statement(tx: &mut dyn Tx, id: &str) -> Result<Option<Home>, Error> {
    if let Some(row) = tx.statement_get(id).await? {
        return Ok(Some(Home::Retailer(row.retailer)));
    }
    // A rejected file has the id that its statement will have.
    let row = tx.rejected_statement_get(id).await?;
    Ok(row.map(|row| Home::Retailer(row.retailer)))
}

/// Whether a retailer or one of its stores is in reach.
async fn shares(tx: &mut dyn Tx, reach: &Reach, retailer: &str) -> Result<bool, Error> {
    if reach.has_retailer(retailer) {
        return Ok(true);
    }
    if let Reach::Some { stores, .. } = reach {
        for id in stores {
            let store = tx.store_get(id).await?;
            if store.is_some_and(|store| store.retailer == retailer) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
