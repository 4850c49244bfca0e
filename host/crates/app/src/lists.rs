//! Pages of lists: finds the scopes that a caller may read, and merges their rows.
//!
//! Each scope has an index, so rows out of reach are never read. The cursor of a page is its last
//! row, which keeps its place when rows are added.

use crate::access::{Subject, may_reach};
use galleria_domain::Store;
use galleria_ports::Error;
use galleria_ports::access::{Caller, Reach};
use galleria_ports::records::{ListCursor, ListFilter, ListKind, ListScope, StatusFilter, Tx};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};

/// The query for a page of a list. An absent filter matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Of this store.
    pub store: Option<String>,
    /// Of the stores of this retailer.
    pub retailer: Option<String>,
    /// Only records of this order.
    pub order: Option<String>,
    /// At this time or later.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// The `next` of the previous page.
    pub after: Option<String>,
    /// The size of the page.
    pub limit: u32,
}

/// The ids of a page in the order of the list, and the cursor of the next page.
pub(crate) struct Page {
    pub ids: Vec<String>,
    pub next: Option<String>,
}

impl ListQuery {
    /// The filter of this query, limited to a status.
    pub(crate) fn filter(&self, standing: Option<StatusFilter>) -> Result<ListFilter, Error> {
        if self
            .from
            .zip(self.until)
            .is_some_and(|(from, until)| from > until)
        {
            return Err(Error::invalid("until", "must not be before `from`"));
        }
        Ok(ListFilter {
            from: self.from,
            until: self.until,
            after: self.after.as_deref().map(key_of).transpose()?,
            standing,
            directory: None,
        })
    }
}

/// Finds the page of a list.
pub(crate) async fn page(
    tx: &mut dyn Tx,
    caller: &Caller,
    listing: ListKind,
    query: &ListQuery,
    filter: &ListFilter,
) -> Result<Page, Error> {
    let places = places(tx, &caller.reach, query).await?;
    merged(tx, listing, &places, filter, query.limit).await
}

/// The scopes of a query that the caller may read. Returns an error if a named store or retailer is
/// out of reach.
pub(crate) async fn places(
    tx: &mut dyn Tx,
    reach: &Reach,
    query: &ListQuery,
) -> Result<Vec<ListScope>, Error> {
    if let Some(id) = &query.store {
        within(tx, reach, Subject::Store(id.clone())).await?;
    }
    let mut single = Vec::new();
    if let (Some(name), Reach::Some { retailers, stores }) = (&query.retailer, reach)
        && !retailers.contains(name)
    {
        for id in stores {
            let store = tx.store_get(id).await?;
            if store.is_some_and(|store| store.retailer == *name) {
                single.push(ListScope::Store(id.clone()));
            }
        }
        if single.is_empty() {
            return Err(not_found("retailer", name));
        }
    }
    if let Some(id) = &query.order {
        within(tx, reach, Subject::Order(id.clone())).await?;
        let fits = fits(tx, query, id).await?;
        return Ok(fits
            .then(|| ListScope::Order(id.clone()))
            .into_iter()
            .collect());
    }
    if let Some(id) = &query.store {
        let store = tx.store_get(id).await?;
        let fits = store.is_some_and(|store| is_of(&store, query.retailer.as_deref()));
        return Ok(fits
            .then(|| ListScope::Store(id.clone()))
            .into_iter()
            .collect());
    }
    Ok(match (&query.retailer, reach) {
        (Some(_), Reach::Some { .. }) if !single.is_empty() => single,
        (Some(name), _) => vec![ListScope::Retailer(name.clone())],
        (None, Reach::Everything) => vec![ListScope::All],
        (None, Reach::Some { retailers, stores }) => {
            let whole = retailers.iter().cloned().map(ListScope::Retailer);
            whole
                .chain(stores.iter().cloned().map(ListScope::Store))
                .collect()
        }
    })
}

/// Whether an order belongs to the store and the retailer of the query.
async fn fits(tx: &mut dyn Tx, query: &ListQuery, order_id: &str) -> Result<bool, Error> {
    let Some(order) = tx.order_get(order_id).await? else {
        return Ok(false);
    };
    let Some(store) = tx.store_get(&order.store_id).await? else {
        return Ok(false);
    };
    let matches_store = query.store.as_ref().is_none_or(|id| *id == store.id);
    Ok(matches_store && is_of(&store, query.retailer.as_deref()))
}

