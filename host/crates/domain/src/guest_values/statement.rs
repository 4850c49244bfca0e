//! Header and lines of a statement.
//!
//! Checks only sizes and scales, which protect the host. The receiver of the lines checks dates, currencies and
//! sums, so that it can report every problem with its row.

use super::broken;
use crate::HostFault;

/// Maximum lines in one call: three copies of them are in memory during the call.
pub const MAX_PUSHED_LINES: usize = 4096;

/// Maximum bytes of one text. A provider's reference has some dozen characters.
const TEXT_BYTES: usize = 4 << 10;

/// Maximum attributes of a header or of a line.
const ATTRIBUTES: usize = 64;

/// Maximum minor digits of a currency; currencies in use have at most 4.
const MINOR_DIGITS: u8 = 6;

/// Maximum scale of a decimal: a larger power of ten does not fit 64 bits.
const SCALE: u8 = 18;

/// Bytes counted for the numbers of a line, in addition to its texts.
const NUMBERS_BYTES: u64 = 64;

/// What is checked of a header or a line. The types of the host and of the SDK both provide it.
pub struct StatementTexts<'a> {
    /// The texts.
    pub texts: &'a [&'a str],
    /// Names and values of the attributes.
    pub attributes: Vec<[&'a str; 2]>,
    /// The minor digits of the currency.
    pub minor_digits: u8,
    /// The scale of the rate, if there is one.
    pub rate_scale: Option<u8>,
}

/// Refuses more lines than one call may have.
pub fn check_pushed_lines(count: usize) -> Result<(), HostFault> {
    match count <= MAX_PUSHED_LINES {
        true => Ok(()),
        false => Err(broken(format!(
            "statement.push: must have at most {MAX_PUSHED_LINES} lines, got {count}"
        ))),
    }
}

/// Checks a header and returns its size in bytes.
pub fn size_of_header(header: &StatementTexts<'_>) -> Result<u64, HostFault> {
    size(header, || "the statement's header".into())
}

/// Checks a line and returns its size in bytes.
pub fn size_of_line(row: u64, line: &StatementTexts<'_>) -> Result<u64, HostFault> {
    Ok(NUMBERS_BYTES + size(line, || format!("row {row} of the statement"))?)
}

fn size(checked: &StatementTexts<'_>, place: impl Fn() -> String) -> Result<u64, HostFault> {
    let StatementTexts {
        texts,
        attributes,
        minor_digits,
        rate_scale,
    } = checked;
    let refuse = |rule: String| Err(broken(format!("{}: {rule}", place())));
    if *minor_digits > MINOR_DIGITS {
        return refuse(format!(
            "minor-digits must be at most {MINOR_DIGITS}, got {minor_digits}"
        ));
    }
    if let Some(scale) = rate_scale.filter(|scale| *scale > SCALE) {
        return refuse(format!(
            "the rate's scale must be at most {SCALE}, got {scale}"
        ));
    }
    if attributes.len() > ATTRIBUTES {
        return refuse(format!(
            "must have at most {ATTRIBUTES} attributes, got {}",
            attributes.len()
        ));
    }
    let mut total = 0;
    for text in texts.iter().chain(attributes.iter().flatten()) {
        if text.len() > TEXT_BYTES {
            return refuse(format!(
                "a text must have at most {TEXT_BYTES} bytes, got {}",
                text.len()
            ));
        }
        total += text.len() as u64;
    }
    Ok(total)
}
