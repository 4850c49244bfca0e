//! A statement plugin for files in JSON lines, and a vault in memory.

use galleria_app::App;
use galleria_app::Policy;
use galleria_app::settlement::{Imported, StatementRequest};
use galleria_domain::digest::Hasher;
use galleria_domain::plugin::{Inspection, Limits, OnDeadLetter, Point, Rights, Slot, StoreFilter};
use galleria_domain::{
    CallFault, Context, Decision, Digest, Fault, MatchingRules, Member, Money, Problem,
    StatementHeader, StatementKind, StatementLine, Totals,
};
use galleria_ports::Error;
use galleria_ports::clock::DrivenClock;
use galleria_ports::plugins::{
    Argument, CallOutcome, LoadedPlugin, Plugins, Source, Stream, Streams, Usage,
};
use galleria_ports::records::Records;
use galleria_ports::vault::{Spool, Vault};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// Reads JSON lines: the header, then the lines. Outputs them in this order, or the header last if the
/// text begins with `~`. Rejects a text that begins with `!`, until it is corrected.
pub struct Reader {
    plugin: LoadedPlugin,
    /// A corrected version: it accepts `!`, and a line whose id begins with `wrong` has ten times the amount.
    corrected: bool,
    /// The rules of its retailer.
    rules: MatchingRules,
}

impl Reader {
    pub fn new(corrected: bool) -> Self {
        let slot = Slot {
            retailer: "r1".into(),
            name: "reader".into(),
            plugin: "scripted".into(),
            component: "scripted.wasm".into(),
            file: "retailer.toml".into(),
            asks: Rights::default(),
            grants: Rights::default(),
            filter: StoreFilter::default(),
            settings: "{}".into(),
            settings_for: vec![],
            call_limits: Limits::CALL,
            run_limits: Limits::RUN,
            keys: BTreeMap::new(),
            counters: BTreeMap::new(),
            on_dead_letter: OnDeadLetter::Hold,
            retry_for_s: 3_600,
            schedules: Vec::new(),
            shared_directories: BTreeSet::new(),
        };
        let inspection = Inspection {
            digest: Digest::of(b"scripted"),
            size: 0,
            exports: [Point::ReadStatement].into(),
            imports: [].into(),
            wasi: vec![],
            stamp: None,
        };
        let plugin = LoadedPlugin {
            slot: Arc::new(slot),
            inspection: Arc::new(inspection),
            handle: Arc::new(()),
        };
        let rules = MatchingRules::default();
        Self {
            plugin,
            corrected,
            rules,
        }
    }
}

impl Plugins for Reader {
    fn all(&self) -> Vec<LoadedPlugin> {
        vec![self.plugin.clone()]
    }

    /// The rules of the retailer `broken` cannot be read.
    fn matching(&self, retailer: &str) -> Option<MatchingRules> {
        (retailer != "broken").then(|| self.rules.clone())
    }

    fn react(&self, _: &LoadedPlugin, _: &Context, _: &Argument) -> CallOutcome<Decision> {
        unreachable!("not called")
    }

    fn identify(&self, _: &LoadedPlugin, _: &Context, _: &str) -> CallOutcome<Option<Member>> {
        unreachable!("not called")
    }

    fn run(
        &self,
        _: &LoadedPlugin,
        _: &Context,
        run: &Stream,
        streams: Streams,
    ) -> CallOutcome<Totals> {
        assert_eq!(*run, Stream::Statement);
        let mut input = streams.input.expect("a file");
        let mut output = streams.statement.expect("an output");
        let mut text = Vec::new();
        loop {
            let chunk = input.read(7_000).expect("read");
            if chunk.is_empty() {
                break;
            }
            text.extend(chunk);
        }
        let text = String::from_utf8(text).expect("text");
        let text = match self.corrected {
            true => text.trim_start_matches('!'),
            false => &text,
        };
        let mut rows = text.lines();
        let outcome = match rows.next() {
            Some(message) if message.starts_with('!') => {
                let problem = Problem {
                    row: Some(7),
                    ..Problem::new("amount", message)
                };
                Err(CallFault::Guest(Fault::Invalid(vec![problem])))
            }
            header => {
                let text = header.unwrap_or_default();
                let last = text.starts_with('~');
                let text = text.trim_start_matches('~');
                let mut header: Option<StatementHeader> =
                    (!text.is_empty()).then(|| serde_json::from_str(text).expect("a header"));
                if let Some(header) = header.take_if(|_| !last) {
                    output.describe(header).expect("described");
                }
                let correct = |mut line: StatementLine| {
                    if self.corrected && line.id.starts_with("wrong") {
                        line.gross *= 10;
                        (line.converted, line.net) = (line.gross, line.gross - line.fee);
                    }
                    line
                };
                let lines: Vec<StatementLine> = rows
                    .map(|row| correct(serde_json::from_str(row).expect("a line")))
                    .collect();
                for chunk in lines.chunks(1_000) {
                    output.push(chunk.to_vec()).expect("pushed");
                }
                if let Some(header) = header {
                    output.describe(header).expect("described");
                }
                Ok(Totals {
                    rows: lines.len() as u64,
                    sums: vec![],
                })
            }
        };
        CallOutcome {
            outcome,
            usage: Usage::default(),
        }
    }
}

/// The bytes of files, by retailer and digest.
type Originals = BTreeMap<(String, String), Vec<u8>>;

