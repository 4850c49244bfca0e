//! The products of a retailer, with prices by store.
//!
//! Owns: the rules for products, the import of product files, and the price that applies in a store.

mod checks;
mod drafts;
mod import;
mod publication;
mod request;
mod row;
mod single;
mod view;

pub use crate::tabular::{
    Format, Guards, ImportOptions, MAX_LISTED, NotImported, Problems, Step, Steps, Upload, Watch,
};
pub use request::{CatalogueImportRequest, Imported, Missing, PriceCounts};
pub use single::{NewProduct, NewStorePrice};
pub use view::{ProductDetail, ProductPage, ProductQuery, ProductView, StorePriceView, price_text};

pub(crate) use view::in_scope;

use crate::core::Core;
use drafts::LeasedDraft;

/// Imports and lists products and prices. Cheap to clone.
#[derive(Clone)]
pub struct Catalogue {
    core: Core,
}

impl Catalogue {
    pub(crate) fn new(core: Core) -> Self {
        Self { core }
    }

    /// The ports of this service.
    pub fn core(&self) -> &Core {
        &self.core
    }
}
