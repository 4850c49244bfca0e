//! Reports about a month of a large retailer need little memory, are exact, and are complete or absent even
//! if the host is killed meanwhile.
//!
//! The default is a tenth of the month; `GALLERIA_LARGE=1` runs all of it: 1,000 stores, a million lines.
//! The test prints its cost to standard error.

use crate::host::{Host, root, staged};
use galleria_test_database::{TestDatabase, integer};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Lines of each store.
const LINES: u64 = 1_000;
/// Memory beyond that of an idle host.
const MEMORY: u64 = 32 << 20;

/// Uses the plugin of any retailer with such a report.
const RETAILER: &str = r#"
name = "large"

[plugins.days]
plugin = "PLUGIN"
[plugins.days.grants]
capabilities = ["sale-lines", "activities", "output"]
directories = ["additional_reports"]
[plugins.days.settings]
report = "sales-by-day"

[plugins.articles]
plugin = "PLUGIN"
[plugins.articles.grants]
capabilities = ["sale-lines", "activities", "output"]
directories = ["additional_reports"]
[plugins.articles.settings]
report = "sales-by-article"

[plugins.killed]
plugin = "PLUGIN"
[plugins.killed.grants]
capabilities = ["sale-lines", "activities", "output"]
directories = ["additional_reports"]
[plugins.killed.settings]
report = "sales-by-article"
file_name = "killed-{scope}-{first}-{last}.csv"
"#;

fn retailer() -> String {
    let folders = std::fs::read_dir(root().join("retailers")).expect("retailers");
    let plugin = folders.flatten().find_map(|folder| {
        let text = std::fs::read_to_string(folder.path().join("retailer.toml")).ok()?;
        let file: toml::Table = text.parse().expect("a retailer's file");
        let slot = file.get("plugins")?.get("sales-by-article")?;
        Some(slot.get("plugin")?.as_str()?.to_owned())
    });
    RETAILER.replace("PLUGIN", &plugin.expect("a report by article"))
}

fn stores() -> u64 {
    match std::env::var("GALLERIA_LARGE").as_deref() {
        Ok("1") => 1_000,
        _ => 100,
    }
}

/// Creates the month in the database directly. The numbers derive from each line's position, so that they are
/// the same in every run.
async fn fill(db: &mut TestDatabase, stores: u64) {
    let make = format!(
        "BEGIN;
         INSERT INTO stores (id, retailer, external_id, body)
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {stores} - 1)
         SELECT printf('large-%04d', i), 'large', printf('L%04d', i), json_object(
             'id', printf('large-%04d', i), 'external_id', printf('L%04d', i), 'retailer', 'large',
             'store_type', 'scan-and-go', 'country', 'ES', 'minor_digits', 2,
             'currency', CASE WHEN i % 5 = 0 THEN 'GBP' ELSE 'EUR' END, 'zone', 'Europe/Madrid')
         FROM n;
         INSERT INTO sale_lines (store_id, business_date, begun_at, entry_id, number,
             store_external_id, returned, sku, description, category, quantity_unscaled,
             quantity_scale, currency, amount, net, discount, tax_code, tax, accepted_ms)
         WITH RECURSIVE
             n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {stores} * {LINES} - 1),
             r(i, s, k, x) AS (
                 SELECT i, i / {LINES}, i % {LINES}, ((i + 7) * 2654435761) % 4294967296 / 64 FROM n)
         SELECT printf('large-%04d', s), printf('2026-10-%02d', k / 3 * 90 / {LINES} + 1),
             printf('2026-10-%02dT%02d:%02d:%02d.000+02:00', k / 3 * 90 / {LINES} + 1,
                 9 + k / 3 % 11, k / 3 % 60, k / 3 % 7),
             printf('pay-%04d-%04d', s, k / 3), k % 3 + 1, printf('L%04d', s), x % 20 = 0,
             printf('A%05d', x / 20 % 600), printf('Article no. %d, plain', x / 20 % 600),
             printf('department %d/group %d', x / 20 % 6, x / 20 % 60), x / 7 % 3 + 1, 0,
             CASE WHEN s % 5 = 0 THEN 'GBP' ELSE 'EUR' END, 100 + x % 9900,
             100 + x % 9900 - (100 + x % 9900) * 21 / 121, x % 4 * 25, 'VAT-STD',
             (100 + x % 9900) * 21 / 121, 1700000000000
         FROM r;
         COMMIT;"
    );
    db.run(&make).await;
}

