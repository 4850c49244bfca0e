//! A report is run: a plugin pulls the lines of a window and pushes a file, which appears once the
//! run has ended well.

use crate::Error;
use crate::app::App;
use crate::feeds::{FeedWindow, Progress, SaleLinePages};
use crate::files::{Begun, Files, Written};
use crate::plugins::{Loaded, Stream, Streams, Usage};
use crate::records::{DocumentRow, DocumentState, InTx, JournalRow, RunRow, Tx};
use galleria_domain::plugin::Point;
use galleria_domain::{Context, Digest, Scope, Store, Totals, Window};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What a report is asked to cover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportAsk {
    /// The retailer.
    pub retailer: String,
    /// The slot, as `retailer.toml` names it.
    pub plugin: String,
    /// One store by the host's id; all of the retailer where none.
    pub store: Option<String>,
    /// First business date.
    pub first: Date,
    /// Last business date, included.
    pub last: Date,
}

/// A finished run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunView {
    /// Its id.
    pub id: String,
    /// Whether it was there before: the same window is the same run.
    pub before: bool,
    /// Rows, as the plugin counted them.
    pub rows: u64,
    /// Sums, as the plugin counted them.
    pub sums: Vec<galleria_domain::Attribute>,
    /// Directory and name of each file.
    pub files: Vec<(String, String)>,
}

/// Everything about a run that is known before it begins.
struct Run {
    id: String,
    plugin: Loaded,
    ask: ReportAsk,
    store: Option<Store>,
    as_of: Timestamp,
    stores: u32,
}

impl App {
    /// Runs a report, or finds that it was run. `stop` ends it at its next row, and nothing is left.
    pub async fn report_run(
        &self,
        files: &dyn Files,
        ask: ReportAsk,
        progress: Progress,
        stop: Arc<AtomicBool>,
    ) -> Result<RunView, Error> {
        let run = self.plan(ask).await?;
        if let Some(before) = self.run_before(&run.id).await? {
            return Ok(before);
        }
        let begun = files.begin(&run.id, &run.ask.retailer)?;
        let streams = Streams {
            sale_lines: Some(Box::new(self.lines_of(&run, progress))),
            output: Some(begun.sink()),
            stop,
            ..Streams::default()
        };
        let plugins = Arc::clone(&self.plugins);
        let (plugin, cx, window) = (run.plugin.clone(), run.context(), run.window());
        let stream = Stream::Report(window);
        let called =
            tokio::task::spawn_blocking(move || plugins.run(&plugin, &cx, &stream, streams))
                .await
                .map_err(|error| Error::Internal(format!("running a report: {error}")))?;
        let totals = called.outcome.map_err(Error::Plugin)?;
        // Another attempt may have ended before this one's files were begun.
        if let Some(before) = self.run_before(&run.id).await? {
            return Ok(before);
        }
        self.keep(run, begun, totals, called.usage).await
    }

    async fn plan(&self, ask: ReportAsk) -> Result<Run, Error> {
        if ask.last < ask.first {
            return Err(Error::invalid("last", "not before the first day"));
        }
        let not_found = || Error::NotFound {
            what: "report",
            id: format!("{} of retailer {}", ask.plugin, ask.retailer),
        };
        let plugin = self.plugins.named(&ask.retailer, &ask.plugin);
        let plugin = plugin
            .filter(|plugin| plugin.inspection.exports.contains(&Point::Report))
            .ok_or_else(not_found)?;
        let store = match &ask.store {
            Some(id) => Some(self.store(id).await?),
            None => None,
        };
        if store
            .as_ref()
            .is_some_and(|store| store.retailer != ask.retailer)
        {
            return Err(Error::invalid("store", "a store of the retailer"));
        }
        let stores = match &store {
            Some(_) => 1,
            None => self.count_stores(&ask.retailer).await?,
        };
        let scope = ask.store.as_deref().unwrap_or("*");
        let id = format!(
            "report/{}/{}/{scope}/{}/{}",
            ask.retailer, ask.plugin, ask.first, ask.last
        );
        Ok(Run {
            id: Digest::of(id.as_bytes()).as_str()[..32].to_owned(),
            plugin,
            ask,
            store,
            as_of: self.clock.now(),
            stores,
        })
    }

