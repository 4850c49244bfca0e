//! The input of the generators: `retailers/<name>/assortment.toml` and `stores.json`.

use crate::habits::{Habits, Members, Payments};
use crate::statement::StatementTerms;
use anyhow::{Context, Result, bail};
use galleria_domain::{Decimal, Money, Store};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The sample data of a retailer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assortment {
    pub day: DayTerms,
    #[serde(default)]
    pub habits: Habits,
    #[serde(default)]
    pub payments: Payments,
    #[serde(default)]
    pub members: Members,
    /// Terms of the payment provider, if it sends a settlement statement for the day.
    pub statement: Option<StatementTerms>,
    /// Set if the retailer imports a product file.
    pub catalogue: Option<CatalogueTerms>,
    pub markets: Vec<Market>,
    pub products: Vec<Product>,
}

/// The day whose generated files are in the repository.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayTerms {
    /// `YYYY-MM-DD`.
    pub date: String,
    pub seed: u64,
    /// Number of payments, refunds, voids, verifications and shift ends.
    pub events: usize,
}

/// `[catalogue]` of `assortment.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueTerms {
    /// Per cent of prices that differ in a store.
    pub own_prices: u64,
}

/// Settings of a country.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Market {
    pub country: String,
    pub authority: String,
    /// Banknotes that customers pay with, in ascending order.
    pub notes: Vec<Money>,
    pub opening_float: Money,
    /// Deposit of a bottle or can, in minor units.
    pub deposit: Money,
    pub foreign: Option<ForeignCash>,
    /// By the tax name that products use.
    pub taxes: BTreeMap<String, Rate>,
}

/// A foreign currency that tills accept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignCash {
    pub currency: String,
    pub rate: Decimal,
    pub notes: Vec<Money>,
}

/// A tax rate. Prices include it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    pub code: String,
    /// In per cent, multiplied by ten to the power of `scale`.
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
    /// Price per piece or kilogram in minor units, by currency.
    pub prices: BTreeMap<String, Money>,
}

impl Assortment {
    /// Reads a retailer folder and checks that all prices and taxes are present.
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

    /// Returns the market of a store.
    pub fn market(&self, store: &Store) -> Result<&Market> {
        let market = self
            .markets
            .iter()
            .find(|market| market.country == store.country);
        market.with_context(|| {
            format!(
                "assortment.toml: no market for the country {}",
                store.country
            )
        })
    }
}

/// Reads the sample stores of a retailer.
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
