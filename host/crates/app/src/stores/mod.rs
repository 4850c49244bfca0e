//! The import of stores from files.
//!
//! Owns: the layout of the files, and that a file is imported completely or not at all.

mod import;
mod invalid;
mod row;
mod single;

pub use crate::tabular::{
    Guards, ImportOptions, NotImported, Problems, Step, Steps, Upload, Watch,
};
pub use import::{StoreImportRequest, StoresImported};
pub use invalid::InvalidStore;
pub(crate) use invalid::invalid;
pub use single::NewStore;

use crate::core::Core;
use galleria_domain::Store;
use galleria_ports::Error;
use galleria_ports::records::Tx;

/// Creates, replaces, imports and lists stores. Cheap to clone.
#[derive(Clone)]
pub struct Stores {
    core: Core,
}

impl Stores {
    pub(crate) fn new(core: Core) -> Self {
        Self { core }
    }
}

/// All stores, or those of one retailer, sorted by id.
pub(crate) async fn all(tx: &mut dyn Tx, retailer: Option<&str>) -> Result<Vec<Store>, Error> {
    const PAGE: u32 = 1_000;
    let mut all: Vec<Store> = Vec::new();
    loop {
        let after = all.last().map(|store| store.id.clone()).unwrap_or_default();
        let page = tx.store_list(retailer, &after, PAGE).await?;
        let full = page.len() == PAGE as usize;
        all.extend(page);
        if !full {
            return Ok(all);
        }
    }
}
