//! Lists documents and returns their content.
//!
//! The records hold the content until the document is delivered; afterwards only the delivered file
//! holds it. The recipient may remove or overwrite the file. Content is returned only if it has the
//! digest that was decided.

mod traces;

use crate::core::Core;
use crate::lists::{ListQuery, Page, cut, in_order, merged, not_found, places};
use crate::orders::order_exists;
use galleria_domain::digest::Hasher;
use galleria_ports::Error;
use galleria_ports::access::{Caller, Reach};
use galleria_ports::files::DocumentReader;
use galleria_ports::in_tx;
use galleria_ports::records::{
    DocumentRow, DocumentState, ListFilter, ListKind, ListScope, StatusFilter, Tx,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::sync::Arc;

/// A document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DocumentView {
    /// Its id.
    pub id: String,
    /// The event that wrote it.
    pub event_id: String,
    /// The slot, by its name in `retailer.toml`.
    pub plugin: String,
    /// The retailer.
    pub retailer: String,
    /// The store's id; null if a run over all stores wrote it.
    pub store_id: Option<String>,
    /// The order that it is about, if any.
    pub order_id: Option<String>,
    /// The name of the directory.
    pub directory: String,
    /// The folder in the retailer's folder: the store's id; null if the file is in the retailer's folder itself.
    pub folder: Option<String>,
    /// The file name.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Bytes.
    pub size: i64,
    /// SHA-256 digest of the content.
    pub digest: String,
    /// `pending`, `prepared`, `delivered` or `blocked`.
    pub state: String,
    /// Time of the decision, RFC 3339.
    pub created_at: String,
}

/// The query for documents. An absent filter matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentQuery {
    /// Store, retailer, order, period and page.
    pub list: ListQuery,
    /// Of this event or run.
    pub event: Option<String>,
    /// In this directory.
    pub directory: Option<String>,
    /// With this file name.
    pub name: Option<String>,
    /// In this state.
    pub state: Option<DocumentState>,
}

/// A page of the list of documents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DocumentPage {
    /// Newest first.
    pub documents: Vec<DocumentView>,
    /// The `after` of the next page; null on the last page.
    pub next: Option<String>,
}

/// The content of a document.
#[derive(Debug)]
pub struct Content {
    /// The file name.
    pub name: String,
    /// Media type, as the plugin wrote it.
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256.
    pub digest: String,
    /// The bytes.
    pub source: ContentSource,
}

/// The bytes of a document.
#[derive(Debug)]
pub enum ContentSource {
    /// In memory.
    Here(Vec<u8>),
    /// In a file, positioned at its start.
    File(File),
}

fn document(row: DocumentRow) -> DocumentView {
    DocumentView {
        id: row.id,
        event_id: row.event_id,
        plugin: row.subscriber,
        retailer: row.retailer,
        store_id: (!row.store_id.is_empty()).then_some(row.store_id),
        order_id: row.order_id,
        directory: row.directory,
        folder: (!row.folder.is_empty()).then_some(row.folder),
        name: row.name,
        media_type: row.media_type,
        size: row.size,
        digest: row.digest,
        state: row.state.name().into(),
        created_at: row.created_at.to_string(),
    }
}

/// The scope of an event or a file name, which has few documents.
fn few(query: &DocumentQuery) -> Option<ListScope> {
    let event = query.event.clone().map(ListScope::Event);
    event.or_else(|| query.name.clone().map(ListScope::Name))
}

async fn page(tx: &mut dyn Tx, reach: &Reach, query: &DocumentQuery) -> Result<Page, Error> {
    let standing = query.state.map(StatusFilter::Document);
    let filter = ListFilter {
        directory: query.directory.clone(),
        ..query.list.filter(standing)?
    };
    let places = places(tx, reach, &query.list).await?;
    match few(query) {
        Some(place) => of_few(tx, &place, &places, query, &filter).await,
        None => merged(tx, ListKind::Documents, &places, &filter, query.list.limit).await,
    }
}

/// The documents of an event or a name that are in one of the scopes.
async fn of_few(
    tx: &mut dyn Tx,
    place: &ListScope,
    places: &[ListScope],
    query: &DocumentQuery,
    filter: &ListFilter,
) -> Result<Page, Error> {
    let keys = tx.list_cursors(ListKind::Documents, place, filter, u32::MAX);
    let mut keys = keys.await?;
    let ids: Vec<String> = keys.iter().map(|key| key.id.clone()).collect();
    let rows = tx.document_list_rows(&ids).await?;
    let fits: BTreeMap<String, bool> = rows
        .into_iter()
        .map(|row| {
            let named = query.name.as_ref().is_none_or(|name| *name == row.name);
            let placed = places.iter().any(|place| is_in(&row, place));
            (row.id, named && placed)
        })
        .collect();
    keys.retain(|key| fits.get(&key.id).copied().unwrap_or_default());
    Ok(cut(keys, query.list.limit))
}

