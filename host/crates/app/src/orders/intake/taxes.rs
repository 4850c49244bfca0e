//! Taxes of order lines: evaluated if a line has none, compared if the store's settings say so.
//!
//! This happens before the transaction that stores the order, because the route may be a service.

use super::refuse;
use crate::core::{IdempotencyKey, Reply, repeated};
use crate::orders::Orders;
use crate::tax::{EvaluatedStore, taxed_store_of};
use galleria_domain::selling::sum_lines;
use galleria_domain::tax::{
    ComparedLines, EvaluatedLines, LineTaxes, OrderTaxes, StoreData, TAX_CODE, TaxDifference,
    TaxRequest, TaxRoute, differences, is_evaluated, item_of, line_taxes, named_code,
};
use galleria_domain::{Line, Problem, Tax};
use galleria_ports::metrics::{self, TaxedLines};
use galleria_ports::{Error, in_tx};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// The part of an order that its taxes depend on.
pub(super) struct Basket<'a> {
    pub store_id: &'a str,
    pub begun_at: Timestamp,
    pub lines: &'a mut [Line],
}

/// An order whose lines have their taxes.
pub(super) enum TaxedOrder {
    /// The order was placed before.
    Answered(Reply),
    /// How it got its taxes.
    New(OrderTaxes),
}

/// What is known of an order before its taxes are evaluated, read in one transaction.
enum Known {
    /// The order was placed before.
    Answered(Reply),
    /// Its store has neither tax settings nor a tax table.
    Untaxed,
    Terms(Box<Terms>),
}

/// What an evaluation needs to know.
struct Terms {
    of: EvaluatedStore,
    /// The tax codes of products, by SKU.
    codes: BTreeMap<String, String>,
}

/// The result of an evaluation: the taxes of each line.
struct Evaluated {
    taxes: Vec<Vec<Tax>>,
    route: TaxRoute,
    fallback: bool,
}

impl Orders {
    /// Gives the lines without taxes those of the store's route. Does nothing for a store without tax settings and
    /// tax table.
    pub(super) async fn tax(
        &self,
        key: &IdempotencyKey,
        new: Basket<'_>,
    ) -> Result<TaxedOrder, Error> {
        let mut taxed = OrderTaxes::default();
        let terms = match self.known(key, &new).await? {
            Known::Answered(reply) => return Ok(TaxedOrder::Answered(reply)),
            Known::Untaxed => {
                self.taxed_stores.remove(new.store_id);
                return Ok(TaxedOrder::New(taxed));
            }
            Known::Terms(terms) => terms,
        };
        self.taxed_stores.add(new.store_id);
        if !self.taxes.is_in_use(&terms.of).await? {
            return Ok(TaxedOrder::New(taxed));
        }
        // Report invalid lines first.
        sum_lines(new.lines, terms.of.store.minor_digits).map_err(Error::Invalid)?;
        let without = positions(new.lines, |line| {
            line.taxes.is_empty() && is_evaluated(line, terms.code(line))
        });
        let with = positions(new.lines, |line| !line.voided && !line.taxes.is_empty());
        let rule = terms.of.settings.line_taxes;
        // Compare first: a rejected order is not evaluated.
        if rule != LineTaxes::Keep && !with.is_empty() {
            let compared = self.compare(&terms, &new, &with, rule).await;
            taxed.compared = Some(compared?);
        }
        if !without.is_empty() {
            let evaluated = self.evaluate(&terms, &new, &without).await?;
            taxed.evaluated = Some(EvaluatedLines {
                lines: numbers(new.lines, &without),
                route: evaluated.route,
                fallback: evaluated.fallback,
            });
            for (position, taxes) in without.into_iter().zip(evaluated.taxes) {
                new.lines[position].taxes = taxes;
            }
        }
        Ok(TaxedOrder::New(taxed))
    }

    /// Reads what is known of the order.
    async fn known(&self, key: &IdempotencyKey, new: &Basket<'_>) -> Result<Known, Error> {
        let (key, store_id) = (key.clone(), new.store_id.to_owned());
        let without_code = new
            .lines
            .iter()
            .filter(|line| !line.voided && line.taxes.is_empty() && named_code(line).is_none());
        let skus: Vec<String> = without_code.map(|line| line.sku.clone()).collect();
        let read = self.core.records.read(in_tx!(|tx, key, store_id, skus| {
            if let Some(saved) = tx.saved_response_get(&key.key).await? {
                return Ok(Known::Answered(repeated(saved, &key)?));
            }
            let (store, taxes) = taxed_store_of(tx, &store_id).await?;
            if taxes.is_unused() {
                return Ok(Known::Untaxed);
            }
            let products = match skus.is_empty() {
                true => Vec::new(),
                false => tx.catalogue_product_list(&store.retailer, &skus).await?,
            };
            let codes = products
                .into_iter()
                .map(|(product, _)| (product.sku, product.tax_code));
            Ok(Known::Terms(Box::new(Terms {
                codes: codes.collect(),
                of: EvaluatedStore::new(store, taxes),
            })))
        }));
        read.await
    }

    /// Evaluates the lines at these positions, and no others.
    async fn evaluate(
        &self,
        terms: &Terms,
        new: &Basket<'_>,
        positions: &[usize],
    ) -> Result<Evaluated, Error> {
        let lines: Vec<&Line> = positions.iter().map(|at| &new.lines[*at]).collect();
        let store = &terms.of.store;
        let digits = store.minor_digits;
        let items = lines.iter();
        let items = items.map(|line| item_of(line, terms.code(line).to_owned(), digits));
        let request = TaxRequest {
            store_data: StoreData {
                store_id: new.store_id.to_owned(),
                tax_included_in_price: None,
                tax_calculator: None,
            },
            commit: false,
            items: items.collect(),
            business_date: Some(store.business_date(new.begun_at)),
            discounts: Vec::new(),
        };
        let evaluation = self.taxes.evaluate_of(&request, &terms.of).await;
        let evaluation = evaluation.map_err(|error| of_order(error, positions))?;
        let taxes = line_taxes(&lines, &evaluation.response, digits, &store.country);
        let taxes = taxes.map_err(|reason| unfit(evaluation.route, &reason))?;
        Ok(Evaluated {
            taxes,
            route: evaluation.route,
            fallback: evaluation.fallback,
        })
    }

