//! The file's columns by their names in the settings.

use crate::sums::{MEASURES, Measure, PARTS, Part};
use serde::Deserialize;

/// A column and its header.
#[derive(Clone, Debug, Deserialize)]
pub struct Titled {
    /// The content of the cells.
    pub column: Column,
    /// The name in the first row.
    pub header: String,
}

/// The content of a cell.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub enum Column {
    /// `day`, or `statement` for the row of totals.
    Record,
    /// The payment provider.
    Provider,
    /// The retailer's account at the provider.
    Account,
    /// The provider's reference of the payout.
    Statement,
    /// The day of the payout.
    PaidOn,
    /// The retailer's id of the store; empty if the lines belong to no store.
    Store,
    /// Of the sales and refunds; empty if there is none.
    BusinessDate,
    /// The payout's currency, of all amounts in the row.
    Currency,
    /// Such as `net`, `sales_gross` or `unmatched_lines`.
    Sum(Part, Measure),
    /// The statement's amount less the recorded amount, if both are in the payout's currency.
    Difference,
    /// The number of lines in another currency that differ from their record.
    ForeignDifferences,
}

const PLAIN: [(&str, Column); 10] = [
    ("record", Column::Record),
    ("provider", Column::Provider),
    ("account", Column::Account),
    ("statement", Column::Statement),
    ("paid_on", Column::PaidOn),
    ("store", Column::Store),
    ("business_date", Column::BusinessDate),
    ("currency", Column::Currency),
    ("difference", Column::Difference),
    ("foreign_differences", Column::ForeignDifferences),
];

impl TryFrom<String> for Column {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let plain = PLAIN.iter().find(|(known, _)| *known == name);
        if let Some((_, column)) = plain {
            return Ok(*column);
        }
        let measure = |name: &str| {
            let found = MEASURES.iter().find(|(known, _)| *known == name);
            found.map(|(_, measure)| *measure)
        };
        if let Some(measure) = measure(&name) {
            return Ok(Self::Sum(Part::All, measure));
        }
        let sum = name.rsplit_once('_').and_then(|(part, of)| {
            let part = PARTS.iter().find(|(known, _)| *known == part);
            Some(Self::Sum(part?.1, measure(of)?))
        });
        sum.ok_or_else(|| {
            let plain = PLAIN.map(|(name, _)| name).join(", ");
            let parts = PARTS.map(|(name, _)| name).join(", ");
            let measures = MEASURES.map(|(name, _)| name).join(", ");
            format!(
                "unknown column `{name}`; known columns: {plain}; {measures}; and each of these after one of {parts} and a _"
            )
        })
    }
}

/// The default columns: everything that is counted, and what is open.
pub fn default() -> Vec<Titled> {
    let names = [
        "record",
        "provider",
        "account",
        "statement",
        "paid_on",
        "store",
        "business_date",
        "currency",
        "lines",
        "sales_lines",
        "sales_gross",
        "sales_fee",
        "sales_net",
        "refunds_lines",
        "refunds_gross",
        "refunds_fee",
        "refunds_net",
        "chargebacks_lines",
        "chargebacks_gross",
        "chargebacks_fee",
        "chargebacks_net",
        "fees_lines",
        "fees_net",
        "other_lines",
        "other_net",
        "gross",
        "fee",
        "net",
        "matched_net",
        "mismatched_net",
        "duplicates_net",
        "unmatched_net",
        "not_applicable_net",
        "difference",
        "foreign_differences",
    ];
    let titled = |name: &str| {
        let column = Column::try_from(name.to_owned()).ok()?;
        Some(Titled {
            column,
            header: name.to_owned(),
        })
    };
    names.into_iter().filter_map(titled).collect()
}
