//! Settings that describe a file: how to recognise each record, and the positions of its fields.
//!
//! Positions count characters from 1, including the record's own mark.

use crate::records::MAX_RECORD;
use galleria_sdk::csv::Encoding;
use galleria_sdk::statement::KindWord;
use galleria_sdk::{Date, NumberFormat, Problem, money};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The plugin's settings.
#[derive(Clone, Debug, Deserialize)]
pub struct Settings {
    /// The name of the statement's provider.
    pub provider: String,
    /// The account at the provider, if the header does not contain it.
    #[serde(default)]
    pub account: String,
    /// ISO 4217, if the header does not contain the currency.
    #[serde(default)]
    pub currency: String,
    /// The encoding of the file.
    #[serde(default)]
    pub encoding: Encoding,
    /// `,` or `.` if amounts are in major units. Without it they are in minor units.
    #[serde(default)]
    pub decimal_mark: Option<char>,
    /// The character between groups of three digits, if amounts have a decimal mark.
    #[serde(default)]
    pub thousands: Option<char>,
    /// The format of a day, with `dd`, `mm` and `yyyy`.
    #[serde(default = "compact")]
    pub date: String,
    /// How to recognise each record.
    #[serde(default)]
    pub records: Kinds,
    /// The fields of the first record.
    pub header: Header,
    /// The fields of a line.
    pub detail: Detail,
    /// The fields of the last record.
    pub trailer: Trailer,
    /// The meaning of each word in the field `kind`.
    #[serde(default)]
    pub kinds: BTreeMap<String, KindWord>,
    /// How the file writes a fee that the provider kept.
    #[serde(default)]
    pub fee_sign: FeeSign,
    /// How the file writes repayments and costs.
    #[serde(default)]
    pub negative_amounts: NegativeAmounts,
}

fn compact() -> String {
    "yyyymmdd".to_owned()
}

/// The first characters of a record.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the settings' fields document each")]
pub struct Kinds {
    pub header: String,
    pub detail: String,
    pub trailer: String,
}

impl Default for Kinds {
    fn default() -> Self {
        Self {
            header: "H".to_owned(),
            detail: "D".to_owned(),
            trailer: "T".to_owned(),
        }
    }
}

/// A position: the first character and the length.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Field {
    /// From 1.
    pub at: u32,
    /// In characters.
    pub length: u32,
}

/// The position of an amount.
#[derive(Clone, Debug, Deserialize)]
pub struct Digits {
    /// From 1.
    pub at: u32,
    /// In characters.
    pub length: u32,
    /// The position of a separate sign. Without it, the sign is part of the amount.
    #[serde(default)]
    pub sign: Option<Sign>,
}

/// A separate sign.
#[derive(Clone, Debug, Deserialize)]
pub struct Sign {
    /// From 1.
    pub at: u32,
    /// Such as `D` or `-`.
    pub negative: String,
    /// Such as `C`, `+` or a blank.
    pub positive: String,
}

/// The fields of the first record.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the contract's record `header` documents each")]
pub struct Header {
    pub reference: Field,
    pub paid_on: Field,
    #[serde(default)]
    pub currency: Option<Field>,
    #[serde(default)]
    pub account: Option<Field>,
}

/// The fields of a line.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the contract's record `line` documents each")]
pub struct Detail {
    pub gross: Digits,
    #[serde(default)]
    pub fee: Option<Digits>,
    #[serde(default)]
    pub net: Option<Digits>,
    /// The kind of the line. Without it, a positive amount is a payment and a negative one a
    /// refund.
    #[serde(default)]
    pub kind: Option<Field>,
    #[serde(default)]
    pub booked_at: Option<Field>,
    #[serde(default)]
    pub id: Option<Field>,
    #[serde(default)]
    pub psp_reference: Option<Field>,
    #[serde(default)]
    pub modification_reference: Option<Field>,
    #[serde(default)]
    pub merchant_reference: Option<Field>,
}

/// The fields of the last record. At least one is required, because an empty trailer proves nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(
    missing_docs,
    reason = "each is a sum over the lines' field of the same name"
)]
pub struct Trailer {
    pub count: Option<Field>,
    /// The records that `count` counts.
    pub counted: Counted,
    pub gross: Option<Digits>,
    pub fee: Option<Digits>,
    pub net: Option<Digits>,
}

/// The records that the trailer counts.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Lines.
    #[default]
    Details,
    /// Lines, header and trailer.
    All,
}

/// How the file writes a fee that the provider kept.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum FeeSign {
    /// Positive.
    #[default]
    Positive,
    /// Negative: as a change of the balance.
    Negative,
}

/// How the file writes repayments and costs.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum NegativeAmounts {
    /// Negative.
    #[default]
    Signed,
    /// Without a sign: the kind defines it.
    Unsigned,
}