    async fn count_stores(&self, retailer: &str) -> Result<u32, Error> {
        const PAGE: u32 = 1_000;
        let retailer = retailer.to_owned();
        self.records
            .read(move |tx| {
                let retailer = retailer.clone();
                Box::pin(async move {
                    let (mut after, mut count) = (String::new(), 0);
                    loop {
                        let page = tx.store_list(Some(&retailer), &after, PAGE).await?;
                        count += u32::try_from(page.len()).unwrap_or(PAGE);
                        match page.last() {
                            Some(last) if page.len() == PAGE as usize => after = last.id.clone(),
                            _ => return Ok(count),
                        }
                    }
                })
            })
            .await
    }

    async fn run_before(&self, id: &str) -> Result<Option<RunView>, Error> {
        let id = id.to_owned();
        let found = self
            .records
            .read(move |tx| {
                let id = id.clone();
                Box::pin(async move { tx.run_get(&id).await })
            })
            .await?;
        Ok(found.map(|row| RunView {
            id: row.id,
            before: true,
            rows: u64::try_from(row.rows).unwrap_or_default(),
            sums: serde_json::from_str(&row.sums).unwrap_or_default(),
            files: Vec::new(),
        }))
    }

    fn lines_of(&self, run: &Run, progress: Progress) -> SaleLinePages {
        let window = FeedWindow {
            retailer: run.ask.retailer.clone(),
            store: run.ask.store.clone(),
            first: run.ask.first.to_string(),
            last: run.ask.last.to_string(),
            as_of: run.as_of,
        };
        SaleLinePages::new(Arc::clone(&self.records), window, progress)
    }

    /// Records a run and its files in one transaction. The files are on the disk by then, under
    /// their temporary names; the deliverer gives them their own.
    async fn keep(
        &self,
        run: Run,
        mut begun: Box<dyn Begun>,
        totals: Totals,
        usage: Usage,
    ) -> Result<RunView, Error> {
        let (written, begun) = tokio::task::spawn_blocking(move || (begun.sync(), begun))
            .await
            .map_err(|error| Error::Internal(format!("syncing a report: {error}")))?;
        let written = match written {
            Ok(written) => written,
            Err(error) => {
                begun.discard();
                return Err(error);
            }
        };
        let files = written.iter();
        let view = RunView {
            id: run.id.clone(),
            before: false,
            rows: totals.rows,
            sums: totals.sums.clone(),
            files: files
                .map(|file| (file.directory.clone(), file.name.clone()))
                .collect(),
        };
        let now = self.clock.now();
        let row = run.row(&totals, now);
        let (journal, blobs) = run.journal(usage, now);
        let documents: Vec<_> = written
            .into_iter()
            .map(|file| run.document(file, now))
            .collect();
        let recorded = self
            .records
            .write(move |tx| {
                let (row, journal, documents) = (row.clone(), journal.clone(), documents.clone());
                let blobs = blobs.clone();
                Box::pin(async move {
                    for (digest, text) in &blobs {
                        tx.blob_put(digest.as_str(), text, now).await?;
                    }
                    record(tx, &row, &journal, &documents).await
                }) as InTx<'_, ()>
            })
            .await;
        if let Err(error) = recorded {
            // It may only be the answer that was lost: then the files are wanted. Where the
            // database does not tell, they stay; the next attempt replaces them.
            let before = self.run_before(&run.id).await?;
            return before.ok_or_else(|| {
                begun.discard();
                error
            });
        }
        self.document_decided.ring();
        Ok(view)
    }
}

