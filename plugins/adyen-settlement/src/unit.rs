//! A currency, and how the file writes its amounts.

use galleria_sdk::csv::Row;
use galleria_sdk::prelude::*;
use galleria_sdk::{NumberFormat, money};

pub struct Unit<'a> {
    pub currency: &'a str,
    pub digits: u8,
    pub format: NumberFormat,
}

impl Unit<'_> {
    /// Parses an amount; `None` for an empty cell.
    pub fn amount(&self, row: &Row, index: usize, name: &str) -> Result<Option<Money>, Problem> {
        match row.cell(index) {
            "" => Ok(None),
            text => {
                let amount = money::parse_with(text, self.currency, self.digits, &self.format);
                amount
                    .map(Some)
                    .map_err(|bad| bad.in_row(row.number(), name))
            }
        }
    }
}
