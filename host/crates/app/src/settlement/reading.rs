//! Reads a statement: checks the plugin's lines one by one and spools them, so that memory is constant for a
//! million lines.
//!
//! Owns: the checks that apply to every format. Never imports anything.

mod spooled;

pub use spooled::{KindSum, Reading};

use galleria_domain::{
    CallFault, Context, Fault, Problem, StatementHeader, StatementKind, StatementLine,
};
use galleria_ports::Error;
use galleria_ports::plugins::{Lines, LoadedPlugin, Plugins, Source, Stream, Streams, Usage};
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufReader, BufWriter, Seek as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The maximum number of problems that are listed. A file with more is probably of another format.
const MAX_LISTED: usize = 1_000;

/// The maximum number of bytes of a text: references have a few dozen, and an index contains them.
const TEXT: usize = 300;

/// The rule for a line in the payout's currency.
const UNCONVERTED: &str = "must equal the gross, because it is in the payout's currency";

/// The maximum number of attributes of a header or a line.
const ATTRIBUTES: usize = 50;

/// Lets a plugin read a statement. Returns all problems in one `Error::Invalid`. `stop` ends the run. Blocks.
pub fn read(
    plugins: &dyn Plugins,
    plugin: &LoadedPlugin,
    cx: &Context,
    source: Box<dyn Source>,
    scratch: File,
    stop: Arc<AtomicBool>,
) -> Result<Reading, Error> {
    let checked = Checked(Arc::new(Mutex::new(State::new(scratch))));
    let streams = Streams {
        input: Some(source),
        statement: Some(Box::new(checked.clone())),
        stop: Arc::clone(&stop),
        ..Streams::default()
    };
    let called = plugins.run(plugin, cx, &Stream::Statement, streams);
    let mut state = checked.state();
    match called.outcome {
        Ok(_) => state.end(),
        Err(CallFault::Guest(Fault::Invalid(problems))) => {
            problems
                .into_iter()
                .for_each(|problem| state.refuse(problem));
            if state.problems.is_empty() {
                state.wrong(None, "", "the plugin rejected the file without a reason");
            }
        }
        // The host ends a stopped call with a fault.
        Err(_) if stop.load(Ordering::Relaxed) => return Err(Error::Stopped),
        Err(fault) => return Err(Error::Plugin(fault)),
    }
    state.reading(called.usage)
}

#[derive(Clone)]
struct Checked(Arc<Mutex<State>>);

impl Checked {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines for Checked {
    fn describe(&mut self, header: StatementHeader) -> Result<(), Error> {
        self.state().describe(header);
        Ok(())
    }

    fn push(&mut self, lines: Vec<StatementLine>) -> Result<(), Error> {
        let mut state = self.state();
        lines.into_iter().try_for_each(|line| state.push(&line))
    }
}

struct State {
    out: BufWriter<File>,
    header: Option<StatementHeader>,
    lines: u64,
    kinds: BTreeMap<&'static str, KindSum>,
    digits: BTreeMap<String, u8>,
    /// By currency, the first converted row before the header.
    converted: BTreeMap<String, u64>,
    /// Hashes of the ids with a random key: eight bytes for each line instead of about forty. Two of a million
    /// lines collide once in forty million files.
    ids: HashSet<u64>,
    hasher: RandomState,
    problems: Vec<Problem>,
    more: u64,
}

impl State {
    fn new(scratch: File) -> Self {
        Self {
            out: BufWriter::new(scratch),
            header: None,
            lines: 0,
            kinds: BTreeMap::new(),
            digits: BTreeMap::new(),
            converted: BTreeMap::new(),
            ids: HashSet::new(),
            hasher: RandomState::new(),
            problems: Vec::new(),
            more: 0,
        }
    }

    fn wrong(&mut self, row: Option<u64>, field: &str, message: impl Into<String>) {
        let problem = Problem::new(field, message);
        self.refuse(Problem { row, ..problem });
    }

    fn refuse(&mut self, problem: Problem) {
        if self.problems.len() < MAX_LISTED {
            self.problems.push(problem);
        } else {
            self.more += 1;
        }
    }

