//! Products of a retailer, with prices by store.
//!
//! Owns: what a product may be, how a file of them is imported, which price holds in a store. Never
//! knows: what a till does with it.

mod checks;
mod drafts;
mod import;
mod row;
mod single;
mod view;

pub use crate::tabular::{Format, NotImported, Problems, Step, Steps, TOLD, Upload, Watch};
pub use import::{CatalogueImportRequest, Imported, Missing, PriceCounts};
pub use single::{NewProduct, NewStorePrice};
pub use view::{ProductDetail, ProductPage, ProductQuery, ProductView, StorePriceView};

pub(crate) use view::in_scope;

use drafts::Held;
