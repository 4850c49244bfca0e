//! Checks outcomes as the host does, with the limits that a plugin has by default.

use super::event::convert;
use super::statement_size::{header_size, line_size};
use super::{Answer, Outcome};
use crate::{Decision, Member};
use galleria_domain::guest_values::{
    check_decision, check_member, check_totals, size_of_decision, size_of_fault, size_of_member,
    size_of_output_file, size_of_totals,
};
use galleria_domain::plugin::Limits;
use galleria_domain::{CallFault, HostFault};
use serde_json::Value;

/// Refuses an outcome that the host would refuse. The outcome itself has no point, so `is_member` says whether
/// its value is a member.
pub(super) fn check(outcome: &Outcome, is_member: bool) -> Result<(), String> {
    let checked = match &outcome.answer {
        Answer::Decision(decision) => check_decided(decision),
        Answer::Totals(totals) => {
            let totals = convert(totals);
            written(outcome)
                .and_then(|bytes| fits(bytes + size_of_totals(&totals), &Limits::RUN))
                .and_then(|()| check_totals(&totals, &Limits::RUN))
        }
        Answer::Value(value) if is_member => check_identified(value),
        Answer::Value(_) => Ok(()),
        Answer::Fault(fault) => fits(size_of_fault(&convert(fault)), &Limits::CALL),
    };
    checked.map_err(|fault| format!("a host would end the call: {}", CallFault::Host(fault)))
}

fn fits(bytes: u64, limits: &Limits) -> Result<(), HostFault> {
    match bytes <= limits.output_bytes {
        true => Ok(()),
        false => Err(HostFault::OutputTooLarge(limits.output_bytes)),
    }
}

fn check_decided(decision: &Decision) -> Result<(), HostFault> {
    let decision: galleria_domain::Decision<String> = convert(decision);
    fits(size_of_decision(&decision), &Limits::CALL)?;
    check_decision(decision, &Limits::CALL, None).map(drop)
}

fn check_identified(value: &Value) -> Result<(), HostFault> {
    let member: Option<Member> = convert(value);
    let Some(member) = member else { return Ok(()) };
    let member = convert(&member);
    fits(size_of_member(&member), &Limits::CALL)?;
    check_member(&member, &Limits::CALL)
}

/// The bytes of the files and the statement of a run.
fn written(outcome: &Outcome) -> Result<u64, HostFault> {
    let mut bytes = 0;
    for file in &outcome.files {
        bytes += size_of_output_file(&file.name, &file.media_type) + file.body.len() as u64;
    }
    if let Some(header) = &outcome.statement_header {
        bytes += header_size(header)?;
    }
    for line in &outcome.statement {
        bytes += line_size(line)?;
    }
    Ok(bytes)
}
