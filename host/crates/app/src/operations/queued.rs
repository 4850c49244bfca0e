//! Lists receipts and requests that decisions queued. This version does not send them.
//!
//! Personal data is omitted: the attributes and the text of a receipt, and the body and headers of
//! a request. An operator sees that a record exists, and its owner.

use crate::operations::Operations;
use crate::parts::{Part, no_cursor, parts, together};
use galleria_domain::{Outgoing, Receipt};
use galleria_ports::Error;
use galleria_ports::access::Reach;
use galleria_ports::in_tx;
use galleria_ports::records::{OutgoingRow, QueueCursor, QueueFilter, ReceiptRow};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The limit of receipts or requests of one event; a decision has far fewer.
const OF_ONE_EVENT: u32 = 10_000;

/// The only state, because nothing is sent.
const QUEUED: &str = "queued";

/// The query for receipts or requests. An absent filter matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueuedQuery {
    /// Of this retailer. It must be in reach.
    pub retailer: Option<String>,
    /// Of this store. It must be in reach.
    pub store: Option<String>,
    /// Of this event.
    pub event: Option<String>,
    /// About this order.
    pub order: Option<String>,
}

/// A file attached to a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReceiptFile {
    /// Its name.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Bytes.
    pub size: usize,
}

/// A receipt that a decision queued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReceiptView {
    /// Its id.
    pub id: String,
    /// The event.
    pub event_id: String,
    /// The slot, by its name in `retailer.toml`.
    pub plugin: String,
    /// The store's id.
    pub store: String,
    /// The order, if any.
    pub order: Option<String>,
    /// The template.
    pub template: String,
    /// The customer's language, such as `es-ES`.
    pub locale: String,
    /// The attached file.
    pub file: Option<ReceiptFile>,
    /// `queued`: this version does not send them.
    pub state: String,
    /// Time of the decision, RFC 3339.
    pub queued_at: String,
}

/// A page of the list of receipts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReceiptPage {
    /// Oldest first.
    pub receipts: Vec<ReceiptView>,
    /// The `after` of the next page; null on the last page.
    pub next: Option<String>,
}

/// A request to a target that a decision queued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RequestView {
    /// Its id, which will be its `Idempotency-Key`.
    pub id: String,
    /// The event.
    pub event_id: String,
    /// The slot, by its name in `retailer.toml`.
    pub plugin: String,
    /// The store's id.
    pub store: String,
    /// The order, if any.
    pub order: Option<String>,
    /// The target, by its granted name.
    pub target: String,
    /// HTTP method.
    pub method: String,
    /// Path at the target.
    pub path: String,
    /// Size of the body, bytes.
    pub size: usize,
    /// `queued`: this version does not send them.
    pub state: String,
    /// Time of the decision, RFC 3339.
    pub queued_at: String,
}

/// A page of the list of requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RequestPage {
    /// Oldest first.
    pub requests: Vec<RequestView>,
    /// The `after` of the next page; null on the last page.
    pub next: Option<String>,
}

impl Operations {
    /// Queued receipts in reach. `after` is the `next` of the previous page.
    pub async fn receipts(
        &self,
        query: QueuedQuery,
        reach: &Reach,
        after: Option<&str>,
        limit: u32,
    ) -> Result<ReceiptPage, Error> {
        let (filters, after) = (query.filters(reach), after.map(key_of).transpose()?);
        let rows = self.core.records.read(in_tx!(|tx, filters, after| {
            let mut rows = Vec::new();
            for filter in &filters {
                rows.append(&mut tx.receipt_list(filter, after.as_ref(), limit + 1).await?);
            }
            Ok(rows)
        }));
        let key = |row: &ReceiptRow| QueueCursor {
            created_at: row.created_at,
            id: row.id.clone(),
            subscriber: row.subscriber.clone(),
        };
        let (rows, more) = together(rows.await?, limit, key);
        let next = rows.last().filter(|_| more).map(|row| cursor(&key(row)));
        let receipts = rows.into_iter().map(receipt).collect::<Result<_, _>>()?;
        Ok(ReceiptPage { receipts, next })
    }

    /// Queued requests in reach. `after` is the `next` of the previous page.
    pub async fn requests(
        &self,
        query: QueuedQuery,
        reach: &Reach,
        after: Option<&str>,
        limit: u32,
    ) -> Result<RequestPage, Error> {
        let (filters, after) = (query.filters(reach), after.map(key_of).transpose()?);
        let rows = self.core.records.read(in_tx!(|tx, filters, after| {
            let mut rows = Vec::new();
            for filter in &filters {
                rows.append(&mut tx.outgoing_list(filter, after.as_ref(), limit + 1).await?);
            }
            Ok(rows)
        }));
        let key = |row: &OutgoingRow| QueueCursor {
            created_at: row.created_at,
            id: row.id.clone(),
            subscriber: row.subscriber.clone(),
        };
        let (rows, more) = together(rows.await?, limit, key);
        let next = rows.last().filter(|_| more).map(|row| cursor(&key(row)));
        let requests = rows.into_iter().map(request).collect::<Result<_, _>>()?;
        Ok(RequestPage { requests, next })
    }
}