    fn check(&mut self, holds: bool, row: Option<u64>, field: &str, message: &str) {
        if !holds {
            self.wrong(row, field, message);
        }
    }

    fn describe(&mut self, header: StatementHeader) {
        if self.header.is_some() {
            return self.wrong(None, "header", "must occur once; this file has two payouts");
        }
        let texts = [
            ("provider", &header.provider, true),
            ("account", &header.account, false),
            ("reference", &header.reference, true),
        ];
        for (field, text, needed) in texts {
            self.text(None, field, text, needed);
        }
        self.currency(None, "currency", &header.currency, header.minor_digits);
        let day = header.paid_on.parse::<jiff::civil::Date>();
        let exact = day.is_ok_and(|day| day.to_string() == header.paid_on);
        self.check(
            exact,
            None,
            "paid_on",
            "must be the day of the payout, YYYY-MM-DD",
        );
        self.attributes(None, &header.attributes);
        if let Some(row) = self.converted.get(&header.currency).copied() {
            self.wrong(Some(row), "converted", UNCONVERTED);
        }
        self.header = Some(header);
    }

    fn push(&mut self, line: &StatementLine) -> Result<(), Error> {
        let header = self.header.take();
        self.lines += 1;
        self.line(header.as_ref(), line);
        self.header = header;
        let sum = self.kinds.entry(line.kind.word()).or_default();
        sum.lines += 1;
        sum.converted += i128::from(line.converted);
        sum.fee += i128::from(line.fee);
        sum.net += i128::from(line.net);
        if !self.problems.is_empty() {
            // The statement will be rejected: nothing reads the lines.
            return Ok(());
        }
        let written = serde_json::to_writer(&mut self.out, line).map_err(std::io::Error::from);
        written
            .and_then(|()| self.out.write_all(b"\n"))
            .map_err(|error| Error::records("spooling a statement's lines", error))
    }

    fn line(&mut self, header: Option<&StatementHeader>, line: &StatementLine) {
        let row = Some(line.row);
        let texts = [
            ("id", &line.id),
            ("psp_reference", &line.psp_reference),
            ("modification_reference", &line.modification_reference),
            ("merchant_reference", &line.merchant_reference),
            ("booked_at", &line.booked_at),
        ];
        for (field, text) in texts {
            self.text(row, field, text, false);
        }
        if let StatementKind::Other(word) = &line.kind {
            self.text(row, "kind", word, true);
        }
        self.attributes(row, &line.attributes);
        self.check(line.row > 0, row, "row", "must be at least 1");
        let booked = line.booked_at.parse::<jiff::civil::Date>().is_ok()
            && line.booked_at.len() == 10
            || line.booked_at.parse::<jiff::Timestamp>().is_ok();
        let instant = "must be an instant with an offset, or a day, YYYY-MM-DD";
        self.check(booked, row, "booked_at", instant);
        self.currency(row, "currency", &line.currency, line.minor_digits);
        self.amounts(header, line);
        if !line.id.is_empty() {
            let new = self.ids.insert(self.hasher.hash_one(&line.id));
            self.check(new, row, "id", "must be unique in the file");
        }
    }

    fn amounts(&mut self, header: Option<&StatementHeader>, line: &StatementLine) {
        let row = Some(line.row);
        let net = line.converted.checked_sub(line.fee) == Some(line.net);
        let digits = header.map_or(line.minor_digits, |header| header.minor_digits);
        if !net {
            let right = super::major((line.converted.saturating_sub(line.fee)).into(), digits);
            let message = format!("must be gross minus fee in the payout's currency: {right}");
            self.wrong(row, "net", message);
        }
        let right = match line.kind {
            StatementKind::Payment | StatementKind::ChargebackReversal => {
                (0 <= line.gross, "at least 0")
            }
            StatementKind::Refund | StatementKind::Chargeback => (line.gross <= 0, "at most 0"),
            StatementKind::Fee | StatementKind::Adjustment | StatementKind::Other(_) => (true, ""),
        };
        if !right.0 {
            let message = format!("must be {1} for a {0}", line.kind.word(), right.1);
            self.wrong(row, "gross", message);
        }
        let same_sign = line.gross.signum() * line.converted.signum() >= 0;
        self.check(
            same_sign,
            row,
            "converted",
            "must have the sign of the gross",
        );
        let same = line.converted == line.gross;
        match header {
            Some(header) if line.currency == header.currency => {
                let same = same && line.minor_digits == digits;
                self.check(same, row, "converted", UNCONVERTED);
            }
            // The header may follow the lines; then it is checked against the first of them.
            None if !same => {
                let first = self.converted.entry(line.currency.clone());
                first.or_insert(line.row);
            }
            _ => {}
        }
        if let Some(rate) = line.rate {
            let good = rate.unscaled > 0 && rate.scale <= 18;
            self.check(
                good,
                row,
                "rate",
                "must be above 0 with at most 18 digits after the point",
            );
        }
    }

