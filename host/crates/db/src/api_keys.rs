//! API keys: digests of their secrets, scopes and reach.

use crate::query::{Row, SqlEnum, query};
use crate::transaction::{Transaction, inserted};
use async_trait::async_trait;
use galleria_ports::Error;
use galleria_ports::access::{Reach, Scope};
use galleria_ports::records::{ApiKeyRow, ApiKeys};
use jiff::Timestamp;
use std::collections::BTreeSet;

impl SqlEnum for Scope {
    const ALL: &'static [Self] = &Scope::ALL;

    fn as_sql(self) -> &'static str {
        self.name()
    }
}

#[async_trait]
impl ApiKeys for Transaction<'_> {
    async fn api_key_insert(&mut self, key: &ApiKeyRow) -> Result<(), Error> {
        let (retailers, stores) = match &key.reach {
            Reach::Everything => (None, None),
            Reach::Some { retailers, stores } => (Some(retailers), Some(stores)),
        };
        let insert = query(
            "api_key_insert",
            "INSERT INTO api_keys (id, name, digest, scope, retailers, stores, created_ms, revoked_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT DO NOTHING",
        )
        .bind(&*key.id)
        .bind(&*key.name)
        .bind(&*key.digest)
        .bind_enum(key.scope)
        .bind_opt_json(retailers)
        .bind_opt_json(stores)
        .bind_timestamp(key.created_at)
        .bind(key.revoked_at.map(Timestamp::as_millisecond));
        inserted(self.execute(insert).await?, "key", &key.name)
    }

    async fn api_key_get(&mut self, id: &str) -> Result<Option<ApiKeyRow>, Error> {
        let get = query("api_key_get", "SELECT * FROM api_keys WHERE id = $1").bind(id);
        self.fetch_optional(get)
            .await?
            .as_ref()
            .map(key)
            .transpose()
    }

    async fn api_key_get_by_name(&mut self, name: &str) -> Result<Option<ApiKeyRow>, Error> {
        let get = query(
            "api_key_get_by_name",
            "SELECT * FROM api_keys WHERE name = $1 AND revoked_ms IS NULL",
        )
        .bind(name);
        self.fetch_optional(get)
            .await?
            .as_ref()
            .map(key)
            .transpose()
    }

    async fn api_key_list(
        &mut self,
        revoked: bool,
        after: (&str, &str),
        limit: u32,
    ) -> Result<Vec<ApiKeyRow>, Error> {
        let page = query(
            "api_key_list",
            "SELECT * FROM api_keys
             WHERE (name, id) > ($1, $2) AND ($3 = 1 OR revoked_ms IS NULL)
             ORDER BY name, id LIMIT $4",
        )
        .bind(after.0)
        .bind(after.1)
        .bind_bool(revoked)
        .bind(i64::from(limit));
        self.fetch_all_as(page, key).await
    }

    async fn api_key_revoke(&mut self, id: &str, at: Timestamp) -> Result<bool, Error> {
        let revoke = query(
            "api_key_revoke",
            "UPDATE api_keys SET revoked_ms = $2 WHERE id = $1 AND revoked_ms IS NULL",
        )
        .bind(id)
        .bind_timestamp(at);
        Ok(self.execute(revoke).await? > 0)
    }
}

fn key(row: &Row) -> Result<ApiKeyRow, Error> {
    let retailers: Option<BTreeSet<String>> = row.opt_json("retailers")?;
    let stores: Option<BTreeSet<String>> = row.opt_json("stores")?;
    let reach = match (retailers, stores) {
        (None, None) => Reach::Everything,
        (retailers, stores) => Reach::Some {
            retailers: retailers.unwrap_or_default(),
            stores: stores.unwrap_or_default(),
        },
    };
    Ok(ApiKeyRow {
        id: row.text("id")?,
        name: row.text("name")?,
        digest: row.text("digest")?,
        scope: row.enum_value("scope")?,
        reach,
        created_at: row.timestamp("created_ms")?,
        revoked_at: row.opt_timestamp("revoked_ms")?,
    })
}
