//! `statement`: header and lines that a run reads from a provider's statement.

use super::host_failed;
use crate::bindings::statement::{Header, Host, Line};
use crate::call::Call;
use crate::convert::IntoDomain;
use crate::stop::Stop;
use galleria_domain::guest_values::{
    StatementTexts, check_pushed_lines, size_of_header, size_of_line,
};
use galleria_domain::{Attribute, HostFault, StatementHeader, StatementKind, StatementLine};

/// Lines that are accepted between two checks of the deadline.
const PIECE_LINES: usize = 256;

impl Host for Call {
    fn describe(&mut self, header: Header) -> wasmtime::Result<()> {
        self.meter.host_call()?;
        if std::mem::replace(&mut self.header_sent, true) {
            let what = "statement.describe was called twice".into();
            return Err(Stop(HostFault::ContractBroken(what)).into());
        }
        let header: StatementHeader = header.into_domain();
        let bytes = header_size(&header).map_err(Stop)?;
        self.meter.output(bytes)?;
        let Some(lines) = &mut self.streams.statement else {
            return Err(self.meter.denied("statement outside a run").into());
        };
        lines
            .describe(header)
            .map_err(|error| host_failed("accepting a statement's header", &error))?;
        self.meter.deadline()?;
        Ok(())
    }

    fn push(&mut self, pushed: Vec<Line>) -> wasmtime::Result<()> {
        self.meter.host_call()?;
        check_pushed_lines(pushed.len()).map_err(Stop)?;
        let pushed: Vec<StatementLine> = pushed.into_domain();
        let mut bytes = 0;
        for line in &pushed {
            bytes += line_size(line).map_err(Stop)?;
            self.meter.deadline()?;
        }
        self.meter.output(bytes)?;
        let Some(lines) = &mut self.streams.statement else {
            return Err(self.meter.denied("statement outside a run").into());
        };
        let mut pushed = pushed.into_iter();
        while pushed.len() > 0 {
            let piece = pushed.by_ref().take(PIECE_LINES).collect();
            lines
                .push(piece)
                .map_err(|error| host_failed("accepting a statement's lines", &error))?;
            self.meter.deadline()?;
        }
        Ok(())
    }
}

fn header_size(header: &StatementHeader) -> Result<u64, HostFault> {
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

fn line_size(line: &StatementLine) -> Result<u64, HostFault> {
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