fn is_of(store: &Store, retailer: Option<&str>) -> bool {
    retailer.is_none_or(|name| store.retailer == name)
}

async fn within(tx: &mut dyn Tx, reach: &Reach, subject: Subject) -> Result<(), Error> {
    match may_reach(tx, reach, &subject).await? {
        true => Ok(()),
        false => Err(subject.missing()),
    }
}

/// The newest rows of all scopes, without duplicates.
pub(crate) async fn merged(
    tx: &mut dyn Tx,
    listing: ListKind,
    places: &[ListScope],
    filter: &ListFilter,
    limit: u32,
) -> Result<Page, Error> {
    let mut keys = Vec::new();
    for place in places {
        // One extra row shows whether there is a next page.
        let mut found = tx.list_cursors(listing, place, filter, limit + 1).await?;
        keys.append(&mut found);
    }
    Ok(cut(keys, limit))
}

pub(crate) fn cut(mut keys: Vec<ListCursor>, limit: u32) -> Page {
    keys.sort_unstable_by(|one, other| other.cmp(one));
    keys.dedup();
    let more = keys.len() > limit as usize;
    keys.truncate(limit as usize);
    let next = keys.last().filter(|_| more).map(cursor);
    Page {
        ids: keys.into_iter().map(|key| key.id).collect(),
        next,
    }
}

/// Sorts rows in the order of `ids`.
pub(crate) fn in_order<T>(ids: &[String], rows: Vec<T>, id: fn(&T) -> &str) -> Vec<T> {
    let mut found: HashMap<String, T> = rows
        .into_iter()
        .map(|row| (id(&row).to_owned(), row))
        .collect();
    ids.iter().filter_map(|id| found.remove(id)).collect()
}

/// Currencies of stores. Each is queried once.
#[derive(Default)]
pub(crate) struct Currencies(BTreeMap<String, String>);

impl Currencies {
    pub(crate) async fn of(&mut self, tx: &mut dyn Tx, store_id: &str) -> Result<String, Error> {
        if let Some(known) = self.0.get(store_id) {
            return Ok(known.clone());
        }
        let store = tx.store_get(store_id).await?;
        let currency = store.map(|store| store.currency).unwrap_or_default();
        self.0.insert(store_id.to_owned(), currency.clone());
        Ok(currency)
    }
}

pub(crate) fn not_found(what: &'static str, id: &str) -> Error {
    Error::NotFound {
        what,
        id: id.to_owned(),
    }
}

fn cursor(key: &ListCursor) -> String {
    format!("{}.{}", key.at.as_millisecond(), key.id)
}

fn key_of(cursor: &str) -> Result<ListCursor, Error> {
    let read = cursor.split_once('.').and_then(|(ms, id)| {
        let at = Timestamp::from_millisecond(ms.parse().ok()?).ok()?;
        let id = id.to_owned();
        Some(ListCursor { at, id })
    });
    read.ok_or_else(|| Error::invalid("after", "must be the `next` of the previous page"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(ms: i64, id: &str) -> ListCursor {
        ListCursor {
            at: Timestamp::from_millisecond(ms).expect("an instant"),
            id: id.into(),
        }
    }

    #[test]
    fn a_page_has_the_newest_of_all_places_once() {
        let keys = vec![
            key(1, "a"),
            key(3, "b"),
            key(3, "c"),
            key(3, "b"),
            key(2, "d"),
        ];
        let page = cut(keys.clone(), 3);
        assert_eq!(page.ids, ["c", "b", "d"]);
        assert_eq!(page.next.as_deref(), Some("2.d"));
        assert_eq!(cut(keys, 4).next, None);
    }

    #[test]
    fn a_cursor_round_trips_and_other_texts_are_rejected() {
        for one in [
            key(-5, "order.1:2"),
            key(0, ""),
            key(1_795_000_000_000, "ø"),
        ] {
            assert_eq!(key_of(&cursor(&one)).expect("a cursor"), one);
        }
        for bad in [
            "",
            "7",
            "x.y",
            "99999999999999999999.a",
            "9223372036854775807.a",
        ] {
            assert!(key_of(bad).is_err(), "{bad}");
        }
    }
}
