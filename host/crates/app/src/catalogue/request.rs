//! The request and the result of an import of products.

use crate::tabular::{Format, ImportOptions};
use galleria_domain::Problem;
use galleria_number_format::NumberFormat;
use serde::{Deserialize, Serialize};

/// What happens to products that a file does not contain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// They stay unchanged: the file contains only changes.
    #[default]
    Keep,
    /// They are deactivated: the file contains the complete catalogue.
    Deactivate,
}

/// The options of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueImportRequest {
    /// The retailer.
    pub retailer: String,
    /// The format of the file.
    pub format: Format,
    /// Whether prices have a decimal comma.
    pub decimal_comma: bool,
    /// The character between groups of three digits in prices. Without it, such a character is rejected.
    pub thousands: Option<char>,
    /// The options of every import.
    pub options: ImportOptions,
    /// What happens to products that the file does not contain.
    pub missing: Missing,
}

impl CatalogueImportRequest {
    /// The format of prices, or the wrong option and its rule.
    pub(super) fn numbers(&self) -> Result<NumberFormat, Problem> {
        let decimal = if self.decimal_comma { ',' } else { '.' };
        match NumberFormat::wrong_settings(decimal, self.thousands).next() {
            Some((option, rule)) => Err(Problem::new(option, rule)),
            None => Ok(NumberFormat::new(decimal, self.thousands)
                .with_settings("the options decimal_comma and thousands")),
        }
    }
}

/// The result of an import. `added`, `changed`, `unchanged` and `deactivated` count products.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Imported {
    /// Whether it was a dry run.
    pub dry_run: bool,
    /// Rows of the file, without the header.
    pub rows: u64,
    /// New products.
    pub added: u64,
    /// Changed products.
    pub changed: u64,
    /// Unchanged products.
    pub unchanged: u64,
    /// Products that are no longer sold.
    pub deactivated: u64,
    /// Prices of single stores.
    pub store_prices: PriceCounts,
}

/// Counts of prices of single stores.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PriceCounts {
    /// New prices.
    pub added: u64,
    /// Changed prices.
    pub changed: u64,
    /// Unchanged prices.
    pub unchanged: u64,
    /// Removed prices.
    pub removed: u64,
}