impl Settings {
    /// Returns the format of amounts.
    pub fn numbers(&self) -> NumberFormat {
        match self.decimal_mark {
            Some(mark) => NumberFormat::new(mark, self.thousands),
            None => NumberFormat::minor_units(),
        }
    }

    /// Returns the problems of settings with valid types.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.places();
        if let Some(mark) = self.decimal_mark {
            let marks = NumberFormat::wrong_settings(mark, self.thousands);
            problems.extend(marks.map(|(setting, rule)| Problem::new(setting, rule)));
        } else if self.thousands.is_some() {
            let message = "needs decimal_mark, because minor units have no marks";
            problems.push(Problem::new("thousands", message));
        }
        let mut refuse = |good: bool, field: &str, message: &str| {
            if !good {
                problems.push(Problem::new(field, message));
            }
        };
        refuse(
            !self.provider.trim().is_empty(),
            "provider",
            "must name the provider",
        );
        refuse(
            Date::is_pattern(&self.date),
            "date",
            "must have dd, mm and yyyy, such as yyyymmdd",
        );
        let has_field = self.header.currency.is_some();
        let set = money::currency(&self.currency).is_ok_and(|code| code == self.currency);
        refuse(
            has_field || set,
            "currency",
            "must be a code such as EUR unless header.currency is named",
        );
        refuse(
            !has_field || self.currency.is_empty(),
            "currency",
            "is also in header.currency: use only one of them",
        );
        let kinds = self.detail.kind.is_none() == self.kinds.is_empty();
        refuse(
            kinds,
            "kinds",
            "and detail.kind must be used together: the words and their position",
        );
        let signs_known =
            self.detail.kind.is_some() || self.negative_amounts == NegativeAmounts::Signed;
        refuse(
            signs_known,
            "negative_amounts",
            "unsigned needs detail.kind, otherwise refunds and payments cannot be distinguished",
        );
        let trailer = &self.trailer;
        let any = trailer.count.is_some() || trailer.gross.is_some() || trailer.net.is_some();
        refuse(
            any,
            "trailer",
            "must name count, gross or net, otherwise an incomplete file is not detected",
        );
        let marks = [
            &self.records.header,
            &self.records.detail,
            &self.records.trailer,
        ];
        let clash = marks.iter().enumerate().any(|(index, mark)| {
            let others = marks
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != index);
            mark.trim().is_empty()
                || others
                    .into_iter()
                    .any(|(_, other)| other.starts_with(mark.as_str()))
        });
        refuse(
            !clash,
            "records",
            "must start differently: no start may be the start of another",
        );
        problems
    }

    /// Every position must be inside a record.
    fn places(&self) -> Vec<Problem> {
        let (header, detail, trailer) = (&self.header, &self.detail, &self.trailer);
        let of = |digits: &Digits| Field {
            at: digits.at,
            length: digits.length,
        };
        let amount = |digits: &Option<Digits>| digits.as_ref().map(of);
        let places = [
            ("header.reference", Some(header.reference)),
            ("header.paid_on", Some(header.paid_on)),
            ("header.currency", header.currency),
            ("header.account", header.account),
            ("detail.gross", Some(of(&detail.gross))),
            ("detail.fee", amount(&detail.fee)),
            ("detail.net", amount(&detail.net)),
            ("detail.kind", detail.kind),
            ("detail.booked_at", detail.booked_at),
            ("detail.id", detail.id),
            ("detail.psp_reference", detail.psp_reference),
            (
                "detail.modification_reference",
                detail.modification_reference,
            ),
            ("detail.merchant_reference", detail.merchant_reference),
            ("trailer.count", trailer.count),
            ("trailer.gross", amount(&trailer.gross)),
            ("trailer.fee", amount(&trailer.fee)),
            ("trailer.net", amount(&trailer.net)),
        ];
        let signs = [
            ("detail.gross.sign", &detail.gross.sign),
            (
                "detail.fee.sign",
                &detail.fee.as_ref().and_then(|digits| digits.sign.clone()),
            ),
            (
                "detail.net.sign",
                &detail.net.as_ref().and_then(|digits| digits.sign.clone()),
            ),
        ];
        let outside = |at: u32, length: u32| {
            at == 0 || length == 0 || u64::from(at) + u64::from(length) > MAX_RECORD as u64
        };
        let mut problems = Vec::new();
        for (name, place) in places {
            if place.is_some_and(|place| outside(place.at, place.length)) {
                let message = "must start at 1 or later, and contain at least one of the record's 4096 characters";
                problems.push(Problem::new(name, message));
            }
        }
        for (name, sign) in signs {
            let wrong =
                |sign: &Sign| outside(sign.at, 1) || sign.negative.trim() == sign.positive.trim();
            if sign.as_ref().is_some_and(wrong) {
                let message = "must be a position inside the record, with two different signs";
                problems.push(Problem::new(name, message));
            }
        }
        problems
    }
}
