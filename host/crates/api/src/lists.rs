//! Query parameters of lists: filters and paging.

use crate::access::authenticated::Authenticated;
use crate::problem::Problem;
use crate::reply::ApiResult;
use galleria_app::App;
use galleria_app::lists::ListQuery;
use jiff::Timestamp;
use serde::Deserialize;

/// The maximum page size: 500 payments with their tenders are half a megabyte.
pub(crate) const MAX_LIMIT: u32 = 500;

/// The default page size.
pub(crate) fn default_limit() -> u32 {
    100
}

/// Rejects a page size outside of 1 to `max`.
pub(crate) fn check_limit(limit: u32, max: u32) -> ApiResult<u32> {
    match (1..=max).contains(&limit) {
        true => Ok(limit),
        false => {
            let message = format!("must be from 1 to {max}");
            Err(Problem::invalid_field("limit", message))
        }
    }
}

/// Parses an optional parameter that must be the name of one of `all`.
pub(crate) fn one_of<T: Copy>(
    field: &str,
    value: Option<&str>,
    all: &[T],
    name: fn(T) -> &'static str,
) -> ApiResult<Option<T>> {
    let Some(text) = value else {
        return Ok(None);
    };
    match all.iter().find(|one| name(**one) == text) {
        Some(one) => Ok(Some(*one)),
        None => {
            let names: Vec<_> = all.iter().map(|one| name(*one)).collect();
            let message = format!("must be one of {}", names.join(", "));
            Err(Problem::invalid_field(field, message))
        }
    }
}

/// Cuts the row that was read beyond the page. Returns whether it existed, that is, whether there is another
/// page.
pub(crate) fn cut_page<T>(rows: &mut Vec<T>, limit: u32) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    more
}

/// Query parameters of lists: the common ones, and those of each list.
macro_rules! queries {
    ($($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $field:ident),* $(,)? } $order:ident;)*) => {
        $($(#[$doc])*
        #[derive(Deserialize, utoipa::IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub(crate) struct $name {
            $($(#[$about])* pub $field: Option<String>,)*
            /// Only of this store, by the host's id.
            store: Option<String>,
            /// Only of this retailer.
            retailer: Option<String>,
            /// From this instant on, RFC 3339, in terms of the timestamp that the list is sorted by.
            #[param(value_type = Option<String>, format = DateTime)]
            from: Option<Timestamp>,
            /// Before this instant.
            #[param(value_type = Option<String>, format = DateTime)]
            until: Option<Timestamp>,
            /// The `next` of the previous page; the list starts with the newest if it is absent.
            after: Option<String>,
            /// Page size.
            #[serde(default = "default_limit")]
            #[param(required = false, minimum = 1, maximum = 500, default = 100)]
            limit: u32,
        }

        impl $name {
            /// The common parameters. An unknown retailer is an error, not an empty list.
            pub(crate) async fn list_query(
                &self,
                app: &App,
                auth: &Authenticated,
            ) -> ApiResult<ListQuery> {
                check_limit(self.limit, MAX_LIMIT)?;
                auth.check_known(app, self.retailer.as_deref()).await?;
                Ok(ListQuery {
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
    /// Payments, refunds, voids and verifications of orders.
    OrderItemsQuery {
        /// Only of this order.
        order,
    } of_order;
    /// Shifts.
    ShiftListQuery {
        /// `open` or `closed`.
        status,
    } no_order;
    /// Documents.
    DocumentListQuery {
        /// Only documents about this order.
        order,
        /// Only documents that this event or run wrote.
        event,
        /// Only documents in this directory, such as `poslog`.
        directory,
        /// Only documents with this file name.
        name,
        /// `pending`, `prepared`, `delivered` or `blocked`.
        state,
    } of_order;
}
