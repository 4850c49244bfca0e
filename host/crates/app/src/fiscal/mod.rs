//! Fiscal records. Every sale and refund has one from its acceptance, which waits for the mark of a tax authority
//! or its agent.
//!
//! The same mark again changes nothing. A different mark is a conflict: both are stored, and an operator
//! decides. A mark that arrives before its payment or refund waits for it. If it has waited longer than the
//! limit, it is not applied until it is sent again. Only an applied mark becomes an event.

mod views;

pub use views::{FiscalDetail, FiscalMarked, FiscalPage, FiscalView, MarkView, NewMark};

use crate::core::{Core, IdempotencyKey, Reply};
use galleria_domain::event::{identifier, topic};
use galleria_domain::{Entry, JsonText, NewEvent, Problem, Store};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{FiscalFilter, FiscalRow, FiscalState, MarkRow, MarkState, Tx};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;
use views::{mark_view, view};

/// The length of a mark and of a scheme in bytes: the longest known mark is a digest of 64.
const MARK_BYTES: std::ops::RangeInclusive<usize> = 1..=128;

/// The query for fiscal records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FiscalListQuery {
    /// Filters by store, retailer and state.
    pub filter: FiscalFilter,
    /// Only records of this order.
    pub order_id: Option<String>,
    /// The `next` of the previous page.
    pub after: Option<String>,
    /// The size of the page.
    pub limit: u32,
}

/// How long early fiscal marks are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FiscalPolicy {
    /// How long a mark that arrives before its record is kept to be applied.
    pub early_marks: Duration,
}

impl Default for FiscalPolicy {
    fn default() -> Self {
        Self {
            early_marks: Duration::from_secs(72 * 3600),
        }
    }
}

impl FiscalPolicy {
    /// The earliest time of receipt of an early mark that is applied at `now`.
    pub(crate) fn early_from(self, now: Timestamp) -> Timestamp {
        now.checked_sub(self.early_marks).unwrap_or(Timestamp::MIN)
    }
}

/// Accepts fiscal marks and lists fiscal records. Cheap to clone.
#[derive(Clone)]
pub struct Fiscal {
    core: Core,
}

impl Fiscal {
    pub(crate) fn new(core: Core) -> Self {
        Self { core }
    }
}

impl Fiscal {
    /// Accepts a mark. A mark that differs from the record's is stored as a conflict.
    pub async fn accept_mark(
        &self,
        key: IdempotencyKey,
        order_id: &str,
        new: NewMark,
    ) -> Result<Reply, Error> {
        let problems = wrong(order_id, &new);
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        let (now, order) = (self.core.clock.now(), order_id.to_owned());
        let mark = new.mark.clone();
        let reply = self.core.append_once(
            key,
            201,
            in_tx!(|tx, new, order| accept(tx, &order, new, now).await),
        );
        let reply = reply.await?;
        // The mark stays stored; the error reports it, also when the request is repeated.
        let stands: MarkView = serde_json::from_str(&reply.body)
            .map_err(|error| Error::Internal(format!("a saved response: {error}")))?;
        match stands.state == MarkState::Conflict.name() {
            true => Err(Error::Conflict {
                code: "mark_conflict",
                message: format!(
                    "mark {mark} is stored but not applied: the record of order {order_id} has another mark"
                ),
            }),
            false => Ok(reply),
        }
    }

    /// Lists records, the newest first.
    pub async fn list(&self, query: FiscalListQuery) -> Result<FiscalPage, Error> {
        let before: i64 = match &query.after {
            Some(text) => text
                .parse()
                .map_err(|_| Error::invalid("after", "must be the `next` of the previous page"))?,
            None => i64::MAX,
        };
        if let Some(order_id) = query.order_id {
            return self.of_order(order_id, query.filter).await;
        }
        let (filter, limit) = (query.filter, query.limit);
        // One extra row shows whether there is a next page.
        let rows = self.core.records.read(in_tx!(|tx, filter| tx
            .fiscal_list(&filter, before, limit + 1)
            .await));
        let mut rows = rows.await?;
        let page_size = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > page_size;
        rows.truncate(page_size);
        let last = rows.last().filter(|_| more);
        Ok(FiscalPage {
            next: last.map(|(serial, _)| serial.to_string()),
            records: rows.into_iter().map(|(_, row)| view(row)).collect(),
        })
    }

