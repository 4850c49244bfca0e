//! Rows of tax tables.

use super::{DATE, DECIMAL, Reader, filled};
use crate::proto;
use galleria_domain::tax::TaxRow;
use galleria_domain::{Decimal, Problem};
use jiff::civil::Date;

impl TryFrom<proto::TaxRow> for TaxRow {
    /// Every violated rule of the message. [`TaxRow::problems`] has the rules of the table.
    type Error = Vec<Problem>;

    fn try_from(message: proto::TaxRow) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader::default();
        let percent = &message.tax_percent;
        let position = u16::try_from(message.position).unwrap_or_else(|_| {
            let rule = format!("must be at most {}, got {}", u16::MAX, message.position);
            reader.reject("position", rule);
            0
        });
        let row = Self {
            tax_percent: reader.parse(|| "tax_percent".into(), percent, DECIMAL, Decimal::whole(0)),
            kind: reader.kind(|| "kind".into(), message.kind),
            treatment: reader.treatment(|| "treatment".into(), message.treatment),
            valid_from: filled(message.valid_from)
                .map(|text| reader.parse(|| "valid_from".into(), &text, DATE, Date::ZERO)),
            tax_code: message.tax_code,
            tax_level: message.tax_level,
            retailer_tax_level_id: message.retailer_tax_level_id,
            authority: message.authority,
            affects_later_taxes: message.affects_later_taxes,
            ignores_earlier_taxes: message.ignores_earlier_taxes,
            position,
        };
        reader.finish(row)
    }
}

impl From<TaxRow> for proto::TaxRow {
    fn from(row: TaxRow) -> Self {
        Self {
            tax_percent: row.tax_percent.to_string(),
            kind: proto::TaxKind::from(row.kind).into(),
            treatment: row
                .treatment
                .map_or(proto::Treatment::Unspecified, Into::into)
                .into(),
            valid_from: row
                .valid_from
                .map(|date| date.to_string())
                .unwrap_or_default(),
            tax_code: row.tax_code,
            tax_level: row.tax_level,
            retailer_tax_level_id: row.retailer_tax_level_id,
            authority: row.authority,
            affects_later_taxes: row.affects_later_taxes,
            ignores_earlier_taxes: row.ignores_earlier_taxes,
            position: row.position.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_keeps_every_field() {
        for row in [
            r#"{"tax_code": "A", "tax_level": "VAT", "retailer_tax_level_id": "1", "tax_percent": "21.00"}"#,
            r#"{"tax_code": "A", "tax_level": "VAT", "retailer_tax_level_id": "1", "tax_percent": "0",
                "authority": "ES", "kind": "fixed_per_unit", "treatment": "exempt", "affects_later_taxes": true,
                "ignores_earlier_taxes": true, "position": 65535, "valid_from": "2026-12-01"}"#,
        ] {
            let row: TaxRow = serde_json::from_str(row).expect("a row");
            assert_eq!(TaxRow::try_from(proto::TaxRow::from(row.clone())), Ok(row));
        }
    }

    #[test]
    fn every_invalid_field_of_a_row_is_reported() {
        let message = proto::TaxRow {
            tax_percent: "21%".into(),
            kind: 9,
            treatment: -1,
            position: 65536,
            valid_from: "soon".into(),
            ..Default::default()
        };
        let problems = TaxRow::try_from(message).expect_err("invalid");
        let fields: Vec<_> = problems.iter().map(|problem| &*problem.field).collect();
        assert_eq!(
            fields,
            ["position", "tax_percent", "kind", "treatment", "valid_from"]
        );
    }
}
