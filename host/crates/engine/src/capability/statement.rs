//! `statement`: header and lines that a run reads from a provider's statement.
//!
//! Checks only sizes and scales, which protect the host. The receiver of the lines checks dates,
//! currencies and sums, so that it can report every problem with its row.

use super::host_failed;
use crate::bindings::statement::{Header, Host, Line};
use crate::call::Call;
use crate::convert::IntoDomain;
use crate::stop::Stop;
use galleria_domain::{
    Attribute, Decimal, HostFault, StatementHeader, StatementKind, StatementLine,
};

/// Maximum lines in one call: three copies of them are in memory during the call.
const LINES: usize = 4096;

/// Lines that are accepted between two checks of the deadline.
const PIECE_LINES: usize = 256;

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

impl Host for Call {
    fn describe(&mut self, header: Header) -> wasmtime::Result<()> {
        self.meter.host_call()?;
        if std::mem::replace(&mut self.header_sent, true) {
            return Err(broken("statement.describe was called twice").into());
        }
        let header: StatementHeader = header.into_domain();
        let bytes = size_of_header(&header)?;
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
        if pushed.len() > LINES {
            let what = format!(
                "statement.push: must have at most {LINES} lines, got {}",
                pushed.len()
            );
            return Err(broken(what).into());
        }
        let pushed: Vec<StatementLine> = pushed.into_domain();
        let mut bytes = 0;
        for line in &pushed {
            bytes += size_of_line(line)?;
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

/// Checks the texts of a header and returns their size in bytes.
fn size_of_header(header: &StatementHeader) -> Result<u64, Stop> {
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
    let place = "the statement's header";
    check_digits(place, *minor_digits, None)?;
    let texts = [provider, account, reference, currency, paid_on];
    size(place, &texts, attributes)
}

fn size_of_line(line: &StatementLine) -> Result<u64, Stop> {
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
    let empty = String::new();
    let other_kind = match kind {
        StatementKind::Other(name) => name,
        _ => &empty,
    };
    let place = format!("row {row} of the statement");
    check_digits(&place, *minor_digits, *rate)?;
    let texts = [
        other_kind,
        id,
        psp_reference,
        modification_reference,
        merchant_reference,
        booked_at,
        currency,
    ];
    Ok(NUMBERS_BYTES + size(&place, &texts, attributes)?)
}

fn check_digits(place: &str, minor_digits: u8, rate: Option<Decimal>) -> Result<(), Stop> {
    if minor_digits > MINOR_DIGITS {
        return Err(broken(format!(
            "{place}: minor-digits must be at most {MINOR_DIGITS}, got {minor_digits}"
        )));
    }
    match rate {
        Some(rate) if rate.scale > SCALE => Err(broken(format!(
            "{place}: the rate's scale must be at most {SCALE}, got {}",
            rate.scale
        ))),
        _ => Ok(()),
    }
}

fn size(place: &str, texts: &[&String], attributes: &[Attribute]) -> Result<u64, Stop> {
    if attributes.len() > ATTRIBUTES {
        return Err(broken(format!(
            "{place}: must have at most {ATTRIBUTES} attributes, got {}",
            attributes.len()
        )));
    }
    let named = attributes.iter().flat_map(|a| [&a.name, &a.value]);
    let mut total = 0;
    for text in texts.iter().copied().chain(named) {
        if text.len() > TEXT_BYTES {
            return Err(broken(format!(
                "{place}: a text must have at most {TEXT_BYTES} bytes, got {}",
                text.len()
            )));
        }
        total += text.len() as u64;
    }
    Ok(total)
}

fn broken(what: impl Into<String>) -> Stop {
    Stop(HostFault::ContractBroken(what.into()))
}