    /// Checks that a currency exists and has the same minor digits everywhere in the file.
    fn currency(&mut self, row: Option<u64>, field: &str, code: &str, digits: u8) {
        if iso_currency::Currency::from_code(code).is_none() {
            return self.wrong(row, field, "must be a code of ISO 4217, such as EUR");
        }
        if digits > 4 {
            return self.wrong(row, "minor_digits", "must be 0 to 4");
        }
        let before = *self.digits.entry(code.to_owned()).or_insert(digits);
        if before != digits {
            let message = format!("must be {before}, as elsewhere in the file for {code}");
            self.wrong(row, "minor_digits", message);
        }
    }

    fn text(&mut self, row: Option<u64>, field: &str, text: &str, needed: bool) {
        if text.len() > TEXT || text.chars().any(char::is_control) {
            let message = format!("must have at most {TEXT} bytes and no control characters");
            self.wrong(row, field, message);
        } else if needed && text.trim().is_empty() {
            self.wrong(row, field, "must not be empty");
        }
    }

    fn attributes(&mut self, row: Option<u64>, attributes: &[galleria_domain::Attribute]) {
        self.check(
            attributes.len() <= ATTRIBUTES,
            row,
            "attributes",
            "must have at most 50 entries",
        );
        for attribute in attributes.iter().take(ATTRIBUTES) {
            let field = format!(
                "attributes.{}",
                attribute.name.chars().take(64).collect::<String>()
            );
            self.text(row, &field, &attribute.name, true);
            self.text(row, &field, &attribute.value, false);
        }
    }

    fn net(&self) -> i128 {
        self.kinds.values().map(|sum| sum.net).sum()
    }

    /// Checks the totals after the plugin has succeeded.
    fn end(&mut self) {
        let Some(header) = self.header.clone() else {
            return self.wrong(None, "header", "must be described by the plugin");
        };
        let net = self.net();
        let bounded = self.kinds.values().all(|sum| {
            let fits = |value: i128| i64::try_from(value).is_ok();
            fits(sum.converted) && fits(sum.fee) && fits(sum.net)
        });
        self.check(
            bounded && i64::try_from(net).is_ok(),
            None,
            "net",
            "must have sums that fit 64 bits in minor units",
        );
        if let Some(total) = header.total.filter(|total| i128::from(*total) != net) {
            let text = |value| super::major(value, header.minor_digits);
            let message = format!(
                "must equal the net of the lines: the file states {}, its lines sum to {}",
                text(total.into()),
                text(net)
            );
            self.wrong(None, "total", message);
        }
    }

    fn reading(&mut self, usage: Usage) -> Result<Reading, Error> {
        let mut problems = std::mem::take(&mut self.problems);
        if self.more > 0 {
            let message = format!("{} more problems are not listed", self.more);
            problems.push(Problem::new("", message));
        }
        let (true, Some(header)) = (problems.is_empty(), self.header.take()) else {
            return Err(Error::Invalid(problems));
        };
        let failed = |error| Error::records("spooling a statement's lines", error);
        self.out.flush().map_err(failed)?;
        let mut file = self.out.get_ref().try_clone().map_err(failed)?;
        file.rewind().map_err(failed)?;
        Ok(Reading {
            header,
            lines: self.lines,
            net: i64::try_from(self.net()).unwrap_or_default(),
            kinds: std::mem::take(&mut self.kinds),
            usage,
            spooled: BufReader::new(file),
        })
    }
}
