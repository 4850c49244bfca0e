//! Views of products, and the price that applies in a scope.

use crate::catalogue::Catalogue;
use galleria_domain::Store;
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{CatalogueEntry, CataloguePage, Price, PriceRow, ProductRow};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The maximum number of rows that one page scans. If few products have changed, a page may be short and still have a
/// next one.
const LOOKED_AT: u32 = 20_000;
/// Rows in one read.
const PAGE: u32 = 1000;

/// A product with the price of the requested scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProductView {
    /// The sku, unique within the retailer.
    pub sku: String,
    /// GTIN-8, 12, 13 or 14; empty if there is none.
    pub gtin: String,
    /// The name for people.
    pub name: String,
    /// The category path, separated by `/`; empty if there is none.
    pub category: String,
    /// The unit by UN/ECE Recommendation 20.
    pub unit: String,
    /// The common price, or the price in the requested store; null if there is none.
    pub price: Option<Price>,
    /// The tax code; empty if there is none.
    pub tax_code: String,
    /// Whether it is sold.
    pub active: bool,
    /// Time of the last change.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub changed_at: Timestamp,
}

/// A product with the prices of single stores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProductDetail {
    /// The product with its common price.
    pub product: ProductView,
    /// Sorted by store.
    pub store_prices: Vec<StorePriceView>,
}

/// The price of a single store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StorePriceView {
    /// The store's id.
    pub store_id: String,
    /// The price in the store's currency.
    pub price: Price,
    /// Time of the last change.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub changed_at: Timestamp,
}

/// The query for products.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProductQuery {
    /// The retailer.
    pub retailer: String,
    /// The store whose prices apply; by default, the general prices.
    pub store: Option<String>,
    /// Only products that changed later.
    pub changed_since: Option<Timestamp>,
    /// Start after this SKU.
    pub after: String,
    /// The size of the page.
    pub limit: u32,
}

/// A page of a list of products.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProductPage {
    /// Sorted by sku.
    pub products: Vec<ProductView>,
    /// The `after` of the next page; null on the last page.
    pub next: Option<String>,
}

/// The view of a product in a scope: its price and the time of its last change there.
///
/// A store's own price applies in the store; otherwise the general price, unless it has another currency. A
/// product without a price is not sold in the scope.
pub(crate) fn in_scope(listed: CatalogueEntry, store: Option<&Store>) -> ProductView {
    let CatalogueEntry {
        product,
        mut changed_at,
        own,
    } = listed;
    let mut price = product.price;
    if let Some((own, at)) = own {
        changed_at = changed_at.max(at);
        price = own.or(price);
    }
    if let Some(store) = store {
        price = price.filter(|price| price.currency == store.currency);
    }
    let ProductRow {
        sku,
        gtin,
        name,
        category,
        unit,
        price: _,
        tax_code,
        active,
    } = product;
    ProductView {
        sku,
        gtin,
        name,
        category,
        unit,
        active: active && price.is_some(),
        price,
        tax_code,
        changed_at,
    }
}

/// Formats an amount with the minor digits of the store or its currency, and with more digits if the amount has
/// them: `1.50`, and `0.0125` for a unit price.
pub fn price_text(price: &Price, minor_digits: Option<u8>) -> String {
    let currency = iso_currency::Currency::from_code(&price.currency);
    let usual = currency.and_then(|currency| currency.exponent());
    let digits = minor_digits.or(usual.and_then(|digits| u8::try_from(digits).ok()));
    let mut text = price.amount.to_string();
    let fraction = |text: &str| text.split_once('.').map_or(0, |(_, digits)| digits.len());
    let digits = usize::from(digits.unwrap_or_default());
    while fraction(&text) > digits && text.ends_with('0') {
        text.pop();
    }
    let missing = digits.saturating_sub(fraction(&text));
    if missing > 0 && !text.contains('.') {
        text.push('.');
    }
    text.push_str(&"0".repeat(missing));
    text.trim_end_matches('.').to_owned()
}