/// The expected report, computed by the database.
async fn expected(db: &mut TestDatabase, keys: &[&str], header: &str) -> String {
    let keys = keys.join(", ");
    let query = format!(
        "SELECT {keys}, currency, COUNT(DISTINCT entry_id) || '', COUNT(*) || '',
             SUM(CASE returned WHEN 1 THEN -quantity_unscaled ELSE quantity_unscaled END) || '',
             SUM(CASE returned WHEN 1 THEN 0 ELSE net + tax END),
             SUM(CASE returned WHEN 1 THEN net + tax ELSE 0 END),
             SUM(CASE returned WHEN 1 THEN -net - tax ELSE net + tax END),
             SUM(CASE returned WHEN 1 THEN -net ELSE net END),
             SUM(CASE returned WHEN 1 THEN -tax ELSE tax END),
             SUM(CASE returned WHEN 1 THEN -discount ELSE discount END)
         FROM sale_lines GROUP BY {keys}, currency ORDER BY {keys}"
    );
    let mut text = format!("{header}\r\n");
    for mut row in db.rows(&query).await {
        let numbers = row.split_off(row.len() - 6);
        for (at, cell) in row.into_iter().enumerate() {
            let cell = cell.expect("a text");
            let quote = if cell.contains(',') { "\"" } else { "" };
            write!(
                text,
                "{}{quote}{cell}{quote}",
                if at == 0 { "" } else { "," }
            )
            .expect("text");
        }
        for minor in numbers.into_iter().map(integer) {
            let sign = if minor < 0 { "-" } else { "" };
            let (major, rest) = (minor.abs() / 100, minor.abs() % 100);
            write!(text, ",{sign}{major}.{rest:02}").expect("text");
        }
        text.push_str("\r\n");
    }
    text
}

/// A number of `/proc/<pid>/status`, in bytes.
fn memory(pid: u32, of: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status.lines().find(|line| line.starts_with(of));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.expect("a number").parse::<u64>().expect("a number") * 1024
}

/// CPU time so far, in hundredths of a second.
fn cpu(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    let (_, rest) = stat.rsplit_once(')').expect("a name");
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<u64>().expect("ticks");
    ticks(11) + ticks(12)
}

/// Lists the directory continuously, and records the size of each file whenever it appears.
struct Watch {
    stop: Arc<AtomicBool>,
    looking: std::thread::JoinHandle<BTreeMap<String, Vec<u64>>>,
}

impl Watch {
    fn begin(folder: PathBuf) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let looking = std::thread::spawn(move || {
            let mut seen: BTreeMap<String, Vec<u64>> = BTreeMap::new();
            while !flag.load(Ordering::Relaxed) {
                for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    if let Ok(found) = entry.metadata()
                        && !name.starts_with('.')
                    {
                        let sizes = seen.entry(name).or_default();
                        if sizes.last() != Some(&found.len()) {
                            sizes.push(found.len());
                        }
                    }
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            seen
        });
        Self { stop, looking }
    }

    /// Checks that every file was complete whenever it appeared, and that these are all files.
    fn end(self, folder: &Path, names: &[&str]) {
        self.stop.store(true, Ordering::Relaxed);
        let seen = self.looking.join().expect("no panic");
        let found: Vec<&str> = seen.keys().map(String::as_str).collect();
        assert_eq!(found, names);
        for (name, sizes) in &seen {
            let whole = std::fs::metadata(folder.join(name)).expect("a file").len();
            assert_eq!(sizes, &[whole], "{name} was seen before it was whole");
        }
    }
}

/// Requests a run for the month.
async fn request_run(host: &Host, slot: &str) -> String {
    let body = json!({
        "retailer": "large", "plugin": slot, "first": "2026-10-01", "last": "2026-10-31",
    });
    let request = host.send("POST", "/v1/runs", slot, &body).await;
    let (status, run) = request.expect("an answer");
    assert_eq!(status, 202, "{run:#}");
    format!("/v1/runs/{}", run["id"].as_str().expect("an id"))
}

