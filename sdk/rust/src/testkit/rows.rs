//! The columns that the rows of a fixture's feeds become.

use crate::bindings::words::types::Texts;
use crate::bindings::words::{products, sale_lines, settlement};
use galleria_domain::feed::{CatalogueRow, SettlementRow};
use galleria_fixtures::SaleLineRow;

fn texts<'a>(cells: impl Iterator<Item = &'a String>) -> Texts {
    let mut column = Texts::default();
    for cell in cells {
        column.bytes.push_str(cell);
        column.ends.push(column.bytes.len() as u32);
    }
    column
}

macro_rules! columns {
    ($rows:ident: text $($text:ident)*; number $($number:ident)*; flag $($flag:ident)*; $($rest:tt)*) => {
        columns!(@batch $rows { $($rest)* }
            $($text: texts($rows.iter().map(|row| &row.$text)),)*
            $($number: $rows.iter().map(|row| i64::from(row.$number)).collect(),)*
            $($flag: $rows.iter().map(|row| u8::from(row.$flag)).collect(),)*)
    };
    (@batch $rows:ident { $($module:ident)::+, $($decimal:ident $scale:ident)* } $($columns:tt)*) => {
        $($module)::+ {
            $($columns)*
            $($decimal: $rows.iter().map(|row| row.$decimal.unscaled).collect(),
              $scale: $rows.iter().map(|row| row.$decimal.scale).collect(),)*
        }
    };
}

/// Converts rows to columns.
pub fn sale_lines(rows: &[SaleLineRow]) -> sale_lines::Batch {
    columns!(rows:
        text store business_date begun_at entry sku description category currency tax_code;
        number number amount net discount tax;
        flag returned;
        sale_lines::Batch, quantity quantity_scale)
}

/// Converts rows to columns.
pub fn products(rows: &[CatalogueRow]) -> products::Batch {
    columns!(rows:
        text sku gtin name category unit currency tax_code changed_at;
        number;
        flag active changed;
        products::Batch, price price_scale)
}

/// Converts rows to columns.
pub fn settlement(rows: &[SettlementRow]) -> settlement::Batch {
    columns!(rows:
        text outcome kind provider account statement paid_on store business_date entry
            psp_reference merchant_reference booked_at currency paid_currency;
        number gross converted fee net difference;
        flag;
        settlement::Batch,)
}