impl Catalogue {
    /// Lists products in the order of SKU.
    pub async fn list(&self, query: ProductQuery) -> Result<ProductPage, Error> {
        self.core.check_retailer(&query.retailer).await?;
        let store = match &query.store {
            Some(id) => Some(self.core.store(id).await?),
            None => None,
        };
        if store
            .as_ref()
            .is_some_and(|store| store.retailer != query.retailer)
        {
            return Err(Error::invalid("store", "must be a store of the retailer"));
        }
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let (mut products, mut after, mut looked_at) = (Vec::new(), query.after.clone(), 0);
        let since = query.changed_since;
        loop {
            let page = self.listed(&query, &after, PAGE).await?;
            let Some(last) = page.last else {
                let next = None;
                return Ok(ProductPage { products, next });
            };
            for listed in page.listed {
                if products.len() == limit {
                    let next = Some(after);
                    return Ok(ProductPage { products, next });
                }
                after.clone_from(&listed.product.sku);
                let view = in_scope(listed, store.as_ref());
                if since.is_none_or(|since| view.changed_at > since) {
                    products.push(view);
                }
            }
            after = last;
            looked_at += PAGE;
            if looked_at >= LOOKED_AT {
                let next = Some(after);
                return Ok(ProductPage { products, next });
            }
        }
    }

    async fn listed(
        &self,
        query: &ProductQuery,
        after: &str,
        limit: u32,
    ) -> Result<CataloguePage, Error> {
        let (retailer, store, after) = (
            query.retailer.clone(),
            query.store.clone(),
            after.to_owned(),
        );
        self.core
            .records
            .read(in_tx!(|tx, retailer, store, after| {
                let now = Timestamp::MAX;
                tx.catalogue_list(&retailer, store.as_deref(), now, &after, limit)
                    .await
            }))
            .await
    }

    /// A product with the prices of single stores.
    pub async fn product(&self, retailer: &str, sku: &str) -> Result<ProductDetail, Error> {
        let (retailer, sku) = (retailer.to_owned(), sku.to_owned());
        self.core
            .records
            .read(in_tx!(|tx, retailer, sku| detail(tx, &retailer, &sku).await))
            .await?
            .ok_or_else(|| Error::NotFound {
                what: "product",
                id: "of this retailer and sku".into(),
            })
    }
}

/// A product as stored in the database.
pub(super) async fn detail(
    tx: &mut dyn galleria_ports::records::Tx,
    retailer: &str,
    sku: &str,
) -> Result<Option<ProductDetail>, Error> {
    let found = tx
        .catalogue_product_list(retailer, &[sku.to_owned()])
        .await?;
    let Some((product, changed_at)) = found.into_iter().next() else {
        return Ok(None);
    };
    let prices = tx.catalogue_price_list_by_product(retailer, sku).await?;
    let own = |(row, changed_at): (PriceRow, Timestamp)| {
        Some(StorePriceView {
            store_id: row.store_id,
            price: row.price?,
            changed_at,
        })
    };
    let active = product.active;
    let listed = CatalogueEntry {
        product,
        changed_at,
        own: None,
    };
    let mut product = in_scope(listed, None);
    // Report the product's own state, not whether it is sold in a scope.
    product.active = active;
    Ok(Some(ProductDetail {
        product,
        store_prices: prices.into_iter().filter_map(own).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_has_the_digits_of_its_currency() {
        for (amount, currency, minor_digits, text) in [
            ("1", "EUR", None, "1.00"),
            ("1.5", "EUR", None, "1.50"),
            ("1.50", "EUR", None, "1.50"),
            ("0.0125", "EUR", None, "0.0125"),
            ("0.0120", "EUR", None, "0.012"),
            ("1.500", "EUR", None, "1.50"),
            ("500.00", "JPY", None, "500"),
            ("500", "JPY", None, "500"),
            ("0.5", "JPY", None, "0.5"),
            ("1.25", "KWD", None, "1.250"),
            ("71.5", "HUF", Some(0), "71.5"),
            ("71.00", "HUF", Some(0), "71"),
            ("10", "HUF", Some(0), "10"),
        ] {
            let price = Price {
                amount: amount.parse().expect("a decimal"),
                currency: currency.into(),
            };
            assert_eq!(
                price_text(&price, minor_digits),
                text,
                "{amount} {currency}"
            );
        }
    }
}