async fn until(host: &Host, run: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let view = host.get(run).await.expect("a run");
        if wanted(&view) {
            return view;
        }
        let bad = ["dead", "failed", "cancelled"].contains(&view["state"].as_str().unwrap_or(""));
        let late = begun.elapsed() > Duration::from_secs(600);
        assert!(!bad && !late, "{view:#}\n{}", host.log());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Runs a report and prints its cost. Checks its memory beyond `idle`.
async fn measured(host: &Host, slot: &str, idle: u64, lines: u64) -> Value {
    let pid = host.pid();
    // Reset the peak: from here on it is this run's.
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").expect("a peak forgotten");
    let (begun, used) = (Instant::now(), cpu(pid));
    let run = request_run(host, slot).await;
    let view = until(host, &run, |run| run["state"] == "ended").await;
    let (took, used) = (begun.elapsed(), cpu(pid) - used);
    let beyond = memory(pid, "VmHWM:").saturating_sub(idle);
    let result = writeln!(
        std::io::stderr(),
        "{slot}: {lines} lines, {} rows, {:.1} s ({:.0} lines/s), {}.{:02} s CPU, idle {:.1} MiB, \
         at most {:.1} MiB beyond",
        view["rows"],
        took.as_secs_f64(),
        lines as f64 / took.as_secs_f64(),
        used / 100,
        used % 100,
        idle as f64 / f64::from(1 << 20),
        beyond as f64 / f64::from(1 << 20),
    );
    result.expect("written");
    assert!(
        beyond < MEMORY,
        "{slot}: {beyond} bytes beyond the idle host"
    );
    view
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_of_a_large_retailer_becomes_reports() {
    let retailers = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(retailers.path().join("large")).expect("a folder");
    std::fs::write(retailers.path().join("large/retailer.toml"), retailer()).expect("a retailer");
    let mut host = Host::with(retailers.path().to_owned(), staged());
    host.set("runs.lease=2s");
    let migrated = host.run(&["migrate"]);
    assert!(migrated.status.success(), "{migrated:?}");
    let url = format!("sqlite://{}/galleria.db", host.data().display());
    let mut db = TestDatabase::connect(&url).await;
    let lines = stores() * LINES;
    fill(&mut db, stores()).await;

    // Compile the component, so that the measured host only loads it.
    assert!(host.run(&["check"]).status.success());
    host.start().await;
    let folder = host.data().join("files/additional_reports/large");
    let watch = Watch::begin(folder.clone());
    let idle = memory(host.pid(), "VmRSS:");
    let days = measured(&host, "days", idle, lines).await;
    let articles = measured(&host, "articles", idle, lines).await;

    let killed = request_run(&host, "killed").await;
    let third = |run: &Value| run["progress"].as_u64() > Some(lines / 3);
    until(&host, &killed, third).await;
    host.kill();
    host.start().await;
    let view = until(&host, &killed, |run| run["state"] == "ended").await;
    assert_eq!(view["attempts"], 2, "{view:#}");
    host.settle().await;

    let names = [
        "killed-large-2026-10-01-2026-10-31.csv",
        "sales-by-article-large-2026-10-01-2026-10-31.csv",
        "sales-by-day-large-2026-10-01-2026-10-31.csv",
    ];
    watch.end(&folder, &names);
    let [killed, quiet, by_day] =
        names.map(|name| std::fs::read_to_string(folder.join(name)).expect("a file"));
    assert!(killed == quiet, "the second attempt wrote other bytes");
    let sums = "transactions,lines,quantity,sales,returns,gross,net,tax,discount";
    let header = format!("store,business_date,currency,{sums}");
    let right = expected(&mut db, &["store_external_id", "business_date"], &header).await;
    assert!(by_day == right, "{}", differs(&by_day, &right));
    let header = format!("store,sku,description,category,currency,{sums}");
    let keys = ["store_external_id", "sku", "description", "category"];
    let right = expected(&mut db, &keys, &header).await;
    assert!(quiet == right, "{}", differs(&quiet, &right));
    assert_eq!(days["rows"], stores() * 30);
    assert!(articles["rows"].as_u64() > Some(stores() * 300));
}

/// The first difference.
fn differs(found: &str, right: &str) -> String {
    let pair = found
        .lines()
        .zip(right.lines())
        .find(|(one, other)| one != other);
    format!("{pair:?}, {} and {} bytes", found.len(), right.len())
}
