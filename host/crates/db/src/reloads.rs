//! Requests to load a retailer again, the running processes, and how each of them loaded its retailers.

use crate::query::{Row, SqlEnum, query};
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_ports::Error;
use galleria_ports::plugins::{LoadState, RetailerLoad};
use galleria_ports::records::{HostRow, LoadRow, ReloadRow, Reloads};
use jiff::Timestamp;
use std::time::Duration;

impl SqlEnum for LoadState {
    const ALL: &'static [Self] = &Self::ALL;

    fn as_sql(self) -> &'static str {
        self.name()
    }
}

#[async_trait]
impl Reloads for Transaction<'_> {
    async fn reload_request(&mut self, retailer: &str, now: Timestamp) -> Result<i64, Error> {
        let sql = format!(
            "INSERT INTO reloads (retailer, generation, requested_ms, recorded_ms)
             VALUES ($1, 1, $2, {})
             ON CONFLICT (retailer) DO UPDATE SET generation = reloads.generation + 1,
                 requested_ms = excluded.requested_ms, recorded_ms = excluded.recorded_ms
             RETURNING generation",
            self.now_ms()
        );
        let request = query("reload_request", sql);
        let request = request.bind(retailer).bind_timestamp(now);
        self.fetch_one(request).await?.int("generation")
    }

    async fn reload_list(&mut self) -> Result<Vec<ReloadRow>, Error> {
        let list = query("reload_list", "SELECT * FROM reloads ORDER BY retailer");
        self.fetch_all_as(list, reload).await
    }

    async fn reload_get(&mut self, retailer: &str) -> Result<Option<ReloadRow>, Error> {
        let get = query("reload_get", "SELECT * FROM reloads WHERE retailer = $1");
        self.fetch_optional_as(get.bind(retailer), reload).await
    }

    async fn host_seen(&mut self, name: &str, runs_for: Duration) -> Result<Timestamp, Error> {
        let now = self.now_ms();
        let sql = format!(
            "INSERT INTO hosts (name, seen_ms, started_ms) VALUES ($1, {now}, {now} - $2)
             ON CONFLICT (name) DO UPDATE SET seen_ms = excluded.seen_ms
             RETURNING started_ms",
        );
        let seen = query("host_seen", sql);
        let seen = seen.bind(name).bind(milliseconds(runs_for));
        self.fetch_one(seen).await?.timestamp("started_ms")
    }

    async fn host_list(&mut self, seen_within: Duration) -> Result<Vec<HostRow>, Error> {
        let sql = format!(
            "SELECT name, started_ms FROM hosts WHERE seen_ms >= {} - $1 ORDER BY name",
            self.now_ms()
        );
        let list = query("host_list", sql).bind(milliseconds(seen_within));
        let host = |row: &Row| {
            Ok(HostRow {
                name: row.text("name")?,
                started_at: row.timestamp("started_ms")?,
            })
        };
        self.fetch_all_as(list, host).await
    }

    async fn host_remove(&mut self, name: &str) -> Result<(), Error> {
        let loads = query("host_remove", "DELETE FROM loads WHERE host = $1");
        self.execute_later(loads.bind(name)).await?;
        let host = query("host_remove", "DELETE FROM hosts WHERE name = $1");
        self.execute_later(host.bind(name)).await
    }

    async fn host_remove_unseen(&mut self, unseen_for: Duration) -> Result<(), Error> {
        let unseen = format!("hosts WHERE seen_ms < {} - $1", self.now_ms());
        for sql in [
            format!("DELETE FROM loads WHERE host IN (SELECT name FROM {unseen})"),
            format!("DELETE FROM {unseen}"),
        ] {
            let remove = query("host_remove_unseen", sql);
            self.execute_later(remove.bind(milliseconds(unseen_for)))
                .await?;
        }
        Ok(())
    }

    async fn load_put(&mut self, row: &LoadRow) -> Result<(), Error> {
        let put = query(
            "load_put",
            "INSERT INTO loads (retailer, host, generation, state, errors, at_ms)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (retailer, host) DO UPDATE SET generation = excluded.generation,
                 state = excluded.state, errors = excluded.errors, at_ms = excluded.at_ms",
        )
        .bind(&*row.load.retailer)
        .bind(&*row.host)
        .bind(row.generation)
        .bind_enum(row.load.state)
        .bind_json(&row.load.errors)
        .bind_timestamp(row.at);
        self.execute_later(put).await
    }

    async fn load_list(&mut self, retailer: Option<&str>) -> Result<Vec<LoadRow>, Error> {
        let list = match retailer {
            Some(retailer) => query(
                "load_list",
                "SELECT * FROM loads WHERE retailer = $1 ORDER BY host",
            )
            .bind(retailer),
            None => query("load_list", "SELECT * FROM loads ORDER BY retailer, host"),
        };
        self.fetch_all_as(list, load).await
    }
}

fn reload(row: &Row) -> Result<ReloadRow, Error> {
    Ok(ReloadRow {
        retailer: row.text("retailer")?,
        generation: row.int("generation")?,
        requested_at: row.timestamp("requested_ms")?,
        recorded_at: row.timestamp("recorded_ms")?,
    })
}

fn load(row: &Row) -> Result<LoadRow, Error> {
    Ok(LoadRow {
        host: row.text("host")?,
        load: RetailerLoad {
            retailer: row.text("retailer")?,
            state: row.enum_value("state")?,
            errors: row.json("errors")?,
        },
        generation: row.int("generation")?,
        at: row.timestamp("at_ms")?,
    })
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
