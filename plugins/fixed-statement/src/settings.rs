//! Settings that describe a file: how to recognise each record, and the positions of its fields.
//!
//! Positions count characters, bytes or cells from 1, including the record's own mark.

use galleria_sdk::csv::Encoding;
use galleria_sdk::statement::KindWord;
use galleria_sdk::{DateFormat, NumberFormat, Problem};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The longest record of fixed width, in bytes. Such formats have 80 to 600.
pub const MAX_RECORD: usize = 4096;

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
    /// The character between the cells of a record. Without it, fields are at fixed positions of a line.
    #[serde(default)]
    pub delimiter: Option<char>,
    /// The unit of positions. Required if the units find different texts in a file.
    #[serde(default)]
    pub unit: Option<PositionUnit>,
    /// The format of a day: [`DateFormat`].
    #[serde(default = "compact")]
    pub date: String,
    /// The first of the hundred years that `yy` in `date` can mean.
    #[serde(default)]
    pub pivot_year: Option<u16>,
    /// The time zone of the account, for times with an offset from UTC.
    #[serde(default)]
    pub time_zone: Option<String>,
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

/// The unit of positions and lengths.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum PositionUnit {
    /// The bytes of the file.
    Bytes,
    /// The code points of Unicode.
    Characters,
}

/// The first characters of each record, or its first cells.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Kinds {
    /// The first record.
    pub header: String,
    /// The lines.
    pub detail: OneOrMore,
    /// The last record.
    pub trailer: String,
    /// Records without money, which may be anywhere.
    pub ignored: Vec<String>,
}

/// A text or a list of texts.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    /// A text.
    One(String),
    /// A list of texts.
    More(Vec<String>),
}

impl OneOrMore {
    /// Returns all texts.
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::More(texts) => texts,
        }
    }
}

impl Default for Kinds {
    fn default() -> Self {
        Self {
            header: "H".to_owned(),
            detail: OneOrMore::One("D".to_owned()),
            trailer: "T".to_owned(),
            ignored: Vec::new(),
        }
    }
}

/// A position: the first character and the length, or a cell.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Field {
    /// From 1.
    pub at: u32,
    /// In the unit of the file; not for a cell.
    #[serde(default)]
    pub length: u32,
}

/// The position of an amount.
#[derive(Clone, Debug, Deserialize)]
pub struct Digits {
    /// From 1.
    pub at: u32,
    /// In the unit of the file; not for a cell.
    #[serde(default)]
    pub length: u32,
    /// The position of a separate sign. Without it, the sign is part of the amount.
    #[serde(default)]
    pub sign: Option<Sign>,
}

impl Digits {
    /// Returns the position without the sign.
    pub(crate) fn field(&self) -> Field {
        Field {
            at: self.at,
            length: self.length,
        }
    }
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
    /// All records of the file.
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

    /// Returns how the file writes days.
    pub(crate) fn dates(&self) -> Result<DateFormat, Vec<Problem>> {
        DateFormat::in_zone(&self.date, self.pivot_year, self.time_zone.as_deref())
    }
}
