//! Faults, totals, members, and the names of output files.

use super::decision::check_file_name;
use super::texts::{MEDIA_TYPE, MEMBER_ID, PROGRAMME};
use super::{ITEM_BYTES, broken, check_attribute_count, check_attributes, size_of_attributes};
use crate::plugin::Limits;
use crate::{Fault, HostFault, Member, Problem, Totals};

/// Size of a fault in bytes: the journal stores it like a decision.
pub fn size_of_fault(fault: &Fault) -> u64 {
    let size = |problem: &Problem| ITEM_BYTES + problem.field.len() + problem.message.len();
    let total = match fault {
        Fault::Invalid(problems) | Fault::Misconfigured(problems) => {
            problems.iter().map(size).sum::<usize>()
        }
        Fault::Retry(later) => later.reason.len(),
        Fault::Failed(reason) => reason.len(),
    };
    total as u64
}

/// Size of a run's totals in bytes.
pub fn size_of_totals(totals: &Totals) -> u64 {
    let Totals { rows: _, sums } = totals;
    size_of_attributes(sums) as u64
}

/// Refuses totals that are above a limit or that the row of a run cannot store.
pub fn check_totals(totals: &Totals, limits: &Limits) -> Result<(), HostFault> {
    let Totals { rows, sums } = totals;
    if i64::try_from(*rows).is_err() {
        return Err(broken(format!(
            "totals.rows: must be at most {}, got {rows}",
            i64::MAX
        )));
    }
    check_attribute_count(sums, limits.attributes, "totals.sums")?;
    check_attributes(sums, || "totals.sums".into())
}

/// Size of a member in bytes.
pub fn size_of_member(member: &Member) -> u64 {
    let Member {
        id,
        programme,
        attributes,
    } = member;
    (id.len() + programme.len() + size_of_attributes(attributes)) as u64
}

/// Refuses a member that is above a limit.
pub fn check_member(member: &Member, limits: &Limits) -> Result<(), HostFault> {
    let Member {
        id,
        programme,
        attributes,
    } = member;
    MEMBER_ID.check(id, || "member.id".into())?;
    PROGRAMME.check(programme, || "member.programme".into())?;
    check_attribute_count(attributes, limits.attributes, "member.attributes")?;
    check_attributes(attributes, || "member.attributes".into())
}

/// Size of an output file in bytes, without its content.
pub fn size_of_output_file(name: &str, media_type: &str) -> u64 {
    (ITEM_BYTES + name.len() + media_type.len()) as u64
}

/// Refuses one more output file if the run has opened as many as it may.
pub fn check_output_count(name: &str, opened: usize, limit: u64) -> Result<(), HostFault> {
    match (opened as u64) < limit {
        true => Ok(()),
        false => Err(broken(format!(
            "output.open: {name:?}: a run may write at most {limit} files (limit `items`)"
        ))),
    }
}

/// A run opened a file twice.
pub fn repeated_output(directory: &str, name: &str) -> HostFault {
    broken(format!(
        "output.open: {name:?}: the run has opened a file of this name in {directory} before"
    ))
}

/// Refuses an output file that cannot be stored.
pub fn check_output_file(name: &str, media_type: &str) -> Result<(), HostFault> {
    check_file_name(name, || "output.open: name".into())?;
    MEDIA_TYPE.check(media_type, || format!("output.open: {name:?}: media-type"))
}
