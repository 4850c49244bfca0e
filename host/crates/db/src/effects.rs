//! Positions of groups, effects of events, and their counters.

use crate::query::{SqlEnum, query};
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_domain::Position;
use galleria_ports::Error;
use galleria_ports::records::{Claim, Effects, HandlingState, Outcome};
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

fn claimed(rows: u64) -> Claim {
    match rows {
        0 => Claim::Existing,
        _ => Claim::New,
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
        self.execute_later(set).await
    }

    async fn effect_claim(
        &mut self,
        event_id: &str,
        subscriber: &str,
        outcome: Outcome,
        at: Timestamp,
    ) -> Result<Claim, Error> {
        let claim = query(
            "effect_claim",
            "INSERT INTO effects (event_id, subscriber, outcome, at_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT (event_id, subscriber) DO NOTHING",
        )
        .bind(event_id)
        .bind(subscriber)
        .bind_enum(outcome)
        .bind_timestamp(at);
        Ok(claimed(self.execute(claim).await?))
    }

    async fn effect_claim_of_order(
        &mut self,
        event_id: &str,
        subscriber: &str,
        outcome: Outcome,
        at: Timestamp,
        order_id: &str,
    ) -> Result<Claim, Error> {
        if !self.locks() {
            return self.effect_claim(event_id, subscriber, outcome, at).await;
        }
        let claim = query(
            "effect_claim",
            "WITH turn AS (SELECT id FROM orders WHERE id = $5 FOR UPDATE)
             INSERT INTO effects (event_id, subscriber, outcome, at_ms)
             SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS BIGINT)
             WHERE (SELECT COUNT(*) FROM turn) >= 0
             ON CONFLICT (event_id, subscriber) DO NOTHING",
        )
        .bind(event_id)
        .bind(subscriber)
        .bind_enum(outcome)
        .bind_timestamp(at)
        .bind(order_id);
        Ok(claimed(self.execute(claim).await?))
    }

    async fn handling_state(
        &mut self,
        event_id: &str,
        subscriber: &str,
        store_id: &str,
    ) -> Result<HandlingState, Error> {
        let get = query(
            "handling_state",
            "SELECT (SELECT outcome FROM effects WHERE event_id = $1 AND subscriber = $2) AS outcome,
                 CASE WHEN EXISTS
                     (SELECT 1 FROM dead_letters WHERE event_id = $1 AND subscriber = $2)
                 THEN 1 ELSE 0 END AS dead,
                 (SELECT body FROM stores WHERE id = $3) AS store",
        )
        .bind(event_id)
        .bind(subscriber)
        .bind(store_id);
        let row = self.fetch_one(get).await?;
        Ok(HandlingState {
            has_effect: row.opt_text("outcome")?.is_some(),
            is_dead_letter: row.bool("dead")?,
            store: row.opt_json("store")?,
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
}
