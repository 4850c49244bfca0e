//! Rows of feeds as fixtures write them, and the columns they become.

use crate::bindings::words::types::Texts;
use crate::bindings::words::{products, sale_lines, settlement};
use crate::{Decimal, Money};
use serde::{Deserialize, Serialize};

macro_rules! row {
    ($(#[$doc:meta])* $name:ident { $($(#[$attribute:meta])* $field:ident: $kind:ty),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(missing_docs, reason = "the row that an author reads documents each column")]
        pub struct $name { $($(#[$attribute])* pub $field: $kind),+ }
    };
}

row!(
    /// See [`SaleLine`](crate::SaleLine).
    SaleLineRow {
        store: String,
        business_date: String,
        begun_at: String,
        entry: String,
        number: i64,
        #[serde(default)]
        returned: bool,
        sku: String,
        #[serde(default)]
        description: String,
        #[serde(default)]
        category: String,
        quantity: Decimal,
        currency: String,
        amount: Money,
        #[serde(default)]
        net: Money,
        #[serde(default)]
        discount: Money,
        #[serde(default)]
        tax_code: String,
        #[serde(default)]
        tax: Money,
    }
);

row!(
    /// See [`Product`](crate::Product).
    ProductRow {
        sku: String,
        #[serde(default)]
        gtin: String,
        name: String,
        #[serde(default)]
        category: String,
        unit: String,
        price: Decimal,
        currency: String,
        tax_code: String,
        active: bool,
        changed_at: String,
        #[serde(default)]
        changed: bool,
    }
);

row!(
    /// See [`SettlementLine`](crate::SettlementLine).
    SettlementRow {
        outcome: String,
        kind: String,
        provider: String,
        #[serde(default)]
        account: String,
        statement: String,
        paid_on: String,
        #[serde(default)]
        store: String,
        #[serde(default)]
        business_date: String,
        #[serde(default)]
        entry: String,
        #[serde(default)]
        psp_reference: String,
        #[serde(default)]
        merchant_reference: String,
        booked_at: String,
        currency: String,
        gross: Money,
        paid_currency: String,
        converted: Money,
        fee: Money,
        net: Money,
        #[serde(default)]
        difference: Money,
    }
);

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
            $($number: $rows.iter().map(|row| row.$number).collect(),)*
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

/// These rows as columns.
pub fn sale_lines(rows: &[SaleLineRow]) -> sale_lines::Batch {
    columns!(rows:
        text store business_date begun_at entry sku description category currency tax_code;
        number number amount net discount tax;
        flag returned;
        sale_lines::Batch, quantity quantity_scale)
}

/// These rows as columns.
pub fn products(rows: &[ProductRow]) -> products::Batch {
    columns!(rows:
        text sku gtin name category unit currency tax_code changed_at;
        number;
        flag active changed;
        products::Batch, price price_scale)
}

/// These rows as columns.
pub fn settlement(rows: &[SettlementRow]) -> settlement::Batch {
    columns!(rows:
        text outcome kind provider account statement paid_on store business_date entry
            psp_reference merchant_reference booked_at currency paid_currency;
        number gross converted fee net difference;
        flag;
        settlement::Batch,)
}
