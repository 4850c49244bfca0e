//! What a retailer's sample day is drawn from: `retailers/<name>/assortment.toml` and `stores.json`.

use crate::catalogue::Catalogue;
use crate::habits::{Habits, Members, Payments};
use crate::statement::Terms;
use anyhow::{Context, Result, bail};
use galleria_domain::{Decimal, Money, Store};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Articles, markets and the day itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assortment {
    pub day: DayKind,
    #[serde(default)]
    pub habits: Habits,
    #[serde(default)]
    pub payments: Payments,
    #[serde(default)]
    pub members: Members,
    /// What its provider pays out for the day.
    pub statement: Option<Terms>,
    /// Where its products are imported.
    pub catalogue: Option<Catalogue>,
    pub markets: Vec<Market>,
    pub products: Vec<Product>,
}

/// Which day is kept in the repository.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayKind {
    /// `YYYY-MM-DD`.
    pub date: String,
    pub seed: u64,
    pub events: usize,
}

/// What differs by country.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Market {
    pub country: String,
    pub authority: String,
    /// Cash comes in multiples of this.
    pub cash_step: Money,
    /// Banknotes that customers pay with, ascending.
    pub notes: Vec<Money>,
    pub opening_float: Money,
    /// On a bottle or can.
    pub deposit: Money,
    pub foreign: Option<ForeignCash>,
    /// By the products' word.
    pub taxes: BTreeMap<String, Rate>,
}

/// Another currency that tills take.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignCash {
    pub currency: String,
    pub rate: Decimal,
    pub notes: Vec<Money>,
}

/// A tax, included in prices.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    pub code: String,
    /// In per cent, times ten to the power of `scale`.
    pub rate: i64,
    #[serde(default)]
    pub scale: u8,
    pub treatment: String,
}

/// An article.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    pub sku: String,
    pub name: String,
    pub category: String,
    pub tax: String,
    #[serde(default)]
    pub weighed: bool,
    #[serde(default)]
    pub deposit: bool,
    pub minimum_age: Option<u8>,
    /// For one, or for a kilogram, by currency.
    pub prices: BTreeMap<String, Money>,
}

impl Assortment {
    /// Reads a retailer's folder, and checks that every price and tax is there.
    pub fn read(folder: &Path) -> Result<(Self, Vec<Store>)> {
        let file = folder.join("assortment.toml");
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let assortment: Self = toml::from_str(&text).with_context(|| file.display().to_string())?;
        let stores = stores(folder)?;
        for store in &stores {
            let market = assortment.market(store)?;
            for product in &assortment.products {
                let (sku, currency) = (&product.sku, &store.currency);
                if !product.prices.contains_key(currency) {
                    bail!("{}: {sku} has no price in {currency}", file.display());
                }
                if !market.taxes.contains_key(&product.tax) {
                    let country = &market.country;
                    bail!(
                        "{}: {country} has no tax \"{}\" for {sku}",
                        file.display(),
                        product.tax
                    );
                }
            }
        }
        Ok((assortment, stores))
    }

    /// The market of a store.
    pub fn market(&self, store: &Store) -> Result<&Market> {
        let found = self
            .markets
            .iter()
            .find(|market| market.country == store.country);
        found.with_context(|| format!("assortment.toml has no market {}", store.country))
    }
}

/// A retailer's sample stores.
pub fn stores(folder: &Path) -> Result<Vec<Store>> {
    let file = folder.join("stores.json");
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let stores: Vec<Store> =
        serde_json::from_str(&text).with_context(|| file.display().to_string())?;
    for store in &stores {
        if let Some(problem) = store.problems().first() {
            bail!(
                "{}: {}: {}: {}",
                file.display(),
                store.id,
                problem.field,
                problem.message
            );
        }
    }
    Ok(stores)
}