    /// The records of an order, always in one page.
    async fn of_order(&self, order_id: String, filter: FiscalFilter) -> Result<FiscalPage, Error> {
        let rows = self.core.records.read(in_tx!(|tx, order_id| tx
            .fiscal_list_by_order(&order_id)
            .await));
        let FiscalFilter {
            store_id,
            retailer,
            state,
        } = filter;
        let wanted = |row: &FiscalRow| {
            (store_id.is_none() || row.store_id == store_id)
                && (retailer.is_none() || row.retailer == retailer)
                && state.is_none_or(|state| row.state == state)
        };
        let rows = rows.await?.into_iter().filter(wanted);
        Ok(FiscalPage {
            records: rows.map(view).collect(),
            next: None,
        })
    }

    /// Returns the records of an order with their marks.
    pub async fn order_records(&self, order_id: &str) -> Result<FiscalDetail, Error> {
        let id = order_id.to_owned();
        let found = self.core.records.read(in_tx!(|tx, id| Ok((
            tx.fiscal_list_by_order(&id).await?,
            tx.mark_list_by_order(&id).await?,
        ))));
        let (records, marks) = found.await?;
        if records.is_empty() {
            return Err(Error::NotFound {
                what: "fiscal record of order",
                id: order_id.to_owned(),
            });
        }
        let of = |row: FiscalRow| {
            let own = marks.iter().filter(|mark| mark.refund_id == row.refund_id);
            FiscalMarked {
                marks: own.map(mark_view).collect(),
                record: view(row),
            }
        };
        Ok(FiscalDetail {
            order_id: order_id.to_owned(),
            records: records.into_iter().map(of).collect(),
        })
    }
}

fn wrong(order_id: &str, new: &NewMark) -> Vec<Problem> {
    let is_id = galleria_domain::names::is_id;
    let mut problems = Vec::new();
    let ids = [
        ("id", Some(order_id)),
        ("refund_id", new.refund_id.as_deref()),
    ];
    for (field, id) in ids {
        if id.is_some_and(|id| !is_id(id)) {
            let message = "must have 1 to 64 characters: letters, digits, '-', '_', '.' and ':'";
            problems.push(Problem::new(field, message));
        }
    }
    for (field, text) in [("scheme", &new.scheme), ("mark", &new.mark)] {
        // An event's id joins the ids of order and mark with ':'.
        let visible = |byte: u8| byte.is_ascii_graphic() && byte != b':';
        if !text.bytes().all(visible) || !MARK_BYTES.contains(&text.len()) {
            let message = "must be 1 to 128 visible ASCII characters except ':'";
            problems.push(Problem::new(field, message));
        }
    }
    problems
}

async fn accept(
    tx: &mut dyn Tx,
    order_id: &str,
    new: NewMark,
    now: Timestamp,
) -> Result<Value, Error> {
    // Lock the order, so that its payment is accepted before this or after it.
    let order = tx.order_get(order_id).await?;
    let refund_id = new.refund_id.unwrap_or_default();
    let record = tx.fiscal_get(order_id, &refund_id).await?;
    let all = tx.mark_list_by_order(order_id).await?;
    let there = all.iter().find(|one| one.mark == new.mark);
    if there.is_some_and(|one| one.refund_id != refund_id) {
        return Err(Error::Conflict {
            code: "mark_conflict",
            message: format!(
                "mark {} of order {order_id} belongs to another entry",
                new.mark
            ),
        });
    }
    // A mark that was early for too long is sent again when its record exists.
    let settled = |mark: &MarkRow| {
        let come = record.as_ref().is_some_and(|row| row.entry_id.is_some());
        mark.state != MarkState::Early || !come
    };
    if let Some(mark) = there.filter(|mark| settled(mark)) {
        return answer(mark);
    }
    let another = |one: &&MarkRow| one.refund_id == refund_id && one.mark != new.mark;
    let another = all.iter().find(another).is_some();
    let state = match &record {
        Some(row) if row.entry_id.is_some() && another => MarkState::Conflict,
        Some(row) if row.entry_id.is_some() => MarkState::Applied,
        _ => MarkState::Early,
    };
    let mark = MarkRow {
        order_id: order_id.to_owned(),
        refund_id: refund_id.clone(),
        mark: new.mark,
        scheme: new.scheme,
        attributes: new.attributes,
        state,
        issued_at: new.issued_at,
        received_at: now,
    };
    match there {
        Some(_) => tx.mark_set_state(order_id, &mark.mark, state).await?,
        None => tx.mark_insert(&mark).await?,
    }
    match record {
        Some(mut row) if state != MarkState::Early => {
            row.state = match state {
                MarkState::Conflict => FiscalState::Conflict,
                _ => FiscalState::Marked,
            };
            row.changed_at = now;
            tx.fiscal_update(&row).await?;
            if state == MarkState::Applied {
                append(tx, &mark, row.store_id, now).await?;
            }
        }
        Some(_) => {}
        None => {
            let store = match &order {
                Some(order) => tx.store_get(&order.store_id).await?,
                None => None,
            };
            let (store_id, retailer) = store.map(|store| (store.id, store.retailer)).unzip();
            tx.fiscal_insert(&FiscalRow {
                order_id: order_id.to_owned(),
                refund_id,
                entry_id: None,
                receipt: None,
                store_id,
                retailer,
                state: FiscalState::Early,
                created_at: now,
                changed_at: now,
            })
            .await?;
        }
    }
    answer(&mark)
}

