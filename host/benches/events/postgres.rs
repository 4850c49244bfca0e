//! A PostgreSQL server that counts statements.

use crate::serving::cpu_of;
use anyhow::{Context as _, Result};
use galleria_test_database::{Cells, TestDatabase, integer};
use galleria_test_postgres::{Server, bin};
use std::time::Duration;

/// Bytes of a database, and those written to its log.
pub struct Sizes {
    pub database: u64,
    pub log: u64,
}

/// A query of `pg_stat_statements` and its totals.
pub struct Query {
    /// Its beginning, on one line.
    pub text: String,
    pub calls: f64,
    pub rows: f64,
    pub milliseconds: f64,
    /// Pages of the database that it read from memory or disk.
    pub buffers: f64,
}

pub struct Postgres {
    server: Server,
    /// The process that started all others.
    main: u32,
}

impl Postgres {
    pub async fn start() -> Result<Self> {
        let bin = bin().context("there is no PostgreSQL (Debian: apt-get install postgresql)")?;
        // Servers of tests look for deadlocks after a tenth of the usual time, which costs CPU time under load.
        let settings = [
            "fsync=on",
            "deadlock_timeout=1s",
            "shared_preload_libraries=pg_stat_statements",
        ];
        let server = Server::start(&bin, &settings)?;
        server.wait()?;
        let mut database = TestDatabase::connect(&server.url()).await;
        database.run("CREATE EXTENSION pg_stat_statements").await;
        let backend = database.integers("SELECT pg_backend_pid()").await[0];
        let stat = std::fs::read_to_string(format!("/proc/{backend}/stat"))?;
        let parent = stat
            .rsplit_once(')')
            .and_then(|(_, after)| after.split_whitespace().nth(1));
        let main = parent.context("the parent of a backend")?.parse()?;
        Ok(Self { server, main })
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    /// A connection whose statements are not counted.
    async fn connect(&self) -> TestDatabase {
        let mut database = TestDatabase::connect(&self.server.url()).await;
        database.run("SET pg_stat_statements.track = 'none'").await;
        database
    }

    /// Statements of the host so far: selects, inserts, updates, deletes and others, and the transactions that it began.
    pub async fn statements(&self) -> Result<([u64; 5], u64)> {
        let query =
            "SELECT UPPER(SUBSTRING(query FROM '[[:alpha:]]+')) AS kind, CAST(SUM(calls) AS BIGINT) AS calls
             FROM pg_stat_statements GROUP BY 1";
        let rows = self.connect().await.rows(query).await;
        let (mut statements, mut transactions) = ([0; 5], 0);
        for row in rows {
            let [kind, calls] = columns(row);
            let calls: u64 = integer(calls).try_into()?;
            match kind.as_deref().unwrap_or_default() {
                "SELECT" => statements[0] += calls,
                "INSERT" => statements[1] += calls,
                "UPDATE" => statements[2] += calls,
                "DELETE" => statements[3] += calls,
                "BEGIN" => transactions += calls,
                "COMMIT" | "ROLLBACK" => {}
                _ => statements[4] += calls,
            }
        }
        Ok((statements, transactions))
    }

    /// Forgets the statements so far.
    pub async fn reset(&self) {
        let mut database = self.connect().await;
        database.run("SELECT pg_stat_statements_reset()").await;
    }

    /// The ten most expensive queries by a column of `pg_stat_statements`.
    pub async fn most_expensive(&self, column: &'static str) -> Result<Vec<Query>> {
        let query = format!(
            "SELECT query, calls, rows, total_exec_time, shared_blks_hit + shared_blks_read AS buffers
             FROM pg_stat_statements ORDER BY {column} DESC LIMIT 10"
        );
        let rows = self.connect().await.rows(&query).await;
        let queries = rows.into_iter().map(|row| {
            let [text, calls, rows, milliseconds, buffers] = columns(row);
            let text = text.unwrap_or_default();
            let words: Vec<&str> = text.split_whitespace().collect();
            Query {
                text: words
                    .join(" ")
                    .replace('|', "\\|")
                    .chars()
                    .take(160)
                    .collect(),
                calls: integer(calls) as f64,
                rows: integer(rows) as f64,
                milliseconds: milliseconds
                    .and_then(|text| text.parse().ok())
                    .unwrap_or(f64::NAN),
                buffers: integer(buffers) as f64,
            }
        });
        Ok(queries.collect())
    }

    /// The bytes of the database, and those written to the write-ahead log so far.
    pub async fn sizes(&self) -> Result<Sizes> {
        let query = "SELECT pg_database_size(current_database()),
                 CAST(pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS BIGINT)";
        let sizes = self.connect().await.integers(query).await;
        Ok(Sizes {
            database: sizes[0].try_into()?,
            log: sizes[1].try_into()?,
        })
    }

    /// The running processes.
    pub fn processes(&self) -> Vec<u32> {
        let path = format!("/proc/{0}/task/{0}/children", self.main);
        let children = std::fs::read_to_string(path).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|id| id.parse().ok());
        std::iter::once(self.main).chain(children).collect()
    }

    /// CPU time of all processes, with those that have ended.
    pub fn cpu(&self) -> Result<Duration> {
        let running = self.processes().into_iter().skip(1);
        let running: Duration = running
            .filter_map(|id| cpu_of(id).ok())
            .map(|cpu| cpu.own)
            .sum();
        let main = cpu_of(self.main)?;
        Ok(main.own + main.ended_children + running)
    }
}

fn columns<const COUNT: usize>(row: Cells) -> [Option<String>; COUNT] {
    row.try_into().expect("the columns of the query")
}
