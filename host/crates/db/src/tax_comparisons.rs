//! Comparisons of a store's tax route with another route.

use crate::placeholders::{self, CHUNK};
use crate::query::{Query, Row, SqlEnum, query};
use crate::statement_rows::count;
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_domain::tax::TaxRoute;
use galleria_ports::Error;
use galleria_ports::records::{
    ComparisonCount, ComparisonCursor, ComparisonFilter, ComparisonRow, ComparisonTerms,
    ShadowOutcome, TaxComparisons,
};
use jiff::Timestamp;
use jiff::civil::Date;

impl SqlEnum for TaxRoute {
    const ALL: &'static [Self] = &Self::ALL;

    fn as_sql(self) -> &'static str {
        self.name()
    }
}

impl SqlEnum for ShadowOutcome {
    const ALL: &'static [Self] = &Self::ALL;

    fn as_sql(self) -> &'static str {
        self.name()
    }
}

/// Columns of an inserted comparison.
const COLUMNS: usize = 12;

#[async_trait]
impl TaxComparisons for Transaction<'_> {
    async fn tax_comparison_count_get(
        &mut self,
        terms: &ComparisonTerms,
        day: Date,
        outcome: ShadowOutcome,
    ) -> Result<ComparisonCount, Error> {
        let get = query(
            "tax_comparison_count_get",
            "SELECT * FROM tax_comparison_counts
             WHERE store_id = $1 AND day = $2 AND route = $3 AND shadow = $4 AND table_version = $5
               AND settings_version = $6 AND outcome = $7",
        );
        let get = bind_key(get, terms, day, outcome);
        let found = self.fetch_optional_as(get, comparison_count).await?;
        Ok(found.unwrap_or_else(|| ComparisonCount {
            terms: terms.clone(),
            day,
            outcome,
            baskets: 0,
            recorded: 0,
        }))
    }

    async fn tax_comparison_count_add(&mut self, added: &ComparisonCount) -> Result<(), Error> {
        let add = query(
            "tax_comparison_count_add",
            "INSERT INTO tax_comparison_counts (store_id, day, route, shadow, table_version,
                 settings_version, outcome, baskets, recorded)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (store_id, day, route, shadow, table_version, settings_version, outcome)
             DO UPDATE SET baskets = tax_comparison_counts.baskets + excluded.baskets,
                 recorded = tax_comparison_counts.recorded + excluded.recorded",
        );
        let add = bind_key(add, &added.terms, added.day, added.outcome)
            .bind(count(added.baskets))
            .bind(count(added.recorded));
        self.execute_later(add).await
    }

    async fn tax_comparison_count_list(
        &mut self,
        store: &str,
        since: Date,
    ) -> Result<Vec<ComparisonCount>, Error> {
        let list = query(
            "tax_comparison_count_list",
            "SELECT * FROM tax_comparison_counts WHERE store_id = $1 AND day >= $2
             ORDER BY day, route, shadow, table_version, settings_version, outcome",
        )
        .bind(store)
        .bind(since.to_string());
        self.fetch_all_as(list, comparison_count).await
    }

    async fn tax_comparison_insert_many(&mut self, rows: &[ComparisonRow]) -> Result<(), Error> {
        for chunk in rows.chunks(CHUNK) {
            let sql = format!(
                "INSERT INTO tax_comparisons (store_id, at_ms, route, shadow, table_version,
                     settings_version, outcome, request, response, shadow_response, differences, error)
                 VALUES {}",
                placeholders::tuples(1, chunk.len(), COLUMNS)
            );
            let insert = query("tax_comparison_insert_many", sql);
            let insert = chunk.iter().fold(insert, |insert, row| {
                insert
                    .bind(&*row.terms.store_id)
                    .bind_timestamp(row.at)
                    .bind_enum(row.terms.route)
                    .bind_enum(row.terms.shadow)
                    .bind(row.terms.table_version)
                    .bind(row.terms.settings_version)
                    .bind_enum(row.outcome)
                    .bind_json(&row.request)
                    .bind_json(&row.response)
                    .bind_opt_json(row.shadow_response.as_ref())
                    .bind_json(&row.differences)
                    .bind(&*row.error)
            });
            self.execute_later(insert).await?;
        }
        Ok(())
    }

    async fn tax_comparison_list(
        &mut self,
        filter: &ComparisonFilter,
        before: Option<ComparisonCursor>,
        limit: u32,
    ) -> Result<Vec<(i64, ComparisonRow)>, Error> {
        let list = match filter.outcome {
            Some(_) => query(
                "tax_comparison_list",
                "SELECT * FROM tax_comparisons
                 WHERE store_id = $1 AND at_ms >= $2 AND (at_ms, serial) < ($3, $4) AND outcome = $6
                 ORDER BY at_ms DESC, serial DESC LIMIT $5",
            ),
            None => query(
                "tax_comparison_list",
                "SELECT * FROM tax_comparisons
                 WHERE store_id = $1 AND at_ms >= $2 AND (at_ms, serial) < ($3, $4)
                 ORDER BY at_ms DESC, serial DESC LIMIT $5",
            ),
        };
        let list = list
            .bind(&*filter.store_id)
            .bind_timestamp(filter.since)
            .bind(before.map_or(i64::MAX, |before| before.at.as_millisecond()))
            .bind(before.map_or(i64::MAX, |before| before.serial))
            .bind(i64::from(limit));
        let list = match filter.outcome {
            Some(outcome) => list.bind_enum(outcome),
            None => list,
        };
        self.fetch_all_as(list, comparison).await
    }

    async fn tax_comparison_sweep(&mut self, before: Timestamp, limit: u32) -> Result<u64, Error> {
        let counts = query(
            "tax_comparison_sweep",
            "DELETE FROM tax_comparison_counts WHERE day < $1",
        );
        let day = ComparisonCount::day_of(before);
        self.execute_later(counts.bind(day.to_string())).await?;
        let rows = query(
            "tax_comparison_sweep",
            "DELETE FROM tax_comparisons WHERE serial IN (
                 SELECT serial FROM tax_comparisons WHERE at_ms < $1 ORDER BY at_ms LIMIT $2)",
        );
        let rows = rows.bind_timestamp(before).bind(i64::from(limit));
        self.execute(rows).await
    }
}

