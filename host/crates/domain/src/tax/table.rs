//! The tax table of a store: which taxes a tax code stands for on a business date.

use super::basket::{TaxKind, TaxRule, Treatment};
use super::check::rate_problem;
use crate::fault::Problem;
use crate::number::Decimal;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The maximum length of a code, a level, a level id and an authority: that of the platform's columns.
pub const MAX_CODE_LENGTH: usize = 25;

/// The maximum number of rows of a store's table.
pub const MAX_TABLE_ROWS: usize = 50_000;

/// One row: one tax of a tax code. The first four fields are those of the platform's table `tax_level`; the others
/// express what that table cannot. Rows of the same code and date apply together, in the order of `position`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TaxRow {
    /// The code of the items, such as `STANDARD`.
    pub tax_code: String,
    /// The name of the tax, such as `VAT 21`.
    pub tax_level: String,
    /// The retailer's id of the tax.
    pub retailer_tax_level_id: String,
    /// In per cent; for `fixed_per_unit` the amount per unit.
    pub tax_percent: Decimal,
    /// The authority that levies it, such as `ES`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub authority: String,
    /// The meaning of `tax_percent`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub kind: TaxKind,
    /// The class of the rate. Without it, a rate of 0 is zero-rated and any other is standard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub treatment: Option<Treatment>,
    /// Whether the base of later taxes contains this tax (a compound tax).
    #[serde(default, skip_serializing_if = "is_default")]
    pub affects_later_taxes: bool,
    /// Whether the base of this tax is the net amount even after a tax that affects later taxes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ignores_earlier_taxes: bool,
    /// The order among the taxes of the code; equal positions are ordered by `retailer_tax_level_id`.
    #[serde(default, skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "openapi", schema(maximum = 65535))]
    pub position: u16,
    /// The first business date on which the row applies; always if absent. The rows of a code with the latest date
    /// that is not after the business date replace all earlier rows of this code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = Date))]
    pub valid_from: Option<Date>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The key of a row in the table of a store.
pub type TaxRowKey = (String, String, Option<Date>);

impl TaxRow {
    /// The key of the row: code, level id, and date.
    pub fn key(&self) -> TaxRowKey {
        (
            self.tax_code.clone(),
            self.retailer_tax_level_id.clone(),
            self.valid_from,
        )
    }

    /// Whether the platform's table `tax_level` can express the row: its rate has at most 11 digits before the point
    /// and 2 after it.
    pub fn is_plain(&self) -> bool {
        self.authority.is_empty()
            && self.kind == TaxKind::Percent
            && self.treatment.is_none()
            && !self.affects_later_taxes
            && !self.ignores_earlier_taxes
            && self.position == 0
            && self.valid_from.is_none()
            && self.tax_percent.scale <= 2
    }

    /// Whether two rows mean the same: the digits of the rate do not count.
    pub fn is_same(&self, other: &Self) -> bool {
        let plain = |row: &Self| Self {
            tax_percent: Decimal::whole(0),
            ..row.clone()
        };
        self.tax_percent.exact() == other.tax_percent.exact() && plain(self) == plain(other)
    }

    /// The violated rules, by field.
    pub fn problems(&self) -> Vec<Problem> {
        let texts = [
            ("tax_code", &self.tax_code, 1),
            ("tax_level", &self.tax_level, 0),
            ("retailer_tax_level_id", &self.retailer_tax_level_id, 0),
            ("authority", &self.authority, 0),
        ];
        let invalid = texts.into_iter().filter(|(_, text, least)| {
            let length = text.chars().count();
            length < *least || length > MAX_CODE_LENGTH || text.chars().any(char::is_control)
        });
        let mut problems: Vec<_> = invalid
            .map(|(field, _, least)| {
                let rule = format!(
                    "must have {least} to {MAX_CODE_LENGTH} characters and no control characters"
                );
                Problem::new(field, rule)
            })
            .collect();
        let rule = rate_problem(self.kind, self.effective_treatment(), self.tax_percent);
        problems.extend(rule.map(|rule| Problem::new("tax_percent", rule)));
        problems
    }

    fn effective_treatment(&self) -> Treatment {
        self.treatment.unwrap_or(match self.tax_percent.unscaled {
            0 => Treatment::Zero,
            _ => Treatment::Standard,
        })
    }

    pub(super) fn rule(&self, included: bool) -> TaxRule {
        TaxRule {
            code: self.tax_code.clone(),
            authority: self.authority.clone(),
            kind: self.kind,
            rate: self.tax_percent,
            included,
            treatment: self.effective_treatment(),
            affects_later_taxes: self.affects_later_taxes,
            ignores_earlier_taxes: self.ignores_earlier_taxes,
        }
    }
}

/// The table of a store, by code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaxTable {
    /// The rows of each code, in the order in which they apply.
    codes: BTreeMap<String, Vec<TaxRow>>,
}

impl TaxTable {
    /// The code of [`TaxTable::any`].
    pub(super) const ANY: &str = "";