    /// Compares the taxes of the lines at these positions with those of the route.
    async fn compare(
        &self,
        terms: &Terms,
        new: &Basket<'_>,
        positions: &[usize],
        rule: LineTaxes,
    ) -> Result<ComparedLines, Error> {
        let mut compared = ComparedLines {
            lines: numbers(new.lines, positions),
            route: None,
            fallback: false,
            differences: Vec::new(),
            error: None,
        };
        let evaluated = match self.evaluate(terms, new, positions).await {
            Ok(evaluated) => evaluated,
            // The order is accepted without a comparison, unless this host failed.
            Err(error)
                if rule == LineTaxes::Record
                    && !matches!(error, Error::Records { .. } | Error::Internal(_)) =>
            {
                compared.error = Some(error.to_string());
                return Ok(compared);
            }
            Err(error) => return Err(error),
        };
        compared.route = Some(evaluated.route);
        compared.fallback = evaluated.fallback;
        let mut problems = Vec::new();
        for (position, taxes) in positions.iter().zip(&evaluated.taxes) {
            let found = differences(&new.lines[*position], taxes);
            problems.extend(
                found
                    .iter()
                    .map(|one| disagrees(*position, one, &evaluated)),
            );
            compared.differences.extend(found);
        }
        if rule == LineTaxes::Require && !problems.is_empty() {
            metrics::taxed_lines(TaxedLines::Refused, differing(&compared));
            refuse(problems)?;
        }
        Ok(compared)
    }
}

impl Terms {
    /// The tax code of a line: the one that it names, or the one of its product.
    fn code<'a>(&'a self, line: &'a Line) -> &'a str {
        let of_product = || self.codes.get(&line.sku).map(String::as_str);
        named_code(line).or_else(of_product).unwrap_or_default()
    }
}

fn positions(lines: &[Line], matches: impl Fn(&Line) -> bool) -> Vec<usize> {
    let lines = lines.iter().enumerate();
    lines
        .filter(|(_, line)| matches(line))
        .map(|(position, _)| position)
        .collect()
}

fn numbers(lines: &[Line], positions: &[usize]) -> Vec<u32> {
    positions.iter().map(|at| lines[*at].number).collect()
}

/// The error for taxes that no order can have.
fn unfit(route: TaxRoute, reason: &str) -> Error {
    match route {
        // A coarse precision can make a tax exceed a small amount.
        TaxRoute::Embedded => Error::invalid(
            "lines",
            format!(
                "must have taxes that fit, but {reason}: check tax table and calculator of the store"
            ),
        ),
        TaxRoute::Grpc | TaxRoute::Http => Error::Upstream {
            code: "tax_response_invalid",
            message: format!(
                "the tax service of the route {route} returned taxes that do not fit the order: {reason}"
            ),
            cause: None,
            retry_after: None,
        },
    }
}

fn disagrees(position: usize, difference: &TaxDifference, evaluated: &Evaluated) -> Problem {
    let rule = format!(
        "must agree with the store's tax route {}: {difference}",
        evaluated.route
    );
    Problem::new(format!("lines.{position}.taxes"), rule)
}

/// Names the lines of the order instead of the items of the request.
fn of_order(error: Error, positions: &[usize]) -> Error {
    let renamed = |Problem {
                       row,
                       field,
                       message,
                   }: Problem| {
        let mut path = field.splitn(3, '.');
        let item = match (path.next(), path.next()) {
            (Some("items"), Some(index)) => index.parse().ok(),
            _ => None,
        };
        let position = item.and_then(|item: usize| positions.get(item));
        let (field, message) = match (position, path.next()) {
            (Some(position), Some("tax_code")) => (
                format!("lines.{position}.taxes"),
                format!(
                    "must be sent, or the tax code (attribute {TAX_CODE}, else that of the product) {message}"
                ),
            ),
            (Some(position), Some(rest)) => (
                format!("lines.{position}.taxes"),
                format!("cannot be evaluated: {rest} {message}"),
            ),
            _ => (
                "lines".to_owned(),
                format!("cannot be evaluated: {field} {message}"),
            ),
        };
        Problem {
            row,
            field,
            message,
        }
    };
    match error {
        Error::Invalid(problems) => Error::Invalid(problems.into_iter().map(renamed).collect()),
        error => error,
    }
}

/// The number of lines with a difference.
fn differing(compared: &ComparedLines) -> usize {
    // The differences of a line are neighbours.
    let mut lines: Vec<u32> = compared.differences.iter().map(|one| one.line).collect();
    lines.dedup();
    lines.len()
}

/// Counts the lines of a placed order.
pub(super) fn count(placed: &OrderTaxes) {
    if let Some(evaluated) = &placed.evaluated {
        metrics::taxed_lines(TaxedLines::Evaluated, evaluated.lines.len());
    }
    let Some(compared) = &placed.compared else {
        return;
    };
    let lines = compared.lines.len();
    if compared.error.is_some() {
        metrics::taxed_lines(TaxedLines::NotCompared, lines);
        return;
    }
    let differing = differing(compared);
    metrics::taxed_lines(TaxedLines::Differed, differing);
    metrics::taxed_lines(TaxedLines::Agreed, lines - differing);
}
