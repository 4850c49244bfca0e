//! Everything that a host wrote and sent: log, files, rows, metrics, traces.

use crate::host::{Database, Host};
use crate::listeners::{Agent, Collector};
use crate::scanned::needles;
use galleria_test_database::TestDatabase;
use std::path::Path;
use std::time::{Duration, Instant};

/// The route of identification, as spans and metrics name it.
pub const ROUTE: &str = "/v1/stores/{id}/members/identify";

/// The receivers of a host's traces and metrics.
pub struct Ears {
    pub collector: Collector,
    agent: Agent,
}

/// A source and its content.
pub type Written = Vec<(String, Vec<u8>)>;

impl Ears {
    /// Creates the receivers for a host that is not started yet.
    pub async fn of(host: &mut Host) -> Self {
        let (collector, agent) = (Collector::start().await, Agent::start().await);
        host.set(&format!("traces.endpoint={}", collector.endpoint));
        host.set("traces.sample=1.0");
        host.set(&format!("metrics.statsd={}", agent.address));
        Self { collector, agent }
    }

    /// Stops the host and returns everything that it wrote and sent. Checks that the questions left traces where
    /// they must.
    pub async fn everything(&self, host: &mut Host, database: Database) -> Written {
        let status = host.get("/v1/status").await.expect("a status");
        let scraped = host.client.get(host.url("/metrics")).send().await;
        let scraped = scraped.expect("an answer").bytes().await.expect("metrics");
        let route = needles([ROUTE]);
        let begun = Instant::now();
        while route.first_in(&self.agent.bytes()).is_none() {
            assert!(begun.elapsed().as_secs() < 60, "nothing was sent");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        // The host sends queued spans before it ends.
        host.stop();
        let result = [
            ("metrics", scraped.to_vec()),
            ("what the agent was sent", self.agent.bytes()),
            ("what the collector was sent", self.collector.bytes()),
        ];
        for (place, bytes) in &result {
            assert!(route.first_in(bytes).is_some(), "no question in {place}");
        }
        let mut written: Written = files_of(&host.data(), database);
        written.push(("the status".into(), status.to_string().into_bytes()));
        written.extend(result.map(|(place, bytes)| (place.to_owned(), bytes)));
        if database == Database::Postgres {
            written.extend(rows(&host.database().url).await);
        }
        written
    }
}

/// Every file that the host wrote: SQLite's database, the log, and all others.
fn files_of(data: &Path, database: Database) -> Written {
    let mut found = Vec::new();
    let mut folders = vec![data.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            // Compiled code, created before the first question.
            if path.is_dir() && !path.ends_with("artifacts") {
                folders.push(path);
            } else if path.is_file() {
                let bytes = std::fs::read(&path).expect("a file");
                found.push((path.display().to_string(), bytes));
            }
        }
    }
    // On PostgreSQL the digest key is configured and not stored.
    let wanted = match database {
        Database::Sqlite => vec!["/log", "/digest.key", "/galleria.db"],
        Database::Postgres => vec!["/log"],
    };
    for wanted in wanted {
        place(&found, wanted);
    }
    found
}

/// Every row of every table, as text.
async fn rows(url: &str) -> Written {
    let mut database = TestDatabase::connect(url).await;
    let tables = "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables \
                  WHERE table_schema NOT IN ('information_schema', 'pg_catalog')";
    let mut found = Vec::new();
    for table in database.texts(tables).await {
        let rows = format!("SELECT row_to_json(r)::text FROM {table} r");
        let rows = database.texts(&rows).await;
        found.push((table, rows.join("\n").into_bytes()));
    }
    found
}

/// The content of the only source whose name ends like this.
pub fn place<'w>(written: &'w Written, ending: &str) -> &'w [u8] {
    let found = written.iter().find(|(name, _)| name.ends_with(ending));
    let names = || written.iter().map(|(name, _)| name).collect::<Vec<_>>();
    let (_, bytes) = found.unwrap_or_else(|| panic!("{ending} is not among {:?}", names()));
    bytes
}