fn is_in(row: &DocumentRow, place: &ListScope) -> bool {
    match place {
        ListScope::All => true,
        ListScope::Retailer(name) => row.retailer == *name,
        ListScope::Store(id) => row.store_id == *id,
        ListScope::Order(id) => row.order_id.as_ref() == Some(id),
        ListScope::Event(id) => row.event_id == *id,
        ListScope::Name(name) => row.name == *name,
    }
}

fn gone(row: &DocumentRow) -> Error {
    let (directory, path) = (&row.directory, row.path());
    Error::Conflict {
        code: "document_gone",
        message: format!("{directory}/{path} was delivered and is missing or was changed since"),
    }
}

/// The file of a document, if it still has the decided digest.
fn opened(document_reader: &dyn DocumentReader, row: &DocumentRow) -> Result<Option<File>, Error> {
    for mut file in document_reader.find(row)? {
        let same = is_whole(&mut file, row);
        if same.map_err(|error| Error::records(format!("reading {}", row.name), error))? {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

fn is_whole(file: &mut File, row: &DocumentRow) -> io::Result<bool> {
    if i64::try_from(file.metadata()?.len()) != Ok(row.size) {
        return Ok(false);
    }
    let mut digest = Hasher::default();
    let mut chunk = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        digest.update(&chunk[..read]);
    }
    file.rewind()?;
    Ok(digest.finish().as_str() == row.digest)
}

/// Lists documents, returns their content and the traces of their events. Cheap to clone.
#[derive(Clone)]
pub struct Documents {
    core: Core,
    /// Reads delivered documents; only in a process that has their directories.
    reader: Option<Arc<dyn DocumentReader>>,
}

impl Documents {
    pub(crate) fn new(core: Core) -> Self {
        Self { core, reader: None }
    }

    pub(crate) fn with_reader(self, reader: Arc<dyn DocumentReader>) -> Self {
        Self {
            reader: Some(reader),
            ..self
        }
    }

    /// The ports of this service.
    pub fn core(&self) -> &Core {
        &self.core
    }
}

impl Documents {
    /// Documents of an order, oldest first.
    pub async fn list_by_order(&self, id: &str) -> Result<Vec<DocumentView>, Error> {
        let id = id.to_owned();
        self.core
            .records
            .read(in_tx!(|tx, id| {
                order_exists(tx, &id).await?;
                let rows = tx.document_list_by_order(&id).await?;
                Ok(rows.into_iter().map(document).collect())
            }))
            .await
    }

    /// Documents in the caller's reach, the newest first.
    pub async fn list(&self, caller: &Caller, query: DocumentQuery) -> Result<DocumentPage, Error> {
        let reach = caller.reach.clone();
        self.core
            .records
            .read(in_tx!(|tx, reach, query| {
                let page = page(tx, &reach, &query).await?;
                let rows = tx.document_list_rows(&page.ids).await?;
                let rows = in_order(&page.ids, rows, |row| &row.id);
                Ok(DocumentPage {
                    documents: rows.into_iter().map(document).collect(),
                    next: page.next,
                })
            }))
            .await
    }

    /// A document by its id.
    pub async fn document(&self, id: &str) -> Result<DocumentView, Error> {
        self.document_row(id).await.map(document)
    }

    async fn document_row(&self, id: &str) -> Result<DocumentRow, Error> {
        let id = id.to_owned();
        self.core
            .records
            .read(in_tx!(|tx, id| {
                let row = tx.document_get(&id).await?;
                let mut row = row.ok_or_else(|| not_found("document", &id))?;
                row.body = tx.document_body(&id).await?;
                Ok(row)
            }))
            .await
    }

    /// The content of a document, from the records or from its file.
    pub async fn content(&self, id: &str) -> Result<Content, Error> {
        let mut row = self.document_row(id).await?;
        let source = match (row.body.take(), &self.reader) {
            (Some(body), _) => ContentSource::Here(body),
            (None, None) => return Err(gone(&row)),
            (None, Some(document_reader)) => {
                ContentSource::File(taken(Arc::clone(document_reader), row.clone()).await?)
            }
        };
        Ok(Content {
            name: row.name,
            media_type: row.media_type,
            size: u64::try_from(row.size).unwrap_or_default(),
            digest: row.digest,
            source,
        })
    }
}

async fn taken(document_reader: Arc<dyn DocumentReader>, row: DocumentRow) -> Result<File, Error> {
    let read = tokio::task::spawn_blocking(move || match opened(&*document_reader, &row)? {
        Some(file) => Ok(file),
        None => Err(gone(&row)),
    });
    let read = read.await;
    read.map_err(|error| Error::Internal(format!("reading a document: {error}")))?
}