impl Operations {
    /// A receipt by its id, whose prefix is its event.
    pub async fn receipt(&self, id: &str) -> Result<ReceiptView, Error> {
        let query = QueuedQuery::of_event(id.rsplitn(3, '/').nth(2));
        let page = self.receipts(query, &Reach::Everything, None, OF_ONE_EVENT);
        let mut receipts = page.await?.receipts.into_iter();
        let found = receipts.find(|receipt| receipt.id == id);
        found.ok_or_else(|| Error::NotFound {
            what: "receipt",
            id: id.to_owned(),
        })
    }

    /// A request by its slot and its id, whose prefix is its event. Two slots may use the same id.
    pub async fn request(&self, id: &str, plugin: &str) -> Result<RequestView, Error> {
        let query = QueuedQuery::of_event(id.rsplit_once('/').map(|(event, _)| event));
        let page = self.requests(query, &Reach::Everything, None, OF_ONE_EVENT);
        let mut requests = page.await?.requests.into_iter();
        let found = requests.find(|request| request.id == id && request.plugin == plugin);
        found.ok_or_else(|| Error::NotFound {
            what: "request",
            id: format!("{id} of {plugin}"),
        })
    }
}

impl QueuedQuery {
    /// The query for one event. An id without an event matches nothing.
    fn of_event(event: Option<&str>) -> Self {
        Self {
            event: Some(event.unwrap_or_default().to_owned()),
            ..Self::default()
        }
    }

    fn filters(self, reach: &Reach) -> Vec<QueueFilter> {
        let Self {
            retailer,
            store,
            event,
            order,
        } = self;
        let parts = parts(reach, retailer, store).into_iter();
        parts
            .map(|Part { retailer, store }| QueueFilter {
                retailer,
                store,
                event: event.clone(),
                order: order.clone(),
            })
            .collect()
    }
}

fn receipt(row: ReceiptRow) -> Result<ReceiptView, Error> {
    let Receipt {
        template,
        locale,
        document,
        attributes: _,
    } = decided(&row.receipt, "receipt", &row.id)?;
    Ok(ReceiptView {
        id: row.id,
        event_id: row.event_id,
        plugin: row.subscriber,
        store: row.store_id,
        order: row.order_id,
        template,
        locale,
        file: document.map(|file| ReceiptFile {
            name: file.name,
            media_type: file.media_type,
            size: file.body.len(),
        }),
        state: QUEUED.into(),
        queued_at: row.created_at.to_string(),
    })
}

fn request(row: OutgoingRow) -> Result<RequestView, Error> {
    let Outgoing {
        id: _,
        target,
        method,
        path,
        headers: _,
        body,
    } = decided(&row.request, "request", &row.id)?;
    Ok(RequestView {
        id: row.id,
        event_id: row.event_id,
        plugin: row.subscriber,
        store: row.store_id,
        order: row.order_id,
        target,
        method,
        path,
        size: body.len(),
        state: QUEUED.into(),
        queued_at: row.created_at.to_string(),
    })
}

/// Parses a decided record. The error does not quote the text.
fn decided<T: DeserializeOwned>(text: &str, what: &str, id: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|_| Error::Internal(format!("{what} {id} cannot be read")))
}

/// The cursor after a row. Opaque to callers.
fn cursor(key: &QueueCursor) -> String {
    let created = key.created_at.as_millisecond();
    format!("{created}~{}~{}", key.subscriber, key.id)
}

fn key_of(cursor: &str) -> Result<QueueCursor, Error> {
    let mut parts = cursor.splitn(3, '~');
    let mut read = || {
        let created = parts.next()?.parse().ok()?;
        Some(QueueCursor {
            created_at: Timestamp::from_millisecond(created).ok()?,
            subscriber: parts.next()?.to_owned(),
            id: parts.next()?.to_owned(),
        })
    };
    read().ok_or_else(no_cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_key() {
        let key = QueueCursor {
            created_at: Timestamp::UNIX_EPOCH,
            id: "payment:p~1/0".into(),
            subscriber: "receipts".into(),
        };
        assert_eq!(key_of(&cursor(&key)).expect("a cursor"), key);
        for bad in ["", "1", "1~a", "x~a~b", "9223372036854775807~a~b"] {
            assert!(key_of(bad).is_err(), "{bad}");
        }
    }
}
