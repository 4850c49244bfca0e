//! Creates or replaces one product.

use super::checks;
use super::drafts::{busy, readable_from, until, writer};
use super::view::detail;
use crate::catalogue::Catalogue;
use crate::core::{IdempotencyKey, Reply};
use galleria_domain::Problem;
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{DraftStart, Price, PriceRow, ProductRow, Tx};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A complete product; its sku is in the path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewProduct {
    /// The GTIN-8, 12, 13 or 14.
    #[serde(default)]
    pub gtin: String,
    /// The name for people.
    pub name: String,
    /// The category path, separated by `/`.
    #[serde(default)]
    pub category: String,
    /// The unit by UN/ECE Recommendation 20.
    #[serde(default = "piece")]
    pub unit: String,
    /// The common price, for stores without their own price.
    pub price: Option<Price>,
    /// The tax code.
    #[serde(default)]
    pub tax_code: String,
    /// Whether it is sold.
    #[serde(default = "sold")]
    pub active: bool,
    /// All prices of single stores; a price that is absent is removed.
    #[serde(default)]
    pub store_prices: Vec<NewStorePrice>,
}

/// The price of a single store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewStorePrice {
    /// The id of a store of the retailer.
    pub store_id: String,
    /// The price in the store's currency.
    pub price: Price,
}

fn piece() -> String {
    "EA".into()
}

fn sold() -> bool {
    true
}

impl Catalogue {
    /// Creates or replaces a product with its stores' prices.
    pub async fn put(
        &self,
        key: impl Into<Option<IdempotencyKey>>,
        retailer: &str,
        sku: &str,
        new: NewProduct,
    ) -> Result<Reply, Error> {
        let key = key.into();
        if let Err(error) = self.core.check_retailer(retailer).await {
            return self.core.answered_or(key, error).await;
        }
        let (product, prices) = checked(sku, new)?;
        let put = Put {
            retailer: retailer.to_owned(),
            product,
            prices,
            now: self.core.clock.now(),
        };
        let first = self.put_once(key.clone(), put.clone()).await;
        if !matches!(&first, Err(Error::Conflict { code, .. }) if *code == LEFT) {
            return first;
        }
        self.sweep().await?;
        self.put_once(key, put).await
    }

    async fn put_once(&self, key: Option<IdempotencyKey>, put: Put) -> Result<Reply, Error> {
        self.core
            .once(key, 200, in_tx!(|tx, put| put.accept(tx).await))
            .await
    }
}

/// Internal code: an abandoned draft must be swept before the second try.
const LEFT: &str = "catalogue_left";

#[derive(Clone)]
struct Put {
    retailer: String,
    product: ProductRow,
    prices: Vec<PriceRow>,
    now: Timestamp,
}

impl Put {
    async fn accept(self, tx: &mut dyn Tx) -> Result<serde_json::Value, Error> {
        self.check_stores(tx).await?;
        let (now, retailer, sku) = (self.now, &*self.retailer, &*self.product.sku);
        let draft = match tx
            .catalogue_draft_begin(retailer, &writer(), now, until(now))
            .await?
        {
            DraftStart::Draft(draft) => draft,
            DraftStart::Busy => return Err(busy()),
            DraftStart::LeftOver => {
                return Err(Error::Conflict {
                    code: LEFT,
                    message: "an interrupted import is being swept".into(),
                });
            }
        };
        let skus = [sku.to_owned()];
        let before = tx.catalogue_product_list(retailer, &skus).await?;
        let same = before.first().is_some_and(|(row, _)| *row == self.product);
        let products = match same {
            true => Vec::new(),
            false => vec![self.product.clone()],
        };
        let prices = self.differing(tx).await?;
        if products.is_empty() && prices.is_empty() {
            tx.catalogue_draft_clear(&draft, 1).await?;
        } else {
            tx.catalogue_draft_add(&draft, &products, &prices, until(now), readable_from(now))
                .await?;
            tx.catalogue_draft_publish(&draft, now).await?;
        }
        let detail = detail(tx, retailer, sku).await?;
        serde_json::to_value(detail)
            .map_err(|error| Error::Internal(format!("serialising a response: {error}")))
    }

    async fn check_stores(&self, tx: &mut dyn Tx) -> Result<(), Error> {
        let mut problems = Vec::new();
        for (index, row) in self.prices.iter().enumerate() {
            let field = |name: &str| format!("store_prices.{index}.{name}");
            let store = tx.store_get(&row.store_id).await?;
            let store = store.filter(|store| store.retailer == self.retailer);
            let currency = row.price.as_ref().map(|price| &price.currency);
            match store {
                None => problems.push(Problem::new(
                    field("store_id"),
                    "must be the id of a store of this retailer",
                )),
                Some(store) if currency.is_some_and(|code| *code != store.currency) => {
                    let message = format!("must be {}, the currency of the store", store.currency);
                    problems.push(Problem::new(field("price.currency"), message));
                }
                Some(_) => {}
            }
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Error::Invalid(problems)),
        }
    }

    /// The prices that differ from the current ones, including removed ones.
    async fn differing(&self, tx: &mut dyn Tx) -> Result<Vec<PriceRow>, Error> {
        let there = tx
            .catalogue_price_list_by_product(&self.retailer, &self.product.sku)
            .await?;
        let now = |store: &str| self.prices.iter().find(|row| row.store_id == store);
        let mut rows = Vec::new();
        for (before, _) in &there {
            let gone = before.price.is_some() && now(&before.store_id).is_none();
            if gone {
                rows.push(PriceRow {
                    price: None,
                    ..before.clone()
                });
            }
        }
        for row in &self.prices {
            if !there.iter().any(|(before, _)| before == row) {
                rows.push(row.clone());
            }
        }
        Ok(rows)
    }
}

/// Checks everything that does not need the database, and returns all problems.
fn checked(sku: &str, new: NewProduct) -> Result<(ProductRow, Vec<PriceRow>), Error> {
    let NewProduct {
        gtin,
        name,
        category,
        unit,
        price,
        tax_code,
        active,
        store_prices,
    } = new;
    let mut problems = Vec::new();
    let mut report = |field: String, wrong: Option<&str>| {
        problems.extend(wrong.map(|message| Problem::new(field, message)));
    };
    report("sku".into(), checks::sku(sku));
    report("gtin".into(), checks::gtin(&gtin));
    report("name".into(), checks::name(&name));
    report("category".into(), checks::category(&category));
    report("unit".into(), checks::unit(&unit));
    report("tax_code".into(), checks::tax_code(&tax_code));
    let mut priced = |at: &str, price: &Price| match checks::price(price) {
        Ok(price) => Some(price),
        Err((field, message)) => {
            report(format!("{at}.{field}"), Some(message));
            None
        }
    };
    let price = price.and_then(|price| priced("price", &price));
    let mut prices: Vec<PriceRow> = Vec::new();
    let mut twice = Vec::new();
    for (index, own) in store_prices.into_iter().enumerate() {
        let price = priced(&format!("store_prices.{index}.price"), &own.price);
        if prices.iter().any(|row| row.store_id == own.store_id) {
            twice.push(format!("store_prices.{index}.store_id"));
        }
        prices.push(PriceRow {
            sku: sku.to_owned(),
            store_id: own.store_id,
            price,
        });
    }
    for field in twice {
        report(field, Some("must be unique in the list"));
    }
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let product = ProductRow {
        sku: sku.to_owned(),
        gtin,
        name,
        category,
        unit,
        price,
        tax_code,
        active,
    };
    Ok((product, prices))
}
