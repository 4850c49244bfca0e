//! The size of a statement's header and lines, checked as the host does.

use crate::{Attribute, StatementHeader, StatementKind, StatementLine};
use galleria_domain::HostFault;
use galleria_domain::guest_values::{StatementTexts, size_of_header, size_of_line};

/// Checks a header and returns its size in bytes.
pub(super) fn header_size(header: &StatementHeader) -> Result<u64, HostFault> {
    let StatementHeader {
        provider,
        account,
        reference,
        currency,
        minor_digits,
        paid_on,
        total: _,
        attributes,
    } = header;
    size_of_header(&StatementTexts {
        texts: &[provider, account, reference, currency, paid_on],
        attributes: pairs(attributes),
        minor_digits: *minor_digits,
        rate_scale: None,
    })
}

/// Checks a line and returns its size in bytes.
pub(super) fn line_size(line: &StatementLine) -> Result<u64, HostFault> {
    let StatementLine {
        row,
        kind,
        id,
        psp_reference,
        modification_reference,
        merchant_reference,
        booked_at,
        currency,
        minor_digits,
        gross: _,
        rate,
        converted: _,
        fee: _,
        net: _,
        attributes,
    } = line;
    let other_kind = match kind {
        StatementKind::Other(name) => name,
        _ => "",
    };
    let texts = StatementTexts {
        texts: &[
            other_kind,
            id,
            psp_reference,
            modification_reference,
            merchant_reference,
            booked_at,
            currency,
        ],
        attributes: pairs(attributes),
        minor_digits: *minor_digits,
        rate_scale: rate.map(|rate| rate.scale),
    };
    size_of_line(*row, &texts)
}

fn pairs(attributes: &[Attribute]) -> Vec<[&str; 2]> {
    attributes
        .iter()
        .map(|one| [one.name.as_str(), one.value.as_str()])
        .collect()
}