/// Creates the record of a sale or refund in the transaction that accepts it, and applies an early mark.
/// Training records have no fiscal record, because they are not turnover.
pub(crate) async fn register(
    tx: &mut dyn Tx,
    store: &Store,
    entry: &Entry,
    refund_id: &str,
    now: Timestamp,
    early_from: Timestamp,
) -> Result<(), Error> {
    if entry.training {
        return Ok(());
    }
    let order_id = &entry.order_id;
    let mut row = FiscalRow {
        order_id: order_id.clone(),
        refund_id: refund_id.to_owned(),
        entry_id: Some(entry.id.clone()),
        receipt: Some(entry.receipt.clone()),
        store_id: Some(store.id.clone()),
        retailer: Some(store.retailer.clone()),
        state: FiscalState::Waiting,
        created_at: now,
        changed_at: now,
    };
    if tx.fiscal_insert_new(&row).await? {
        return Ok(());
    }
    let Some(before) = tx.fiscal_get(order_id, refund_id).await? else {
        return Err(Error::Internal(format!(
            "the fiscal record of {order_id} is gone"
        )));
    };
    row.created_at = before.created_at;
    let marks = tx.mark_list_by_order(order_id).await?.into_iter();
    let marks: Vec<MarkRow> = marks.filter(|mark| mark.refund_id == refund_id).collect();
    let first = marks.iter().find(|mark| mark.received_at >= early_from);
    row.state = match (first, marks.len()) {
        (None, _) => FiscalState::Early,
        (Some(_), 1) => FiscalState::Marked,
        (Some(_), _) => FiscalState::Conflict,
    };
    tx.fiscal_update(&row).await?;
    let Some(first) = first else {
        return Ok(());
    };
    for mark in &marks {
        let state = match mark.mark == first.mark {
            true => MarkState::Applied,
            false => MarkState::Conflict,
        };
        tx.mark_set_state(order_id, &mark.mark, state).await?;
    }
    append(tx, first, row.store_id, now).await
}

async fn append(
    tx: &mut dyn Tx,
    mark: &MarkRow,
    store_id: Option<String>,
    now: Timestamp,
) -> Result<(), Error> {
    let refund = (!mark.refund_id.is_empty()).then_some(&mark.refund_id);
    let event = NewEvent {
        id: event_id(mark),
        topic: topic::POST_TRANSACTION_SUCCESS.into(),
        key: Some(mark.order_id.clone()),
        store: store_id,
        data: JsonText::of(&json!({
            "order_id": mark.order_id,
            "consumer_identifier_key": identifier::POST_TRANSACTION_SUCCESS,
            "mark_id": mark.mark,
            "refund_id": refund,
        }))?,
    };
    tx.event_append(&event, now).await.map(drop)
}

fn event_id(mark: &MarkRow) -> String {
    format!("mark:{}:{}", mark.order_id, mark.mark)
}

fn answer(mark: &MarkRow) -> Result<Value, Error> {
    serde_json::to_value(mark_view(mark))
        .map_err(|error| Error::Internal(format!("serialising a response: {error}")))
}