async fn record(
    tx: &mut dyn Tx,
    row: &RunRow,
    journal: &JournalRow,
    documents: &[DocumentRow],
) -> Result<(), Error> {
    tx.run_insert(row).await?;
    tx.journal_insert(journal).await?;
    for document in documents {
        tx.document_insert(document).await?;
    }
    Ok(())
}

impl Run {
    fn store_id(&self) -> String {
        self.ask.store.clone().unwrap_or_default()
    }

    /// An instant as the contract writes it; a run over all stores is told in UTC.
    fn text(&self, at: Timestamp) -> String {
        match &self.store {
            Some(store) => store.local_text(at),
            None => at
                .to_zoned_datetime(TimeZone::UTC)
                .strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00")
                .to_string(),
        }
    }

    fn context(&self) -> Context {
        let slot = &self.plugin.slot;
        let (scope, settings) = match &self.store {
            Some(store) => (Scope::Store(store.clone()), slot.settings_of(store)),
            None => (
                Scope::Retailer(self.ask.retailer.clone()),
                slot.settings.as_str(),
            ),
        };
        Context {
            event_id: format!("run:{}", self.id),
            attempt: 1,
            occurred_at: self.text(self.as_of),
            business_date: self.ask.last.to_string(),
            scope,
            settings: settings.to_owned(),
            counters: Vec::new(),
            prior: Vec::new(),
        }
    }

    fn window(&self) -> Window {
        Window {
            id: self.id.clone(),
            first: self.ask.first.to_string(),
            last: self.ask.last.to_string(),
            as_of: self.text(self.as_of),
            stores: self.stores,
        }
    }

    fn row(&self, totals: &Totals, now: Timestamp) -> RunRow {
        RunRow {
            id: self.id.clone(),
            retailer: self.ask.retailer.clone(),
            subscriber: self.ask.plugin.clone(),
            point: Point::Report.name().to_owned(),
            store_id: self.store_id(),
            first: self.ask.first.to_string(),
            last: self.ask.last.to_string(),
            as_of: self.as_of,
            rows: i64::try_from(totals.rows).unwrap_or(i64::MAX),
            sums: serde_json::json!(totals.sums).to_string(),
            ended_at: now,
        }
    }

    /// The journal's row, and the texts it refers to.
    fn journal(&self, usage: Usage, now: Timestamp) -> (JournalRow, Vec<(Digest, String)>) {
        let count = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        let cx = self.context();
        let told = serde_json::json!({ "context": cx, "window": self.window() }).to_string();
        let blobs = vec![
            (Digest::of(cx.settings.as_bytes()), cx.settings),
            (Digest::of(told.as_bytes()), told),
        ];
        let row = JournalRow {
            event_id: cx.event_id,
            subscriber: self.ask.plugin.clone(),
            store_id: self.store_id(),
            order_id: None,
            attempt: 1,
            outcome: "applied".into(),
            detail: None,
            plugin: self.plugin.slot.plugin.clone(),
            component: self.plugin.inspection.digest.to_string(),
            settings: blobs[0].0.to_string(),
            argument: blobs[1].0.to_string(),
            decision: None,
            cpu_us: i64::try_from(usage.cpu.as_micros()).unwrap_or(i64::MAX),
            memory_bytes: count(usage.memory_bytes),
            output_bytes: count(usage.output_bytes),
            at: now,
        };
        (row, blobs)
    }

    fn document(&self, file: Written, now: Timestamp) -> DocumentRow {
        let Written {
            id,
            directory,
            name,
            media_type,
            size,
            digest,
        } = file;
        DocumentRow {
            id,
            event_id: format!("run:{}", self.id),
            subscriber: self.ask.plugin.clone(),
            retailer: self.ask.retailer.clone(),
            store_id: self.store_id(),
            order_id: None,
            directory,
            name,
            media_type,
            size: i64::try_from(size).unwrap_or(i64::MAX),
            digest: digest.to_string(),
            body: None,
            state: DocumentState::Prepared,
            created_at: now,
        }
    }
}
