//! Products of a retailer and their prices by store.
//!
//! Written in versions: a draft is written in pieces that nobody sees, and published by one row.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::Decimal;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What one unit costs.
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
    /// Unique in the retailer.
    pub sku: String,
    /// GTIN-8, 12, 13 or 14; empty where there is none.
    pub gtin: String,
    /// Readable.
    pub name: String,
    /// From the top, separated by `/`; empty where there is none.
    pub category: String,
    /// UN/ECE Recommendation 20.
    pub unit: String,
    /// Where a store has none of its own.
    pub price: Option<Price>,
    /// The code of its tax; empty where there is none.
    pub tax_code: String,
    /// Whether it is sold.
    pub active: bool,
}

/// A store's own price of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceRow {
    /// The product.
    pub sku: String,
    /// The store's id.
    pub store_id: String,
    /// None takes it away: the common price holds again.
    pub price: Option<Price>,
}

/// A product as it stands in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The product.
    pub product: ProductRow,
    /// When it was changed last, its common price included.
    pub changed_at: Timestamp,
    /// The asked store's own price, and when it was changed last; none where it never had one.
    pub own: Option<(Option<Price>, Timestamp)>,
}

/// A part of a catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedPage {
    /// In the order of sku. None of them may be there at the asked instant, and more behind.
    pub listed: Vec<Listed>,
    /// Where the next part begins; none where there is no more.
    pub last: Option<String>,
}

/// A version of a retailer's catalogue that is being written. One at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The retailer.
    pub retailer: String,
    /// Its number.
    pub version: i64,
    /// Who writes it.
    pub writer: String,
}

/// What came of asking for a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is the asker's.
    Draft(Draft),
    /// Another is written just now.
    Busy,
    /// The one before was left by a writer that is gone: it is to be cleared first.
    LeftOver,
}

/// Records of products.
#[async_trait]
pub trait Catalogue {
    /// Sees to it that what is read as of `as_of` stays as it is: whatever is published later gets
    /// a later instant. Waits for a publication that is under way.
    async fn catalogue_fix(&mut self, retailer: &str, as_of: Timestamp) -> Result<(), Error>;
    /// Begins a draft, the writer's until `until`.
    async fn catalogue_begin(
        &mut self,
        retailer: &str,
        writer: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Begun, Error>;
    /// Adds to a draft and keeps it until `until`; an error where it is not the writer's any more.
    /// What later versions replaced before `forget` is let go.
    async fn catalogue_add(
        &mut self,
        draft: &Draft,
        products: &[ProductRow],
        prices: &[PriceRow],
        until: Timestamp,
        forget: Timestamp,
    ) -> Result<(), Error>;
    /// Shows a draft, all of it, and answers its instant: `now`, or later where `now` was read already.
    async fn catalogue_publish(
        &mut self,
        draft: &Draft,
        now: Timestamp,
    ) -> Result<Timestamp, Error>;
    /// Takes up to `limit` rows of a draft away; true where that was all, and the draft is gone.
    async fn catalogue_clear(&mut self, draft: &Draft, limit: u32) -> Result<bool, Error>;
    /// Takes over a draft whose writer's time was over at `now`; none where there is none.
    async fn catalogue_take_over(
        &mut self,
        writer: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Draft>, Error>;
    /// Lets go of up to `limit` versions from before `before` of which no row is left; how many.
    async fn catalogue_forget(&mut self, before: Timestamp, limit: u32) -> Result<u64, Error>;
    /// Products of up to `limit` keys after `after` in the order of sku, as they were at `as_of`, with
    /// the store's own prices where a store is asked for.
    async fn catalogue_page(
        &mut self,
        retailer: &str,
        store_id: Option<&str>,
        as_of: Timestamp,
        after: &str,
        limit: u32,
    ) -> Result<ListedPage, Error>;
    /// These products as they are now, in any order.
    async fn catalogue_products(
        &mut self,
        retailer: &str,
        skus: &[String],
    ) -> Result<Vec<(ProductRow, Timestamp)>, Error>;
    /// These stores' prices, by sku and store, as they are now, in any order.
    async fn catalogue_prices(
        &mut self,
        retailer: &str,
        of: &[(String, String)],
    ) -> Result<Vec<PriceRow>, Error>;
    /// All stores' prices of a product as they are now, in the order of stores, each with the
    /// instant of its change; also those that were taken away.
    async fn catalogue_prices_of(
        &mut self,
        retailer: &str,
        sku: &str,
    ) -> Result<Vec<(PriceRow, Timestamp)>, Error>;
}