fn bind_key<'q>(
    query: Query<'q>,
    terms: &'q ComparisonTerms,
    day: Date,
    outcome: ShadowOutcome,
) -> Query<'q> {
    query
        .bind(&*terms.store_id)
        .bind(day.to_string())
        .bind_enum(terms.route)
        .bind_enum(terms.shadow)
        .bind(terms.table_version)
        .bind(terms.settings_version)
        .bind_enum(outcome)
}

fn terms(row: &Row) -> Result<ComparisonTerms, Error> {
    Ok(ComparisonTerms {
        store_id: row.text("store_id")?,
        route: row.enum_value("route")?,
        shadow: row.enum_value("shadow")?,
        table_version: row.int("table_version")?,
        settings_version: row.int("settings_version")?,
    })
}

fn comparison_count(row: &Row) -> Result<ComparisonCount, Error> {
    let day = row.text("day")?;
    Ok(ComparisonCount {
        terms: terms(row)?,
        day: day.parse().map_err(|error| {
            Error::records(
                format!("tax_comparison_counts: reading the day {day}"),
                error,
            )
        })?,
        outcome: row.enum_value("outcome")?,
        baskets: row.int_as("baskets")?,
        recorded: row.int_as("recorded")?,
    })
}

fn comparison(row: &Row) -> Result<(i64, ComparisonRow), Error> {
    let comparison = ComparisonRow {
        terms: terms(row)?,
        at: row.timestamp("at_ms")?,
        outcome: row.enum_value("outcome")?,
        request: row.json("request")?,
        response: row.json("response")?,
        shadow_response: row.opt_json("shadow_response")?,
        differences: row.json("differences")?,
        error: row.text("error")?,
    };
    Ok((row.int("serial")?, comparison))
}
