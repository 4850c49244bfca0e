//! Recorded evaluations: listed, found by id, and removed after their retention.

use super::{TaxEvaluation, Taxes};
use galleria_domain::tax::TaxRequest;
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{TaxEvaluationCursor, TaxEvaluationFilter, TaxEvaluationRow};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Evaluations that are removed in one transaction.
const REMOVED: u32 = 500;

/// A recorded evaluation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecordedEvaluation {
    /// Its id.
    pub id: String,
    /// Time, RFC 3339.
    pub recorded_at: String,
    /// The actor.
    pub actor: String,
    /// The idempotency key as it was sent; null if there was none.
    pub idempotency_key: Option<String>,
    /// The request.
    pub request: TaxRequest,
    /// The response.
    pub response: TaxEvaluation,
}

/// A page of the recorded evaluations of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EvaluationPage {
    /// The newest first.
    pub evaluations: Vec<RecordedEvaluation>,
    /// The `after` of the next page; null on the last page.
    pub next: Option<String>,
}

/// The query for a page of recorded evaluations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvaluationQuery {
    /// The store.
    pub store: String,
    /// Recorded at this time or later; all if it is absent.
    pub since: Option<Timestamp>,
    /// Only of this idempotency key, as the caller sent it.
    pub idempotency_key: Option<String>,
    /// The `next` of the previous page.
    pub after: Option<String>,
    /// The size of the page.
    pub limit: u32,
}

impl Taxes {
    /// A page of the recorded evaluations of a store, newest first.
    pub async fn evaluations(&self, query: EvaluationQuery) -> Result<EvaluationPage, Error> {
        let before = query.after.as_deref().map(cursor_of).transpose()?;
        let before = before.unwrap_or((Timestamp::MAX, String::new()));
        let limit = query.limit;
        let filter = TaxEvaluationFilter {
            store_id: query.store,
            since: query.since.unwrap_or(Timestamp::MIN),
            idempotency_key: query.idempotency_key,
        };
        let read = self.core.records.read(in_tx!(|tx, filter, before| {
            crate::core::store_of(tx, &filter.store_id).await?;
            // One extra row shows whether there is a next page.
            tx.tax_evaluation_list(&filter, &before, limit + 1).await
        }));
        let mut rows = read.await?;
        let page_size = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > page_size;
        rows.truncate(page_size);
        let last = rows.last().filter(|_| more);
        Ok(EvaluationPage {
            next: last.map(|row| format!("{}~{}", row.recorded_at, row.id)),
            evaluations: rows.into_iter().map(view).collect::<Result<_, _>>()?,
        })
    }

    /// A recorded evaluation of a store, by its id.
    pub async fn evaluation(&self, store: &str, id: &str) -> Result<RecordedEvaluation, Error> {
        let found = self.recorded(id).await?;
        let found = found.filter(|row| row.store_id == store);
        view(found.ok_or_else(|| Error::NotFound {
            what: "tax evaluation",
            id: id.to_owned(),
        })?)
    }

    pub(super) async fn recorded(&self, id: &str) -> Result<Option<TaxEvaluationRow>, Error> {
        let id = id.to_owned();
        let records = &self.core.records;
        let read = records.read(in_tx!(|tx, id| tx.tax_evaluation_get(&id).await));
        read.await
    }

    /// Removes recorded evaluations that are older than the configured time, and returns their number.
    pub async fn sweep(&self) -> Result<u64, Error> {
        let now = self.core.clock.now();
        let before = now.checked_sub(self.policy.evaluations_kept);
        let before = before.unwrap_or(Timestamp::MIN);
        let mut removed = 0;
        loop {
            let records = &self.core.records;
            let write = records.write(in_tx!(|tx| tx.tax_evaluation_remove(before, REMOVED).await));
            let count = write.await?;
            removed += count;
            if count < u64::from(REMOVED) {
                return Ok(removed);
            }
        }
    }
}

fn cursor_of(after: &str) -> Result<TaxEvaluationCursor, Error> {
    let parts = after.split_once('~');
    let cursor = parts.and_then(|(at, id)| Some((at.parse().ok()?, id.to_owned())));
    cursor.ok_or_else(|| Error::invalid("after", "must be the `next` of the previous page"))
}

fn view(row: TaxEvaluationRow) -> Result<RecordedEvaluation, Error> {
    Ok(RecordedEvaluation {
        request: parse(&row.id, "request", &row.request)?,
        response: parse(&row.id, "response", &row.response)?,
        id: row.id,
        recorded_at: row.recorded_at.to_string(),
        actor: row.actor,
        idempotency_key: Some(row.idempotency_key).filter(|key| !key.is_empty()),
    })
}

pub(super) fn parse<T: DeserializeOwned>(id: &str, part: &str, text: &str) -> Result<T, Error> {
    serde_json::from_str(text)
        .map_err(|error| Error::records(format!("reading the {part} of evaluation {id}"), error))
}
