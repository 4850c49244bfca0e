//! Products of a retailer and their prices by store.
//!
//! The catalogue has versions: a draft is written in chunks that are not visible, and published by
//! one row.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::Decimal;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The price of one unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// In major units, not negative.
    pub amount: Decimal,
    /// ISO 4217.
    pub currency: String,
}

/// A product, without its stores' prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductRow {
    /// The SKU. Unique within the retailer.
    pub sku: String,
    /// GTIN-8, 12, 13 or 14; empty if none.
    pub gtin: String,
    /// The readable name.
    pub name: String,
    /// The path from the top category, separated by `/`; empty if none.
    pub category: String,
    /// The unit, by UN/ECE Recommendation 20.
    pub unit: String,
    /// The common price, for stores without their own.
    pub price: Option<Price>,
    /// The tax code; empty if none.
    pub tax_code: String,
    /// Whether the product is on sale.
    pub active: bool,
}

/// A store's own price of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceRow {
    /// The product.
    pub sku: String,
    /// The store's id.
    pub store_id: String,
    /// `None` removes it: the common price applies again.
    pub price: Option<Price>,
}

/// A product in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueEntry {
    /// The product.
    pub product: ProductRow,
    /// When the product or its common price last changed.
    pub changed_at: Timestamp,
    /// The store's own price and the time of its last change. `None` if the store never had one.
    pub own: Option<(Option<Price>, Timestamp)>,
}

/// A page of a catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CataloguePage {
    /// In the order of SKU. May be empty although more pages follow.
    pub listed: Vec<CatalogueEntry>,
    /// The cursor of the next page. `None` after the last page.
    pub last: Option<String>,
}

/// Records of products and prices.
#[async_trait]
pub trait Catalogue {
    /// Freezes the catalogue as of `as_of`: a later publication gets a later time. Waits for a
    /// concurrent publication.
    async fn catalogue_freeze(&mut self, retailer: &str, as_of: Timestamp) -> Result<(), Error>;
    /// Products of up to `limit` SKUs after `after`, in the order of SKU, as of `as_of`. With
    /// `store_id`, also the store's own prices.
    async fn catalogue_list(
        &mut self,
        retailer: &str,
        store_id: Option<&str>,
        as_of: Timestamp,
        after: &str,
        limit: u32,
    ) -> Result<CataloguePage, Error>;
    /// The current state of these products, in any order, with the time of their last change.
    async fn catalogue_product_list(
        &mut self,
        retailer: &str,
        skus: &[String],
    ) -> Result<Vec<(ProductRow, Timestamp)>, Error>;
    /// The current store prices of these pairs of SKU and store, in any order.
    async fn catalogue_price_list(
        &mut self,
        retailer: &str,
        of: &[(String, String)],
    ) -> Result<Vec<PriceRow>, Error>;
    /// The current store prices of a product in the order of stores, each with the time of its
    /// change. Includes removed prices.
    async fn catalogue_price_list_by_product(
        &mut self,
        retailer: &str,
        sku: &str,
    ) -> Result<Vec<(PriceRow, Timestamp)>, Error>;
}
