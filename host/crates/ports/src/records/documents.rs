//! Documents to be delivered to a directory.

use crate::Error;
use async_trait::async_trait;
use jiff::Timestamp;

/// The state of a document. Only moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DocumentState {
    /// Its body is in the database.
    Pending,
    /// Its temporary file and the directory entry are on disk.
    Prepared,
    /// It has its final name.
    Delivered,
    /// Another file has its name. An operator must decide.
    Blocked,
}

impl DocumentState {
    /// All variants.
    pub const ALL: &'static [Self] = &[
        Self::Pending,
        Self::Prepared,
        Self::Delivered,
        Self::Blocked,
    ];

    /// The name in rows and responses.
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
    /// The id. The name of the temporary file derives from it.
    pub id: String,
    /// The event or run that wrote it.
    pub event_id: String,
    /// The plugin slot.
    pub subscriber: String,
    /// The retailer.
    pub retailer: String,
    /// The store's id; empty for a run over all stores.
    pub store_id: String,
    /// The order, if any.
    pub order_id: Option<String>,
    /// The name of a directory of the host, such as `poslog`.
    pub directory: String,
    /// The folder in the retailer's folder: the store's id. Empty if the file is in the retailer's folder itself,
    /// because it is about all stores, or because the stores share the directory.
    pub folder: String,
    /// The file name. Unique within retailer, directory and folder.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Size of the body in bytes.
    pub size: i64,
    /// SHA-256 of the body.
    pub digest: String,
    /// Deleted on delivery. `None` from the start if a run streamed the body to the disk.
    pub body: Option<Vec<u8>>,
    /// Its state.
    pub state: DocumentState,
    /// When the decision was applied.
    pub created_at: Timestamp,
}

impl DocumentRow {
    /// The path below its directory.
    pub fn path(&self) -> String {
        document_path(&self.retailer, &self.folder, &self.name)
    }
}

/// The path of a document below its directory.
pub fn document_path(retailer: &str, folder: &str, name: &str) -> String {
    match folder {
        "" => format!("{retailer}/{name}"),
        folder => format!("{retailer}/{folder}/{name}"),
    }
}

/// The size of one lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseLimit {
    /// The maximum number of documents.
    pub documents: u32,
    /// The maximum size of all bodies together. A larger document is leased alone.
    pub bytes: u64,
}

/// Records of documents.
#[async_trait]
pub trait Documents {
    /// Adds documents. Returns `Error::NameTaken` if (retailer, directory, folder, name) of one is taken.
    async fn document_insert_many(&mut self, documents: &[DocumentRow]) -> Result<(), Error>;
    /// The retailers with undelivered documents without a lease of another owner.
    async fn document_waiting_retailers(
        &mut self,
        owner: &str,
        now: Timestamp,
    ) -> Result<Vec<String>, Error>;
    /// Leases undelivered documents of a retailer without another lease to `owner` until `until`, oldest
    /// first and within `limit`. Returns the bodies of pending documents.
    async fn document_lease(
        &mut self,
        retailer: &str,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
        limit: LeaseLimit,
    ) -> Result<Vec<DocumentRow>, Error>;
    /// Advances leased documents. `Delivered` ends the lease and deletes the body. Returns the ids
    /// of the advanced documents, without those whose lease was lost.
    async fn document_advance(
        &mut self,
        ids: &[String],
        owner: &str,
        state: DocumentState,
        now: Timestamp,
    ) -> Result<Vec<String>, Error>;
    /// Documents of an order, oldest first, without bodies.
    async fn document_list_by_order(&mut self, order_id: &str) -> Result<Vec<DocumentRow>, Error>;
    /// Documents of this subscriber from earlier events of an order, oldest first, without bodies.
    async fn document_list_before(
        &mut self,
        order_id: &str,
        subscriber: &str,
        event_id: &str,
    ) -> Result<Vec<DocumentRow>, Error>;
    /// A document by id, without body.
    async fn document_get(&mut self, id: &str) -> Result<Option<DocumentRow>, Error>;
    /// Whether a document in the retailer's folder, or a folder of documents in it, has this name.
    async fn document_has_name(
        &mut self,
        retailer: &str,
        directory: &str,
        name: &str,
    ) -> Result<bool, Error>;
    /// The number of documents in a state.
    async fn document_count(&mut self, state: DocumentState) -> Result<u64, Error>;
}
