//! Settings: the retailer's choices where the public standard leaves them open, and their problems.
//! Every key has a default; README.md explains each.

use crate::{codes, file_name};
use galleria_sdk::Problem;
use serde::Deserialize;
use std::collections::BTreeMap;

/// All keys are optional.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The namespace of all elements.
    pub namespace: String,
    /// The pattern of file names.
    pub file_name: String,
    /// Spaces per level; 0 writes everything in one line.
    pub indent: u8,
    pub return_style: ReturnStyle,
    pub change_style: ChangeStyle,
    /// The store id for `UnitID`.
    pub unit_id: UnitId,
    /// `UnitID@TypeCode`.
    pub unit_type: String,
    pub cashier: CashierStyle,
    /// Written instead of the cashier if there was none. If empty, `OperatorID` is left out.
    pub unattended_cashier: String,
    /// `WorkstationID@TypeCode`.
    pub workstation_type: String,
    /// Whether to write `Channel`, with the store type and the workstation.
    pub channel: bool,
    /// `LineItem@EntryMethod` of sold goods.
    pub entry_method: String,
    /// `TaxType` of every tax.
    pub tax_type: String,
    /// Whether to write the basket's taxes as line items too, after those of the lines.
    pub tax_lines: bool,
    /// `Description@Language`, ISO 639-2. If empty it is left out, which means English in the
    /// standard.
    pub language: String,
    /// The prefix of values that the standard's lists lack.
    pub extension_prefix: String,
    /// The item of a refund by amount, which returns no line.
    pub amount_item: String,
    /// `TenderType` by kind of tender; overrides the default table.
    pub tender_types: BTreeMap<String, String>,
    pub publish: Publish,
}

/// How returned goods are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReturnStyle {
    /// `Return`, with positive quantities and totals.
    Return,
    /// `Sale`, with a negative quantity and, in a refund, negative totals.
    NegativeSale,
}

/// Where change is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeStyle {
    /// Inside the tender that it was given for.
    Tender,
    /// As a line item after the tender.
    Line,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitId {
    /// The retailer's id.
    External,
    /// The platform's id.
    Store,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CashierStyle {
    /// `<OperatorID>17</OperatorID>`.
    Text,
    /// `<OperatorID WorkerID="17">17</OperatorID>`.
    Worker,
    /// Not written.
    Omit,
}

/// What is published besides the file.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Publish {
    pub sales: bool,
    pub refunds: bool,
    pub voids: bool,
    pub shifts: bool,
    /// Whether training entries are published too.
    pub training: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            namespace: "http://www.nrf-arts.org/IXRetail/namespace/".into(),
            file_name: "{kind}_{store}_{date}_{workstation}_{sequence}.xml".into(),
            indent: 2,
            return_style: ReturnStyle::Return,
            change_style: ChangeStyle::Tender,
            unit_id: UnitId::External,
            unit_type: "RetailStore".into(),
            cashier: CashierStyle::Text,
            unattended_cashier: String::new(),
            workstation_type: "POS".into(),
            channel: true,
            entry_method: "SelfScan".into(),
            tax_type: "VAT".into(),
            tax_lines: true,
            language: String::new(),
            extension_prefix: "FTC".into(),
            amount_item: "AMOUNT".into(),
            tender_types: BTreeMap::new(),
            publish: Publish::default(),
        }
    }
}

impl Default for Publish {
    fn default() -> Self {
        Self {
            sales: true,
            refunds: true,
            voids: true,
            shifts: true,
            training: false,
        }
    }
}

impl Settings {
    /// Returns the `TenderType` of a kind of tender.
    pub fn tender_type(&self, kind: &str) -> String {
        let chosen = self.tender_types.get(kind).cloned();
        chosen.unwrap_or_else(|| codes::tender(kind, &self.extension_prefix))
    }

    /// `prefix:Name`.
    pub fn extension(&self, word: &str) -> String {
        codes::extension(&self.extension_prefix, word)
    }

    /// Returns all problems together.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut refuse = |good: bool, field: &str, message: String| {
            if !good {
                problems.push(Problem::new(field, message));
            }
        };
        let printable = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
        refuse(
            printable(&self.namespace) && self.namespace.contains(':'),
            "namespace",
            "must be a URI without blanks, such as http://www.nrf-arts.org/IXRetail/namespace/"
                .into(),
        );
        for message in file_name::problems(&self.file_name) {
            refuse(false, "file_name", message);
        }
        refuse(
            self.indent <= 8,
            "indent",
            "must be 0 to 8 spaces; 0 writes all in one line".into(),
        );
        refuse(
            codes::is_prefix(&self.extension_prefix),
            "extension_prefix",
            "must be letters and digits, such as FTC".into(),
        );
        refuse(
            printable(&self.amount_item),
            "amount_item",
            "must be an item's number without blanks, such as AMOUNT".into(),
        );
        let letters = self.language.bytes().all(|byte| byte.is_ascii_lowercase());
        refuse(
            self.language.is_empty() || (self.language.len() == 3 && letters),
            "language",
            "must be three lower-case letters of ISO 639-2, such as dan, or empty".into(),
        );
        let lists = [
            ("unit_type", &self.unit_type, codes::UNIT_TYPES),
            (
                "workstation_type",
                &self.workstation_type,
                codes::WORKSTATION_TYPES,
            ),
            ("entry_method", &self.entry_method, codes::ENTRY_METHODS),
            ("tax_type", &self.tax_type, codes::TAX_TYPES),
        ];
        for (field, value, list) in lists {
            refuse(codes::fits(list, value), field, not_listed(value, list));
        }
        for (kind, value) in &self.tender_types {
            let field = ["tender_types.", kind].concat();
            refuse(
                !kind.is_empty(),
                &field,
                "must name a kind of tender, such as cash".into(),
            );
            refuse(
                codes::fits(codes::TENDER_TYPES, value),
                &field,
                not_listed(value, codes::TENDER_TYPES),
            );
        }
        problems
    }
}

fn not_listed(value: &str, list: &[&str]) -> String {
    [
        "`",
        value,
        "` must be one of ",
        &list.join(", "),
        ", or prefix:Name in letters and digits",
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Vec<String> {
        let settings: Settings = serde_json::from_str(text).expect("settings that can be read");
        settings
            .problems()
            .into_iter()
            .map(|problem| problem.field)
            .collect()
    }

    #[test]
    fn the_defaults_are_valid() {
        assert!(fields("{}").is_empty());
    }

    #[test]
    fn every_wrong_value_is_reported() {
        let text = r#"{
            "namespace": "no uri", "file_name": "{kind}.xml", "indent": 9, "unit_type": "Shop",
            "workstation_type": "Till", "entry_method": "selfscan", "tax_type": "MOMS",
            "language": "da", "extension_prefix": "f-t", "amount_item": "",
            "tender_types": { "cash": "Coins", "swish": "FTC:Swish", "card": "CreditDebit" }
        }"#;
        let mut found = fields(text);
        found.dedup();
        let wrong = [
            "namespace",
            "file_name",
            "indent",
            "extension_prefix",
            "amount_item",
            "language",
            "unit_type",
            "workstation_type",
            "entry_method",
            "tax_type",
            "tender_types.cash",
        ];
        assert_eq!(found, wrong);
    }

    #[test]
    fn unknown_keys_are_reported_at_every_depth() {
        for text in [
            r#"{"colour":1}"#,
            r#"{"publish":{"sale":true}}"#,
            r#"{"return_style":"minus"}"#,
        ] {
            assert!(serde_json::from_str::<Settings>(text).is_err(), "{text}");
        }
    }
}
