//! Documents on their way to a directory.

use crate::Error;
use async_trait::async_trait;
use jiff::Timestamp;

/// How far a document has come. Only forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DocumentState {
    /// Its body is in the database.
    Pending,
    /// Its temporary file and that file's directory entry are on disk.
    Prepared,
    /// It stands under its name.
    Delivered,
    /// Something else stands under its name: an operator must look.
    Blocked,
}

impl DocumentState {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Pending,
        Self::Prepared,
        Self::Delivered,
        Self::Blocked,
    ];

    /// The word in rows and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Prepared => "prepared",
            Self::Delivered => "delivered",
            Self::Blocked => "blocked",
        }
    }
}

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentRow {
    /// Unique; the temporary name derives from it.
    pub id: String,
    /// The event or run that wrote it.
    pub event_id: String,
    /// The slot.
    pub subscriber: String,
    /// The retailer.
    pub retailer: String,
    /// The store's id; empty for a run over all stores.
    pub store_id: String,
    /// The order, where there is one.
    pub order_id: Option<String>,
    /// A directory of the host's, such as `poslog`.
    pub directory: String,
    /// Unique with retailer and directory.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Bytes of the body.
    pub size: i64,
    /// SHA-256 of the body.
    pub digest: String,
    /// Dropped when delivered; none from the start where a run streamed it to the disk.
    pub body: Option<Vec<u8>>,
    /// How far it has come.
    pub state: DocumentState,
    /// When it was decided.
    pub created_at: Timestamp,
}

/// Records of documents.
#[async_trait]
pub trait Documents {
    /// Adds a document; `Error::NameTaken` where (retailer, directory, name) is taken.
    async fn document_insert(&mut self, document: &DocumentRow) -> Result<(), Error>;
    /// Leases up to `limit` documents that are not delivered and not leased by another, oldest
    /// first, to `owner` until `until`; bodies included.
    async fn document_lease(
        &mut self,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<DocumentRow>, Error>;
    /// Moves documents of a lease on; `Delivered` ends the lease and drops the body. Answers the
    /// ids that moved: one whose lease was lost meanwhile is not among them.
    async fn document_advance(
        &mut self,
        ids: &[String],
        owner: &str,
        state: DocumentState,
        now: Timestamp,
    ) -> Result<Vec<String>, Error>;
    /// Documents about an order, oldest first, without bodies.
    async fn documents_of_order(&mut self, order_id: &str) -> Result<Vec<DocumentRow>, Error>;
    /// Documents that earlier events of an order wrote for this subscriber, oldest first, without bodies.
    async fn documents_before(
        &mut self,
        order_id: &str,
        subscriber: &str,
        event_id: &str,
    ) -> Result<Vec<DocumentRow>, Error>;
    /// A document by id, without body.
    async fn document_get(&mut self, id: &str) -> Result<Option<DocumentRow>, Error>;
    /// Documents in a state, and how many of them.
    async fn document_count(&mut self, state: DocumentState) -> Result<u64, Error>;
}
