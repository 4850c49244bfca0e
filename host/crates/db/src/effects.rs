//! Outcomes of events: positions, effects, counters, journal, blobs, parked events, dead letters.

use crate::outbox::{bind_origin, event};
use crate::parked;
use crate::query::{Row, SqlEnum, query};
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_domain::Position;
use galleria_ports::Error;
use galleria_ports::records::{
    DeadFilter, DeadKey, DeadLetter, Effects, JournalRow, Outcome, Parked, StoreFigures, Took,
};
use jiff::Timestamp;

impl SqlEnum for Outcome {
    const ALL: &'static [Self] = &[Self::Applied, Self::Skipped, Self::Discarded];

    fn as_sql(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Skipped => "skipped",
            Self::Discarded => "discarded",
        }
    }
}

#[async_trait]
impl Effects for Transaction<'_> {
    async fn position_get(&mut self, group: &str) -> Result<Position, Error> {
        let get = query(
            "position_get",
            "SELECT position FROM positions WHERE consumer_group = $1",
        )
        .bind(group);
        let row = self.fetch_optional(get).await?;
        row.map_or(Ok(0), |row| row.int("position"))
    }

    async fn position_set(&mut self, group: &str, position: Position) -> Result<(), Error> {
        let set = query(
            "position_set",
            "INSERT INTO positions (consumer_group, position) VALUES ($1, $2)
             ON CONFLICT (consumer_group) DO UPDATE SET position = excluded.position
             WHERE positions.position < excluded.position",
        )
        .bind(group)
        .bind(position);
        self.execute(set).await.map(drop)
    }

    async fn effect_claim(
        &mut self,
        event_id: &str,
        subscriber: &str,
        outcome: Outcome,
        at: Timestamp,
    ) -> Result<Took, Error> {
        let claim = query(
            "effect_claim",
            "INSERT INTO effects (event_id, subscriber, outcome, at_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT (event_id, subscriber) DO NOTHING",
        )
        .bind(event_id)
        .bind(subscriber)
        .bind_enum(outcome)
        .bind_timestamp(at);
        Ok(match self.execute(claim).await? {
            0 => Took::Before,
            _ => Took::Now,
        })
    }

    async fn effect_get(
        &mut self,
        event_id: &str,
        subscriber: &str,
    ) -> Result<Option<Outcome>, Error> {
        let get = query(
            "effect_get",
            "SELECT outcome FROM effects WHERE event_id = $1 AND subscriber = $2",
        )
        .bind(event_id)
        .bind(subscriber);
        self.fetch_optional_as(get, |row| row.enum_value("outcome"))
            .await
    }

    async fn counter_take(
        &mut self,
        event_id: &str,
        subscriber: &str,
        scope: &str,
        name: &str,
    ) -> Result<u64, Error> {
        let existing = query(
            "counter_take",
            "SELECT value FROM counters
             WHERE event_id = $1 AND subscriber = $2 AND scope = $3 AND name = $4",
        )
        .bind(event_id)
        .bind(subscriber)
        .bind(scope)
        .bind(name);
        if let Some(row) = self.fetch_optional(existing).await? {
            return row.int_as("value");
        }
        let value = self.next_number("counter", scope, name).await?;
        let insert = query(
            "counter_take",
            "INSERT INTO counters (event_id, subscriber, scope, name, value)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        )
        .bind(event_id)
        .bind(subscriber)
        .bind(scope)
        .bind(name)
        .bind(i64::try_from(value).unwrap_or(i64::MAX));
        // If two attempts of an event run at the same time, the second has waited for the sequence.
        // When its work runs again, it reads the number of the first, and no gap appears.
        if self.execute(insert).await? == 0 {
            return Err(self.conflict("counter_take"));
        }
        Ok(value)
    }

    async fn journal_insert(&mut self, row: &JournalRow) -> Result<(), Error> {
        let insert = query(
            "journal_insert",
            "INSERT INTO journal (event_id, subscriber, store_id, order_id, attempt, outcome, detail,
                 plugin, component, settings, argument, decision, cpu_us, memory_bytes,
                 output_bytes, at_ms, retailer)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        )
        .bind(&*row.event_id)
        .bind(&*row.subscriber)
        .bind(&*row.store_id)
        .bind_opt(row.order_id.as_deref())
        .bind(i64::from(row.attempt))
        .bind(&*row.outcome)
        .bind_opt(row.detail.as_deref())
        .bind(&*row.plugin)
        .bind(&*row.component)
        .bind(&*row.settings)
        .bind(&*row.argument)
        .bind_opt(row.decision.as_deref())
        .bind(row.cpu_us)
        .bind(row.memory_bytes)
        .bind(row.output_bytes)
        .bind_timestamp(row.at)
        .bind(&*row.retailer);
        self.execute(insert).await.map(drop)
    }

    async fn journal_of_order(&mut self, order_id: &str) -> Result<Vec<JournalRow>, Error> {
        let list = query(
            "journal_of_order",
            "SELECT * FROM journal WHERE order_id = $1 ORDER BY serial",
        )
        .bind(order_id);
        self.fetch_all_as(list, journal).await
    }

    async fn journal_of_event(&mut self, event_id: &str) -> Result<Vec<JournalRow>, Error> {
        // Uses the index by event and subscriber. The rows are few and are sorted here.
        let list = query(
            "journal_of_event",
            "SELECT * FROM journal WHERE event_id = $1",
        )
        .bind(event_id);
        let mut rows = self
            .fetch_all(list)
            .await?
            .iter()
            .map(|row| Ok((row.int("serial")?, journal(row)?)))
            .collect::<Result<Vec<_>, Error>>()?;
        rows.sort_by_key(|(serial, _)| *serial);
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    async fn blob_put(&mut self, digest: &str, body: &str, at: Timestamp) -> Result<(), Error> {
        // Renew the time of last use at most once a day: retention counts in days, and most attempts
        // use the same settings as the one before.
        let put = query(
            "blob_put",
            "INSERT INTO blobs (digest, body, used_ms) VALUES ($1, $2, $3)
             ON CONFLICT (digest) DO UPDATE SET used_ms = excluded.used_ms
             WHERE blobs.used_ms < excluded.used_ms - 86400000",
        )
        .bind(digest)
        .bind(body)
        .bind_timestamp(at);
        self.execute(put).await.map(drop)
    }

    async fn store_figures(&mut self) -> Result<Vec<StoreFigures>, Error> {
        let figures = query(
            "store_figures",
            "SELECT e.store_id, e.events, COALESCE(d.documents, 0) AS documents,
                 COALESCE(j.cpu_us, 0) AS cpu_us
             FROM (SELECT store_id, COUNT(*) AS events FROM outbox
                   WHERE store_id IS NOT NULL AND id NOT LIKE '%/%' GROUP BY store_id) e
             LEFT JOIN (SELECT store_id, COUNT(*) AS documents FROM documents
                        WHERE state = 'delivered' GROUP BY store_id) d ON d.store_id = e.store_id
             LEFT JOIN (SELECT store_id, CAST(SUM(cpu_us) AS BIGINT) AS cpu_us FROM journal
                        GROUP BY store_id) j ON j.store_id = e.store_id",
        );
        let mut figures: Vec<_> = self
            .fetch_all(figures)
            .await?
            .iter()
            .map(|row| {
                Ok(StoreFigures {
                    store_id: row.text("store_id")?,
                    events: row.int_as("events")?,
                    documents: row.int_as("documents")?,
                    cpu_us: row.int_as("cpu_us")?,
                })
            })
            .collect::<Result<_, Error>>()?;
        figures.sort_by(|a, b| a.store_id.cmp(&b.store_id));
        Ok(figures)
    }

    async fn blob_get(&mut self, digest: &str) -> Result<Option<String>, Error> {
        let get = query("blob_get", "SELECT body FROM blobs WHERE digest = $1").bind(digest);
        self.fetch_optional_as(get, |row| row.text("body")).await
    }

    async fn parked_put(&mut self, row: &Parked) -> Result<(), Error> {
        parked::put(self, row).await
    }

    async fn parked_remove(&mut self, event_id: &str, subscriber: &str) -> Result<(), Error> {
        parked::remove(self, event_id, subscriber).await
    }

    async fn parked_get(
        &mut self,
        event_id: &str,
        subscriber: &str,
    ) -> Result<Option<Parked>, Error> {
        let get = query(
            "parked_get",
            "SELECT * FROM parked WHERE event_id = $1 AND subscriber = $2",
        )
        .bind(event_id)
        .bind(subscriber);
        self.fetch_optional_as(get, parked::parked_row).await
    }

    async fn parked_due(
        &mut self,
        group: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Parked>, Error> {
        parked::due(self, group, now, limit).await
    }

    async fn parked_lanes(&mut self, group: &str) -> Result<Vec<(String, String)>, Error> {
        let lanes = query(
            "parked_lanes",
            "SELECT DISTINCT subscriber, lane FROM parked WHERE consumer_group = $1",
        )
        .bind(group);
        let rows = self.fetch_all(lanes).await?;
        let lane = |row: &Row| Ok((row.text("subscriber")?, row.text("lane")?));
        rows.iter().map(lane).collect()
    }

    async fn parked_in_lane(
        &mut self,
        group: &str,
        subscriber: &str,
        lane: &str,
    ) -> Result<u64, Error> {
        let count = query(
            "parked_in_lane",
            "SELECT COUNT(*) AS waiting FROM parked
             WHERE consumer_group = $1 AND subscriber = $2 AND lane = $3",
        )
        .bind(group)
        .bind(subscriber)
        .bind(lane);
        self.fetch_one(count).await?.int_as("waiting")
    }

    async fn parked_wake(
        &mut self,
        waits_for: &str,
        subscriber: &str,
        now: Timestamp,
    ) -> Result<u64, Error> {
        parked::wake(self, waits_for, subscriber, now).await
    }

    async fn parked_count(&mut self) -> Result<(u64, u64), Error> {
        let count = query(
            "parked_count",
            "SELECT (SELECT COUNT(*) FROM parked) AS everything,
                 (SELECT COUNT(*) FROM parked WHERE state = 'held') AS held",
        );
        let row = self.fetch_one(count).await?;
        Ok((row.int_as("everything")?, row.int_as("held")?))
    }

    async fn dead_put(&mut self, letter: &DeadLetter) -> Result<(), Error> {
        let event = &letter.event;
        let put = query(
            "dead_put",
            "INSERT INTO dead_letters (event_id, subscriber, consumer_group, lane, position, topic,
                 event_key, store_id, data, created_ms, code, detail, attempts, component, died_ms,
                 traceparent, request_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
             ON CONFLICT (event_id, subscriber) DO UPDATE SET
                 consumer_group = excluded.consumer_group, lane = excluded.lane,
                 position = excluded.position, topic = excluded.topic,
                 event_key = excluded.event_key, store_id = excluded.store_id,
                 data = excluded.data, created_ms = excluded.created_ms, code = excluded.code,
                 detail = excluded.detail, attempts = excluded.attempts,
                 component = excluded.component, died_ms = excluded.died_ms,
                 traceparent = excluded.traceparent, request_id = excluded.request_id",
        )
        .bind(&*event.id)
        .bind(&*letter.subscriber)
        .bind(&*letter.group)
        .bind(&*letter.lane)
        .bind(event.position)
        .bind(&*event.topic)
        .bind_opt(event.key.as_deref())
        .bind_opt(event.store.as_deref())
        .bind_json(&event.data)
        .bind(event.server_timestamp)
        .bind(&*letter.code)
        .bind(&*letter.detail)
        .bind(i64::from(letter.attempts))
        .bind(&*letter.component)
        .bind_timestamp(letter.died_at);
        let put = bind_origin(put, &event.origin);
        self.execute(put).await.map(drop)
    }

    async fn dead_page(
        &mut self,
        filter: &DeadFilter,
        after: Option<&DeadKey>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, Error> {
        // The casts give PostgreSQL the type of a NULL.
        let page = query(
            "dead_page",
            "SELECT * FROM dead_letters
             WHERE (died_ms, position, subscriber) > ($1, $2, $3)
               AND (CAST($4 AS TEXT) IS NULL OR subscriber = $4)
               AND (CAST($5 AS TEXT) IS NULL OR code = $5)
               AND (CAST($6 AS TEXT) IS NULL OR store_id = $6)
               AND (CAST($7 AS TEXT) IS NULL OR topic = $7)
               AND (CAST($8 AS TEXT) IS NULL OR EXISTS
                   (SELECT 1 FROM stores s WHERE s.id = store_id AND s.retailer = $8))
             ORDER BY died_ms, position, subscriber LIMIT $9",
        )
        .bind(after.map_or(i64::MIN, |key| key.died_at.as_millisecond()))
        .bind(after.map_or(i64::MIN, |key| key.position))
        .bind(after.map_or("", |key| &*key.subscriber))
        .bind_opt(filter.subscriber.as_deref())
        .bind_opt(filter.code.as_deref())
        .bind_opt(filter.store.as_deref())
        .bind_opt(filter.topic.as_deref())
        .bind_opt(filter.retailer.as_deref())
        .bind(i64::from(limit));
        self.fetch_all_as(page, dead).await
    }

    async fn dead_get(
        &mut self,
        event_id: &str,
        subscriber: &str,
    ) -> Result<Option<DeadLetter>, Error> {
        let get = query(
            "dead_get",
            "SELECT * FROM dead_letters WHERE event_id = $1 AND subscriber = $2",
        )
        .bind(event_id)
        .bind(subscriber);
        self.fetch_optional_as(get, dead).await
    }

    async fn dead_count(&mut self) -> Result<u64, Error> {
        let count = query("dead_count", "SELECT COUNT(*) AS letters FROM dead_letters");
        self.fetch_one(count).await?.int_as("letters")
    }

    async fn dead_remove(
        &mut self,
        event_id: &str,
        subscriber: &str,
    ) -> Result<Option<DeadLetter>, Error> {
        let remove = query(
            "dead_remove",
            "DELETE FROM dead_letters WHERE event_id = $1 AND subscriber = $2 RETURNING *",
        )
        .bind(event_id)
        .bind(subscriber);
        self.fetch_optional_as(remove, dead).await
    }
}

fn journal(row: &Row) -> Result<JournalRow, Error> {
    Ok(JournalRow {
        event_id: row.text("event_id")?,
        subscriber: row.text("subscriber")?,
        retailer: row.text("retailer")?,
        store_id: row.text("store_id")?,
        order_id: row.opt_text("order_id")?,
        attempt: row.int_as("attempt")?,
        outcome: row.text("outcome")?,
        detail: row.opt_text("detail")?,
        plugin: row.text("plugin")?,
        component: row.text("component")?,
        settings: row.text("settings")?,
        argument: row.text("argument")?,
        decision: row.opt_text("decision")?,
        cpu_us: row.int("cpu_us")?,
        memory_bytes: row.int("memory_bytes")?,
        output_bytes: row.int("output_bytes")?,
        at: row.timestamp("at_ms")?,
    })
}

fn dead(row: &Row) -> Result<DeadLetter, Error> {
    Ok(DeadLetter {
        group: row.text("consumer_group")?,
        subscriber: row.text("subscriber")?,
        lane: row.text("lane")?,
        event: event(row, "event_id")?,
        code: row.text("code")?,
        detail: row.text("detail")?,
        attempts: row.int_as("attempts")?,
        component: row.text("component")?,
        died_at: row.timestamp("died_ms")?,
    })
}
