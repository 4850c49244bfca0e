//! Requests to load a retailer again, the running processes, and how each of them loaded its retailers.

use crate::query::{Row, SqlEnum, query};
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_ports::Error;
use galleria_ports::plugins::{LoadState, RetailerLoad};
use galleria_ports::records::{LoadRow, ReloadRow, Reloads};
use jiff::Timestamp;

impl SqlEnum for LoadState {
    const ALL: &'static [Self] = &Self::ALL;

    fn as_sql(self) -> &'static str {
        self.name()
    }
}

#[async_trait]
impl Reloads for Transaction<'_> {
    async fn reload_request(&mut self, retailer: &str, now: Timestamp) -> Result<i64, Error> {
        let request = query(
            "reload_request",
            "INSERT INTO reloads (retailer, generation, requested_ms) VALUES ($1, 1, $2)
             ON CONFLICT (retailer) DO UPDATE SET generation = reloads.generation + 1,
                 requested_ms = excluded.requested_ms
             RETURNING generation",
        );
        let request = request.bind(retailer).bind_timestamp(now);
        self.fetch_one(request).await?.int("generation")
    }

    async fn reload_list(&mut self) -> Result<Vec<ReloadRow>, Error> {
        let list = query("reload_list", "SELECT * FROM reloads ORDER BY retailer");
        self.fetch_all_as(list, reload).await
    }

    async fn reload_get(&mut self, retailer: &str) -> Result<Option<ReloadRow>, Error> {
        let get = query("reload_get", "SELECT * FROM reloads WHERE retailer = $1");
        let row = self.fetch_optional(get.bind(retailer)).await?;
        row.as_ref().map(reload).transpose()
    }

    async fn host_seen(&mut self, name: &str, now: Timestamp) -> Result<(), Error> {
        let seen = query(
            "host_seen",
            "INSERT INTO hosts (name, seen_ms) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET seen_ms = excluded.seen_ms",
        );
        self.execute(seen.bind(name).bind_timestamp(now))
            .await
            .map(drop)
    }

    async fn host_list(&mut self, since: Timestamp) -> Result<Vec<String>, Error> {
        let list = query(
            "host_list",
            "SELECT name FROM hosts WHERE seen_ms >= $1 ORDER BY name",
        );
        self.fetch_all_as(list.bind_timestamp(since), |row| row.text("name"))
            .await
    }

    async fn host_remove(&mut self, name: &str) -> Result<(), Error> {
        let loads = query("host_remove", "DELETE FROM loads WHERE host = $1");
        self.execute(loads.bind(name)).await?;
        let host = query("host_remove", "DELETE FROM hosts WHERE name = $1");
        self.execute(host.bind(name)).await.map(drop)
    }

    async fn host_remove_unseen(&mut self, since: Timestamp) -> Result<(), Error> {
        let loads = query(
            "host_remove_unseen",
            "DELETE FROM loads WHERE host IN (SELECT name FROM hosts WHERE seen_ms < $1)",
        );
        self.execute(loads.bind_timestamp(since)).await?;
        let hosts = query("host_remove_unseen", "DELETE FROM hosts WHERE seen_ms < $1");
        self.execute(hosts.bind_timestamp(since)).await.map(drop)
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
        self.execute(put).await.map(drop)
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
