//! What every list of the trade is asked: where, when, and which part.

use crate::problem::{INVALID, Problem};
use crate::response::ApiResult;
use galleria_app::lookup::ListAsk;
use jiff::Timestamp;
use serde::Deserialize;

/// A page of payments has all their tenders: half a megabyte.
const MOST: u32 = 500;

fn usual() -> u32 {
    100
}

/// A word out of those there are; `all` names them.
pub(crate) fn word<T: Copy>(
    field: &str,
    asked: Option<&str>,
    all: &[T],
    name: fn(T) -> &'static str,
) -> ApiResult<Option<T>> {
    let Some(text) = asked else {
        return Ok(None);
    };
    match all.iter().find(|one| name(**one) == text) {
        Some(one) => Ok(Some(*one)),
        None => {
            let names: Vec<_> = all.iter().map(|one| name(*one)).collect();
            Err(wrong(field, format!("one of {}", names.join(", "))))
        }
    }
}

fn wrong(field: &str, message: String) -> Problem {
    let detail = format!("{field}: {message}");
    Problem::of_field(INVALID, detail, field.into(), message)
}

fn bounded(ask: ListAsk) -> ApiResult<ListAsk> {
    match (1..=MOST).contains(&ask.limit) {
        true => Ok(ask),
        false => Err(wrong("limit", format!("1 to {MOST}"))),
    }
}

/// Query strings of lists: what all have, and what each has beside.
macro_rules! queries {
    ($($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $field:ident),* $(,)? } $order:ident;)*) => {
        $($(#[$doc])*
        #[derive(Deserialize, utoipa::IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub(crate) struct $name {
            $($(#[$about])* pub $field: Option<String>,)*
            /// Of this store, by the host's id.
            store: Option<String>,
            /// Of this retailer.
            retailer: Option<String>,
            /// Not before this moment, RFC 3339; of that by which the list is sorted.
            #[param(value_type = Option<String>, format = DateTime)]
            from: Option<Timestamp>,
            /// Before this moment.
            #[param(value_type = Option<String>, format = DateTime)]
            until: Option<Timestamp>,
            /// The `next` of the page before; from the newest where it is not given.
            after: Option<String>,
            /// At most so many.
            #[serde(default = "usual")]
            #[param(required = false, minimum = 1, maximum = 500, default = 100)]
            limit: u32,
        }

        impl $name {
            /// What it asks of any list.
            pub(crate) fn list_ask(&self) -> ApiResult<ListAsk> {
                bounded(ListAsk {
                    store: self.store.clone(),
                    retailer: self.retailer.clone(),
                    order: queries!(@order self $order),
                    from: self.from,
                    until: self.until,
                    after: self.after.clone(),
                    limit: self.limit,
                })
            }
        })*
    };
    (@order $query:ident no_order) => { None };
    (@order $query:ident of_order) => { $query.order.clone() };
}

queries! {
    /// Orders.
    OrderListQuery {
        /// `open`, `paid` or `voided`.
        status,
    } no_order;
    /// What an order has: payments, refunds, voids, verifications.
    OrderItemsQuery {
        /// Of this order.
        order,
    } of_order;
    /// Shifts.
    ShiftListQuery {
        /// `open` or `closed`.
        status,
    } no_order;
    /// Documents.
    DocumentListQuery {
        /// About this order.
        order,
        /// WriteReply by this event or run.
        event,
        /// In this directory, such as `poslog`.
        directory,
        /// With this file name.
        name,
        /// `pending`, `prepared`, `delivered` or `blocked`.
        state,
    } of_order;
}
