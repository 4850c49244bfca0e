//! What a guest hands over: its size, and its checks. The engine and the test kit of the SDK share them, so that
//! a native test refuses what the host refuses.
//!
//! Owns: whatever passes a check can be stored by both databases and applied. So a guest cannot make the host
//! fail later.

mod answers;
mod decision;
mod statement;
mod texts;

pub use answers::{
    check_member, check_output_count, check_output_file, check_totals, repeated_output,
};
pub use answers::{size_of_fault, size_of_member, size_of_output_file, size_of_totals};
pub use decision::{check_decision, size_of_decision};
pub use statement::{
    MAX_PUSHED_LINES, StatementTexts, check_pushed_lines, size_of_header, size_of_line,
};
pub use texts::{Characters, TEXTS, TextRule, quoted};

use crate::{Attribute, HostFault};

/// Charged for each item of a list in addition to its text, in bytes: an item without text still costs the
/// host an allocation, and most items a row.
pub const ITEM_BYTES: usize = 256;

fn size_of_attributes(list: &[Attribute]) -> usize {
    list.iter()
        .map(|attribute| ITEM_BYTES + attribute.name.len() + attribute.value.len())
        .sum()
}

fn check_attributes(list: &[Attribute], place: impl Fn() -> String) -> Result<(), HostFault> {
    for (index, Attribute { name, value }) in list.iter().enumerate() {
        texts::ATTRIBUTE_NAME.check(name, || format!("{}.{index}.name", place()))?;
        texts::ATTRIBUTE_VALUE.check(value, || format!("{}.{index}.value", place()))?;
    }
    Ok(())
}

/// Refuses a list that is longer than the limit `attributes`.
fn check_attribute_count(list: &[Attribute], limit: u64, place: &str) -> Result<(), HostFault> {
    match list.len() as u64 <= limit {
        true => Ok(()),
        false => Err(broken(format!(
            "{place}: must have at most {limit} entries (limit `attributes`), got {}",
            list.len()
        ))),
    }
}

fn broken(what: impl Into<String>) -> HostFault {
    HostFault::ContractBroken(what.into())
}

#[cfg(test)]
mod tests;
