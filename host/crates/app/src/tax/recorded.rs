//! Recorded baskets of a store: comparisons, recorded evaluations and orders, which any route can evaluate again.

use super::Taxes;
use super::comparisons::{ComparisonSummary, ComparisonView};
use super::evaluations::{EvaluationPage, EvaluationQuery};
use super::replay::{ComparisonReport, RecordedBaskets};
use crate::core::store_of;
use galleria_domain::tax::{
    StoreData, TaxRequest, TaxResponse, TaxRoute, named_code, recorded_evaluation,
};
use galleria_domain::{Digest, Line, Store};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{
    ComparisonCount, ListCursor, ListFilter, ListKind, ListScope, OrderRow, OrderStatus, Tx,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};

/// Records in one page.
const PAGE: u32 = 100;

/// A kind of record. A basket may be recorded in several kinds.
#[derive(Clone, Copy)]
enum Kind {
    Comparison,
    Evaluation,
    Order,
}

/// How often each basket occurred in each kind.
#[derive(Default)]
struct Occurrences(HashMap<Digest, [u32; 3]>);

impl Occurrences {
    /// Whether the basket was not evaluated for an earlier kind: a basket counts as often as in the kind that has it
    /// most often.
    fn is_new(&mut self, kind: Kind, request: &TaxRequest) -> bool {
        let content = (&request.business_date, &request.items, &request.discounts);
        let content = format!("{content:?}");
        let counts = self.0.entry(Digest::of(content.as_bytes())).or_default();
        let kind = kind as usize;
        counts[kind] += 1;
        let earlier = counts[..kind].iter().max();
        earlier.is_none_or(|earlier| counts[kind] > *earlier)
    }
}

/// The lines of an order that a route evaluated.
struct OrderBasket {
    order: String,
    request: TaxRequest,
    route: TaxRoute,
    response: TaxResponse,
}

impl Taxes {
    /// Evaluates the recorded baskets of a store by a route now, and compares with the recorded taxes. Without `since`,
    /// those of the time for which comparisons are kept. Calls `progress` after each basket.
    pub async fn replay_recorded(
        &self,
        store: &str,
        since: Option<Timestamp>,
        with: TaxRoute,
        mut progress: impl FnMut(),
    ) -> Result<ComparisonReport, Error> {
        let since = since.unwrap_or_else(|| self.kept_since());
        let of = self.core.store(store).await?;
        let (mut replay, mut seen) = (self.replay(with), Occurrences::default());
        let mut recorded = RecordedBaskets::default();
        let each = async |view: ComparisonView| {
            seen.is_new(Kind::Comparison, &view.request);
            let answer = (view.route, &view.response);
            replay.compare(&view.id, &view.request, answer).await;
            recorded.comparisons += 1;
            progress();
        };
        self.each_comparison(store, Some(since), each).await?;
        let mut query = EvaluationQuery {
            store: store.to_owned(),
            since: Some(since),
            limit: PAGE,
            ..EvaluationQuery::default()
        };
        loop {
            let EvaluationPage { evaluations, next } = self.evaluations(query.clone()).await?;
            for one in evaluations {
                let mut request = one.request;
                request.commit = false;
                if request.business_date.is_none() {
                    let at: Timestamp = one.recorded_at.parse().map_err(|error| {
                        Error::records(format!("reading the time of evaluation {}", one.id), error)
                    })?;
                    request.business_date = Some(of.business_date(at));
                }
                if seen.is_new(Kind::Evaluation, &request) {
                    let answer = (one.response.route, &one.response.response);
                    let name = format!("evaluation {}", one.id);
                    replay.compare(&name, &request, answer).await;
                    recorded.evaluations += 1;
                    progress();
                }
            }
            query.after = next;
            if query.after.is_none() {
                break;
            }
        }
        let mut after = None;
        loop {
            let (baskets, next) = self.order_baskets(&of, since, after).await?;
            for one in baskets {
                if seen.is_new(Kind::Order, &one.request) {
                    let name = format!("order {}", one.order);
                    let answer = (one.route, &one.response);
                    replay.compare(&name, &one.request, answer).await;
                    recorded.orders += 1;
                    progress();
                }
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        let (routes, differences) = replay.finish();
        let summary = ComparisonSummary {
            since: ComparisonCount::day_of(since).to_string(),
            routes,
            readiness: None,
        };
        Ok(ComparisonReport {
            summary,
            recorded: Some(recorded),
            differences,
        })
    }

    /// A page of the orders of a store, newest first, whose lines got their taxes from a route; and the cursor of the
    /// next page.
    async fn order_baskets(
        &self,
        store: &Store,
        since: Timestamp,
        after: Option<ListCursor>,
    ) -> Result<(Vec<OrderBasket>, Option<ListCursor>), Error> {
        let store = store.clone();
        let filter = ListFilter {
            from: Some(since),
            after,
            ..ListFilter::default()
        };
        let read = self.core.records.read(in_tx!(|tx, store, filter| {
            store_of(tx, &store.id).await?;
            let place = ListScope::Store(store.id.clone());
            let cursors = tx.list_cursors(ListKind::Orders, &place, &filter, PAGE);
            let cursors = cursors.await?;
            let mut baskets = Vec::new();
            for cursor in &cursors {
                if let Some(order) = tx.order_get(&cursor.id).await? {
                    baskets.extend(basket_of(tx, &store, order).await?);
                }
            }
            let is_last = cursors.len() < PAGE as usize;
            Ok((baskets, cursors.into_iter().last().filter(|_| !is_last)))
        }));
        read.await
    }
}

/// The evaluated lines of an order as a basket; `None` if there are none, or if the order is voided.
async fn basket_of(
    tx: &mut dyn Tx,
    store: &Store,
    order: OrderRow,
) -> Result<Option<OrderBasket>, Error> {
    let evaluated = order.taxes.and_then(|taxes| taxes.evaluated);
    let Some(evaluated) = evaluated.filter(|_| order.status != OrderStatus::Voided) else {
        return Ok(None);
    };
    let lines = order.lines.iter();
    let lines: Vec<&Line> = lines
        .filter(|line| evaluated.lines.contains(&line.number))
        .collect();
    let without_code = lines.iter().filter(|line| named_code(line).is_none());
    let skus: Vec<String> = without_code.map(|line| line.sku.clone()).collect();
    let products = match skus.is_empty() {
        true => Vec::new(),
        false => tx.catalogue_product_list(&store.retailer, &skus).await?,
    };
    let products = products.into_iter();
    let codes: BTreeMap<String, String> = products
        .map(|(product, _)| (product.sku, product.tax_code))
        .collect();
    let recorded = recorded_evaluation(&lines, store.minor_digits, |line| {
        codes.get(&line.sku).map_or("", String::as_str)
    });
    let Some((items, response)) = recorded else {
        return Ok(None);
    };
    let first = lines.iter().flat_map(|line| &line.taxes).next();
    Ok(Some(OrderBasket {
        request: TaxRequest {
            store_data: StoreData {
                store_id: store.id.clone(),
                tax_included_in_price: first.map(|tax| tax.included),
                tax_calculator: None,
            },
            commit: false,
            items,
            business_date: Some(store.business_date(order.begun_at)),
            discounts: Vec::new(),
        },
        order: order.id,
        route: evaluated.route,
        response,
    }))
}
