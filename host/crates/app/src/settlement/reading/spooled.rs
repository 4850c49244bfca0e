//! A statement that was read: its header and sums, and its spooled lines.

use galleria_domain::{Money, StatementHeader, StatementLine};
use galleria_ports::Error;
use galleria_ports::plugins::Usage;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};

/// A statement that was read and not imported yet.
pub struct Reading {
    /// The header.
    pub header: StatementHeader,
    /// The number of lines.
    pub lines: u64,
    /// The sum of the net amounts.
    pub net: Money,
    /// The sums by kind of line.
    pub kinds: BTreeMap<&'static str, KindSum>,
    /// The resources that the run used.
    pub usage: Usage,
    pub(super) spooled: BufReader<File>,
}

/// The sums of the lines of one kind, in the payout's currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindSum {
    /// The number of lines.
    pub lines: u64,
    /// The sum of the converted gross amounts.
    pub converted: i128,
    /// The sum of the fees.
    pub fee: i128,
    /// The sum of the net amounts.
    pub net: i128,
}

impl Reading {
    /// Returns the next lines in the order of the file; empty at the end.
    pub fn next(&mut self, max: usize) -> Result<Vec<StatementLine>, Error> {
        let mut lines = Vec::new();
        let mut text = String::new();
        while lines.len() < max {
            text.clear();
            let read = self.spooled.read_line(&mut text);
            if read.map_err(|error| Error::records("reading spooled lines", error))? == 0 {
                break;
            }
            let line = serde_json::from_str(&text);
            lines.push(line.map_err(|error| Error::records("reading a spooled line", error))?);
        }
        Ok(lines)
    }
}
