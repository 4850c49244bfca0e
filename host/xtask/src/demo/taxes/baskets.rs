//! The sales of a store as baskets without taxes, and the taxes that the ledger has for them.

use anyhow::{Context, Result};
use galleria_domain::tax::{RequestItem, StoreData, TaxRequest, TaxResponse};
use galleria_domain::{Money, Sale, Store, Tax, number};
use galleria_simulator::ledger::{Ledger, RecordedEvent};
use rust_decimal::{Decimal, RoundingStrategy};
use std::collections::{BTreeMap, BTreeSet};

/// A tax. The order is that of the table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate {
    /// In per cent.
    pub percent: Decimal,
    pub code: String,
}

/// The baskets with a tax, and their sums in major units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    pub baskets: usize,
    pub net: Decimal,
    pub tax: Decimal,
}

pub type Sums = BTreeMap<Rate, Sum>;

/// The tax of a line, in major units.
pub struct LineTax {
    pub rate: Rate,
    pub net: Decimal,
    pub tax: Decimal,
}

/// A sale.
pub struct Basket {
    /// The request to a tax service.
    pub request: TaxRequest,
    /// The taxes of the ledger.
    pub taxes: Vec<LineTax>,
}

/// The sales of a store on one day.
pub struct StoreDay<'a> {
    pub store: &'a Store,
    pub baskets: Vec<Basket>,
    /// The taxes of all lines, by code.
    table: BTreeMap<String, Tax>,
}

/// What the shadow finds if one rate of its table differs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference {
    pub baskets: u64,
    pub items: u64,
    pub route_amount: Decimal,
    pub shadow_amount: Decimal,
}

impl<'a> StoreDay<'a> {
    /// Collects the sales of a store.
    pub fn new(store: &'a Store, ledger: &Ledger<'_>) -> Result<Self> {
        let mut day = Self {
            store,
            baskets: Vec::new(),
            table: BTreeMap::new(),
        };
        let of_store = |one: &&RecordedEvent| one.kind == "sale" && one.store == store.id;
        for event in ledger.events.iter().filter(of_store) {
            let sale = serde_json::from_value::<Sale>(event.argument.clone());
            day.add(&sale.with_context(|| format!("sale of event {}", event.event))?)?;
        }
        Ok(day)
    }

    fn add(&mut self, sale: &Sale) -> Result<()> {
        let digits = self.store.minor_digits;
        let mut basket = Basket {
            request: TaxRequest {
                store_data: StoreData {
                    store_id: self.store.id.clone(),
                    tax_included_in_price: None,
                    tax_calculator: None,
                },
                commit: false,
                items: Vec::new(),
                business_date: Some(sale.entry.business_date.parse()?),
                discounts: Vec::new(),
            },
            taxes: Vec::new(),
        };
        for line in sale.lines.iter().filter(|line| !line.voided) {
            let Some(tax) = line.taxes.first() else {
                continue;
            };
            basket.request.items.push(RequestItem {
                item_id: line.number.to_string(),
                total_amount: number::Decimal {
                    unscaled: line.amount,
                    scale: digits,
                },
                tax_code: tax.code.clone(),
                quantity: number::Decimal::whole(1),
            });
            basket.taxes.push(LineTax {
                rate: rate(tax)?,
                net: major(tax.taxable, digits),
                tax: major(tax.amount, digits),
            });
            self.table.insert(tax.code.clone(), tax.clone());
        }
        if !basket.taxes.is_empty() {
            self.baskets.push(basket);
        }
        Ok(())
    }

    /// Returns the rates of the store in ascending order.
    pub fn rates(&self) -> Result<BTreeSet<Rate>> {
        self.table.values().map(rate).collect()
    }

    /// Returns the tax table as CSV, with another rate for one code.
    pub fn table(&self, other: Option<&Rate>) -> Result<String> {
        let mut table = csv::Writer::from_writer(Vec::new());
        table.write_record([
            "tax_code",
            "tax_level",
            "retailer_tax_level_id",
            "tax_percent",
            "authority",
            "treatment",
        ])?;
        for tax in self.table.values() {
            let other = other.filter(|other| other.code == tax.code);
            let percent = other.map_or_else(|| tax.rate.to_string(), |one| one.percent.to_string());
            table.write_record([
                &tax.code,
                &tax.code,
                &tax.code,
                &percent,
                &tax.authority,
                &tax.treatment,
            ])?;
        }
        Ok(String::from_utf8(table.into_inner()?)?)
    }

    /// Returns the differences that another rate of a code causes. Prices include the tax; tax amounts are rounded half
    /// up for each line.
    pub fn difference(&self, other: &Rate) -> Difference {
        let mut difference = Difference::default();
        for basket in &self.baskets {
            let taxes = basket
                .taxes
                .iter()
                .filter(|tax| tax.rate.code == other.code);
            let mut items = 0;
            for LineTax { net, tax, .. } in taxes {
                items += 1;
                difference.route_amount += tax;
                let exact = (net + tax) * other.percent / (other.percent + Decimal::ONE_HUNDRED);
                difference.shadow_amount += exact.round_dp_with_strategy(
                    self.store.minor_digits.into(),
                    RoundingStrategy::MidpointAwayFromZero,
                );
            }
            difference.baskets += u64::from(items > 0);
            difference.items += items;
        }
        difference
    }
}

/// Sums the taxes of one basket.
pub fn sums<'a>(taxes: impl IntoIterator<Item = &'a LineTax>) -> Sums {
    let mut sums = Sums::new();
    for tax in taxes {
        let sum = sums.entry(tax.rate.clone()).or_default();
        sum.baskets = 1;
        sum.net += tax.net;
        sum.tax += tax.tax;
    }
    sums
}

/// Returns the taxes of the items of a response.
pub fn taxes(response: &TaxResponse) -> Vec<LineTax> {
    let taxes = response.item_tax.iter().flat_map(|item| &item.taxes);
    taxes
        .map(|tax| LineTax {
            rate: Rate {
                percent: tax.tax_percent.normalize(),
                code: tax.tax_code.clone(),
            },
            net: tax.taxable_amount,
            tax: tax.tax_amount,
        })
        .collect()
}

fn rate(tax: &Tax) -> Result<Rate> {
    Ok(Rate {
        percent: tax.rate.exact().context("a rate")?.normalize(),
        code: tax.code.clone(),
    })
}

fn major(amount: Money, digits: u8) -> Decimal {
    Decimal::new(amount, digits.into())
}