    /// A table of taxes for every code.
    pub fn any(rows: &[TaxRow]) -> Self {
        let mut table = Self::new(rows.iter().cloned());
        let mut all: Vec<TaxRow> = std::mem::take(&mut table.codes)
            .into_values()
            .flatten()
            .collect();
        all.sort_by_key(|row| row.position);
        if !all.is_empty() {
            table.codes.insert(Self::ANY.to_owned(), all);
        }
        table
    }

    /// The table with these rows.
    pub fn new(rows: impl IntoIterator<Item = TaxRow>) -> Self {
        let mut codes: BTreeMap<String, Vec<TaxRow>> = BTreeMap::new();
        for row in rows {
            codes.entry(row.tax_code.clone()).or_default().push(row);
        }
        for rows in codes.values_mut() {
            rows.sort_by(|one, other| {
                let order = |row: &TaxRow| (row.valid_from, row.position);
                order(one)
                    .cmp(&order(other))
                    .then_with(|| one.retailer_tax_level_id.cmp(&other.retailer_tax_level_id))
            });
        }
        Self { codes }
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// The rows of a code on a business date, in the order in which they apply; none if the code is unknown on that
    /// date.
    pub fn rows(&self, code: &str, date: Date) -> &[TaxRow] {
        let Some(rows) = self.codes.get(code) else {
            return &[];
        };
        let end = rows.partition_point(|row| row.valid_from.is_none_or(|from| from <= date));
        let Some(last) = rows[..end].last() else {
            return &[];
        };
        let begin = rows[..end].partition_point(|row| row.valid_from < last.valid_from);
        &rows[begin..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(code: &str, id: &str, percent: &str, from: Option<&str>) -> TaxRow {
        TaxRow {
            tax_code: code.into(),
            tax_level: id.to_uppercase(),
            retailer_tax_level_id: id.into(),
            tax_percent: percent.parse().expect("a rate"),
            authority: String::new(),
            kind: TaxKind::Percent,
            treatment: None,
            affects_later_taxes: false,
            ignores_earlier_taxes: false,
            position: 0,
            valid_from: from.map(|date| date.parse().expect("a date")),
        }
    }

    fn ids(table: &TaxTable, code: &str, date: &str) -> Vec<String> {
        let rows = table.rows(code, date.parse().expect("a date")).iter();
        rows.map(|row| row.retailer_tax_level_id.clone()).collect()
    }

    #[test]
    fn the_business_date_selects_the_rows_of_a_code() {
        let table = TaxTable::new([
            row("A", "new-2", "1", Some("2026-07-01")),
            row("A", "new-1", "6", Some("2026-07-01")),
            row("A", "old", "19", None),
            row("A", "next", "7", Some("2027-01-01")),
            row("B", "later", "5", Some("2026-12-01")),
        ]);
        assert_eq!(ids(&table, "A", "2026-06-30"), ["old"]);
        assert_eq!(ids(&table, "A", "2026-07-01"), ["new-1", "new-2"]);
        assert_eq!(ids(&table, "A", "2026-12-31"), ["new-1", "new-2"]);
        assert_eq!(ids(&table, "A", "2027-01-01"), ["next"]);
        assert_eq!(ids(&table, "B", "2026-11-30"), [""; 0]);
        assert_eq!(ids(&table, "C", "2026-11-30"), [""; 0]);
    }

    #[test]
    fn taxes_apply_in_the_order_of_their_position() {
        let mut first = row("A", "z", "5", None);
        first.position = 1;
        let mut second = row("A", "a", "8", None);
        second.position = 2;
        let table = TaxTable::new([second, first]);
        assert_eq!(ids(&table, "A", "2026-01-01"), ["z", "a"]);
    }

    #[test]
    fn a_rate_of_zero_is_zero_rated_unless_the_row_says_exempt() {
        let date = "2026-01-01".parse().expect("a date");
        let mut exempt = row("E", "e", "0", None);
        exempt.treatment = Some(Treatment::Exempt);
        let table = TaxTable::new([
            row("Z", "z", "0.00", None),
            exempt,
            row("S", "s", "21", None),
        ]);
        let treatment = |code| table.rows(code, date)[0].rule(true).treatment;
        assert_eq!(treatment("Z"), Treatment::Zero);
        assert_eq!(treatment("E"), Treatment::Exempt);
        assert_eq!(treatment("S"), Treatment::Standard);
    }

    #[test]
    fn a_row_reports_each_invalid_field() {
        let mut bad = row("", "id", "101", None);
        bad.tax_level = "x".repeat(26);
        bad.authority = "E\u{7}".into();
        bad.kind = TaxKind::Division;
        let problems = bad.problems();
        let fields: Vec<_> = problems.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(
            fields,
            ["tax_code", "tax_level", "authority", "tax_percent"]
        );
        assert_eq!(row("A", "", "21", None).problems(), []);
    }

    #[test]
    fn plain_rows_are_those_of_the_platform() {
        assert!(row("A", "a", "21.25", None).is_plain());
        assert!(!row("A", "a", "21.125", None).is_plain());
        assert!(!row("A", "a", "21", Some("2026-01-01")).is_plain());
        assert!(row("A", "a", "21", None).is_same(&row("A", "a", "21.00", None)));
        assert!(!row("A", "a", "21", None).is_same(&row("A", "a", "21.5", None)));
    }
}