/// Stores originals in memory. Clones share them.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Originals>>);

impl Vault for Memory {
    fn spool(&self, file: &str) -> Result<Box<dyn Spool>, Error> {
        Ok(Box::new(InMemory {
            vault: self.clone(),
            file: file.into(),
            bytes: vec![],
        }))
    }

    fn scratch(&self) -> Result<std::fs::File, Error> {
        Ok(tempfile::tempfile().expect("a file"))
    }

    fn original(&self, retailer: &str, digest: &str, _: &str) -> Result<Box<dyn Source>, Error> {
        let originals = self.0.lock().expect("not poisoned");
        let bytes = originals.get(&(retailer.to_owned(), digest.to_owned()));
        Ok(Box::new(Bytes(bytes.expect("an original").clone().into())))
    }

    fn digests(&self, retailer: &str) -> Result<Vec<String>, Error> {
        let originals = self.0.lock().expect("not poisoned");
        let digests = originals.keys().filter(|(owner, _)| owner == retailer);
        Ok(digests.map(|(_, digest)| digest.clone()).collect())
    }

    fn delete(&self, retailer: &str, digest: &str) -> Result<(), Error> {
        let key = (retailer.to_owned(), digest.to_owned());
        self.0.lock().expect("not poisoned").remove(&key);
        Ok(())
    }

    fn max_bytes(&self) -> u64 {
        u64::MAX
    }
}

struct InMemory {
    vault: Memory,
    file: String,
    bytes: Vec<u8>,
}

impl Spool for InMemory {
    fn file(&self) -> String {
        self.file.clone()
    }

    fn write(&mut self, chunk: &[u8]) -> Result<(), Error> {
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    fn digest(&self) -> (Digest, u64) {
        let mut running = Hasher::default();
        running.update(&self.bytes);
        (running.finish(), self.bytes.len() as u64)
    }

    fn source(&self) -> Result<Box<dyn Source>, Error> {
        Ok(Box::new(Bytes(self.bytes.clone().into())))
    }

    fn commit(&mut self, retailer: &str) -> Result<(), Error> {
        let key = (retailer.to_owned(), self.digest().0.to_string());
        let bytes = self.bytes.clone();
        self.vault
            .0
            .lock()
            .expect("not poisoned")
            .insert(key, bytes);
        Ok(())
    }
}

struct Bytes(std::collections::VecDeque<u8>);

impl Source for Bytes {
    fn name(&self) -> String {
        "statement.json".into()
    }

    fn read(&mut self, max: u32) -> Result<Vec<u8>, Error> {
        let count = self.0.len().min(max as usize);
        Ok(self.0.drain(..count).collect())
    }
}

/// An application that imports statements.
pub struct Importer {
    pub app: App,
    pub vault: Memory,
    pub clock: Arc<DrivenClock>,
}

impl Importer {
    pub fn new(records: Arc<dyn Records>, rules: MatchingRules) -> Self {
        Self::with_reader(records, rules, Reader::new(false), Memory::default())
    }

    /// With a corrected plugin, on the same records and originals.
    pub fn corrected(&self, records: Arc<dyn Records>) -> Self {
        let rules = MatchingRules::default();
        Self::with_reader(records, rules, Reader::new(true), self.vault.clone())
    }

    fn with_reader(
        records: Arc<dyn Records>,
        rules: MatchingRules,
        reader: Reader,
        vault: Memory,
    ) -> Self {
        let clock = Arc::new(DrivenClock::new(crate::rows::at(0)));
        let reader = Reader { rules, ..reader };
        let policy = Policy::default();
        let app = App::new(records, Arc::new(reader), Arc::clone(&clock) as _, policy)
            .with_vault(Arc::new(vault.clone()));
        Self { app, vault, clock }
    }

    pub async fn import(&self, file: &str, text: &str) -> Result<Imported, Error> {
        let mut spool = self.vault.spool(file).expect("a spool");
        spool.write(text.as_bytes()).expect("spooled");
        let request = StatementRequest {
            retailer: "r1".into(),
            plugin: "reader".into(),
        };
        self.app
            .settlement
            .import(&request, spool, Arc::default())
            .await
    }
}

pub fn header(reference: &str, total: Option<Money>) -> StatementHeader {
    StatementHeader {
        provider: "adyen".into(),
        account: "shop".into(),
        reference: reference.into(),
        currency: "EUR".into(),
        minor_digits: 2,
        paid_on: "2026-11-26".into(),
        total,
        attributes: vec![],
    }
}

/// A payment or refund line with a fee of 10.
pub fn line(row: u64, psp: &str, gross: Money) -> StatementLine {
    StatementLine {
        row,
        kind: if gross < 0 {
            StatementKind::Refund
        } else {
            StatementKind::Payment
        },
        id: format!("id-{row}"),
        psp_reference: psp.into(),
        modification_reference: String::new(),
        merchant_reference: String::new(),
        booked_at: "2026-11-25".into(),
        currency: "EUR".into(),
        minor_digits: 2,
        gross,
        rate: None,
        converted: gross,
        fee: 10,
        net: gross - 10,
        attributes: vec![],
    }
}

/// A file of a header and lines.
pub fn file(header: &StatementHeader, lines: &[StatementLine]) -> String {
    let mut text = serde_json::to_string(header).expect("JSON");
    for line in lines {
        text.push('\n');
        text.push_str(&serde_json::to_string(line).expect("JSON"));
    }
    text
}
