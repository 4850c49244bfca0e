//! The reports, and the possible columns of each.
//!
//! The list is closed: a column that is not here is rejected before any run, with the list.

use serde::Deserialize;

/// The report that a slot writes.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "README.md tells what each counts")]
pub enum Report {
    SalesByDay,
    SalesByHour,
    SalesByArticle,
    SalesByCategory,
    Discounts,
    Coupons,
    Refunds,
    Tenders,
    Taxes,
    Verifications,
}

/// The content of a cell. The number is the index in a `Fact`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The retailer's id of the store.
    Store,
    /// The business date.
    Date,
    /// ISO 4217, of all amounts in the row.
    Currency,
    /// A value that distinguishes rows, if the column is selected.
    Key(usize),
    /// The same, with a number.
    Rate(usize),
    /// A text of the row.
    Label(usize),
    /// A count. It can be added up over rows.
    Count(usize),
    /// A count of things that may occur in several rows, so their sum has no meaning.
    CountOnce(usize),
    /// Minor units. They can be added up over rows of one currency.
    Amount(usize),
    /// The sum of pieces, weights and lengths.
    Quantity,
}

/// A column by its name in settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name in settings, and the default header.
    pub name: &'static str,
    /// The content of its cells.
    pub role: Role,
}

impl Role {
    /// Whether its cells are amounts.
    pub fn is_amount(self) -> bool {
        matches!(self, Self::Amount(_))
    }

    /// The index of the key that it shows.
    pub fn key(self) -> Option<usize> {
        match self {
            Self::Key(at) | Self::Rate(at) => Some(at),
            _ => None,
        }
    }
}

macro_rules! columns {
    ($($name:literal $role:ident $(($at:literal))?),+ $(,)?) => {
        &[$(Column { name: $name, role: Role::$role $(($at))? }),+]
    };
}

/// Keys and labels of sales, then the columns that all reports of sales have.
macro_rules! sales {
    ($transactions:ident; $($name:literal $role:ident $(($at:literal))?),* $(,)?) => {
        columns!(
            "store" Store, "business_date" Date, $($name $role $(($at))?,)* "currency" Currency,
            "transactions" $transactions(0), "lines" Count(1), "quantity" Quantity,
            "sales" Amount(0), "returns" Amount(1), "gross" Amount(2), "net" Amount(3),
            "tax" Amount(4), "discount" Amount(5),
        )
    };
}

macro_rules! reductions {
    ($($name:literal $role:ident $(($at:literal))?),* $(,)?) => {
        columns!(
            "store" Store, "business_date" Date, $($name $role $(($at))?,)* "currency" Currency,
            "lines" Count(0), "given" Amount(0), "taken_back" Amount(1), "amount" Amount(2),
        )
    };
}

impl Report {
    /// All reports.
    pub const ALL: [Self; 10] = [
        Self::SalesByDay,
        Self::SalesByHour,
        Self::SalesByArticle,
        Self::SalesByCategory,
        Self::Discounts,
        Self::Coupons,
        Self::Refunds,
        Self::Tenders,
        Self::Taxes,
        Self::Verifications,
    ];

    /// The name in settings and file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::SalesByDay => "sales-by-day",
            Self::SalesByHour => "sales-by-hour",
            Self::SalesByArticle => "sales-by-article",
            Self::SalesByCategory => "sales-by-category",
            Self::Discounts => "discounts",
            Self::Coupons => "coupons",
            Self::Refunds => "refunds",
            Self::Tenders => "tenders",
            Self::Taxes => "taxes",
            Self::Verifications => "verifications",
        }
    }

    /// Whether each row covers one day, independent of the settings.
    pub fn always_by_day(self) -> bool {
        matches!(self, Self::SalesByDay | Self::SalesByHour | Self::Refunds)
    }

    /// The possible columns, in the order of a file whose settings name no columns.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::SalesByDay => sales!(Count;),
            Self::SalesByHour => sales!(Count; "hour" Key(0)),
            Self::SalesByArticle => {
                sales!(CountOnce; "sku" Key(0), "description" Label(0), "category" Label(1))
            }
            Self::SalesByCategory => sales!(CountOnce; "category" Key(0)),
            Self::Discounts => {
                reductions!("discount" Key(0), "reason" Key(1), "basket" Key(2))
            }
            Self::Coupons => reductions!("coupon" Key(0), "discount" Key(1), "reason" Key(2)),
            Self::Refunds => columns!(
                "store" Store, "business_date" Date, "kind" Label(0), "refund" Label(1),
                "at" Label(2), "receipt" Label(3), "order" Label(4), "sale_receipt" Label(5),
                "cashier" Label(6), "reason" Label(7), "currency" Currency, "lines" Count(0),
                "gross" Amount(0), "net" Amount(1), "tax" Amount(2),
            ),
            Self::Tenders => columns!(
                "store" Store, "business_date" Date, "tender" Key(0), "scheme" Key(1),
                "provider" Key(2), "currency" Currency, "payments" Count(0), "paid" Amount(0),
                "repayments" Count(1), "paid_back" Amount(1), "amount" Amount(2),
            ),
            Self::Taxes => columns!(
                "store" Store, "business_date" Date, "authority" Key(0), "tax_code" Key(1),
                "treatment" Key(2), "rate" Rate(3), "currency" Currency, "taxable" Amount(0),
                "tax" Amount(1), "gross" Amount(2),
            ),
            Self::Verifications => columns!(
                "store" Store, "business_date" Date, "outcome" Key(0), "cashier" Key(1),
                "currency" Currency, "verifications" Count(0), "lines" Count(1),
                "refused_lines" Count(2), "basket" Amount(0),
            ),
        }
    }
}
