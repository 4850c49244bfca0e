//! Evaluates baskets a second time in the background, by the route `shadow` of their store, and compares.
//!
//! The first evaluation only hands over the basket, if it fits the queue; it never waits. At the end of the process,
//! evaluations in progress finish, and baskets that wait are dropped. Drops are counted.

use super::Taxes;
use super::evaluate::{EvaluatedStore, TaxEvaluation, own_call};
use galleria_domain::tax::{TaxDifferences, TaxRequest, TaxResponse, TaxRoute};
use galleria_ports::records::{ComparisonCount, ComparisonRow, ComparisonTerms, ShadowOutcome, Tx};
use galleria_ports::tax::TaxCall;
use galleria_ports::{Error, in_tx, metrics, trace};
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// How baskets are evaluated in the background, and what of it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShadowPolicy {
    /// The most items of all baskets that wait or are being evaluated.
    pub queue: u32,
    /// Concurrent evaluations.
    pub at_once: usize,
    /// Longest time of an evaluation.
    pub timeout: Duration,
    /// Time for which comparisons and their counts are kept.
    pub keep: Duration,
    /// One of this many equal baskets is recorded; 0 for none.
    pub sample: u64,
    /// The most baskets of a store with one outcome that are recorded on a day.
    pub per_day: u64,
}

impl Default for ShadowPolicy {
    fn default() -> Self {
        Self {
            queue: 20_000,
            at_once: 4,
            timeout: Duration::from_secs(5),
            keep: Duration::from_hours(30 * 24),
            sample: 100,
            per_day: 1_000,
        }
    }
}

/// A basket that the route of its store has evaluated.
struct Job {
    terms: ComparisonTerms,
    at: Timestamp,
    date: Date,
    /// The services that the request has passed, so that two hosts that are each other's shadow stop.
    call: TaxCall,
    request: TaxRequest,
    response: TaxResponse,
    /// Its part of the queue.
    _room: OwnedSemaphorePermit,
}

/// The queue of baskets.
pub(super) struct Shadow {
    room: Arc<Semaphore>,
    /// Only in a process that evaluates in the background.
    jobs: OnceLock<Sender<Job>>,
    /// Dropped baskets that are not recorded yet.
    dropped: Mutex<BTreeMap<ComparisonTerms, u64>>,
}

/// The result of an evaluation by a second route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShadowResult {
    /// Never `Dropped`.
    pub outcome: ShadowOutcome,
    /// The answer, if the route evaluated the basket.
    pub response: Option<TaxResponse>,
    /// Empty if there is no answer.
    pub differences: TaxDifferences,
    /// Why there is no answer; empty if there is one.
    pub error: String,
}

impl Shadow {
    pub(super) fn new(policy: ShadowPolicy) -> Self {
        Self {
            room: Arc::new(Semaphore::new(policy.queue as usize)),
            jobs: OnceLock::new(),
            dropped: Mutex::default(),
        }
    }

    fn dropped(&self) -> MutexGuard<'_, BTreeMap<ComparisonTerms, u64>> {
        self.dropped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drop_baskets(&self, terms: ComparisonTerms, baskets: u64) {
        metrics::tax_shadow(terms.shadow, ShadowOutcome::Dropped, baskets);
        *self.dropped().entry(terms).or_default() += baskets;
    }
}

impl Taxes {
    /// Hands over an evaluated basket to the shadow of its store, if the store has one. It never waits.
    pub(super) fn compare_later(
        &self,
        store: &EvaluatedStore,
        request: &TaxRequest,
        call: &TaxCall,
        evaluation: &TaxEvaluation,
    ) {
        let shadow = store.settings.shadow;
        let (Some(shadow), Some(jobs)) = (shadow, self.shadow.jobs.get()) else {
            return;
        };
        // The fallback of a store may be its shadow.
        if shadow == evaluation.route {
            return;
        }
        let terms = store.terms(evaluation.route, shadow);
        let items = u32::try_from(request.items.len().max(1)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.shadow.room).try_acquire_many_owned(items);
        let Ok(room) = room else {
            return self.shadow.drop_baskets(terms, 1);
        };
        let at = self.core.clock.now();
        let job = Job {
            at,
            date: store.store.business_date(at),
            call: TaxCall {
                idempotency_key: None,
                ..call.clone()
            },
            // The shadow records nothing.
            request: TaxRequest {
                commit: false,
                ..request.clone()
            },
            response: evaluation.response.clone(),
            terms,
            _room: room,
        };
        if let Err(unsent) = jobs.try_send(job) {
            self.shadow.drop_baskets(unsent.into_inner().terms, 1);
        }
    }

    /// Evaluates in the background until `stop`. Only the first call in a process has an effect.
    pub async fn run_shadow(self, stop: CancellationToken) {
        // Each basket has at least one item, so `room` is the tighter limit.
        let (sender, mut jobs) = channel(self.policy.shadow.queue as usize);
        if self.shadow.jobs.set(sender).is_err() {
            return;
        }
        let mut running = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(first) = running.join_next() => self.finish(first, &mut running).await,
                Some(job) = jobs.recv(), if running.len() < self.policy.shadow.at_once => {
                    running.spawn(self.clone().evaluate_job(job));
                }
            }
        }
        self.drop_waiting(&mut jobs);
        while let Some(first) = running.join_next().await {
            self.finish(first, &mut running).await;
        }
        self.record(Vec::new()).await;
    }

    fn drop_waiting(&self, jobs: &mut Receiver<Job>) {
        jobs.close();
        while let Ok(job) = jobs.try_recv() {
            self.shadow.drop_baskets(job.terms, 1);
        }
    }

    async fn evaluate_job(self, job: Job) -> ComparisonRow {
        let span = tracing::info_span!(target: trace::TARGET, "tax_shadow");
        let compared = self
            .compare_call(&job.request, &job.response, job.terms.shadow, &job.call)
            .instrument(span)
            .await;
        let mut request = job.request;
        request.business_date.get_or_insert(job.date);
        ComparisonRow {
            terms: job.terms,
            at: job.at,
            outcome: compared.outcome,
            request,
            response: job.response,
            shadow_response: compared.response,
            differences: compared.differences,
            error: compared.error,
        }
    }

    /// Evaluates a basket by a route, within the time limit of evaluations in the background, and compares the answer
    /// with that of another route.
    pub async fn compare_with(
        &self,
        request: &TaxRequest,
        response: &TaxResponse,
        route: TaxRoute,
    ) -> ShadowResult {
        self.compare_call(request, response, route, &own_call())
            .await
    }

    async fn compare_call(
        &self,
        request: &TaxRequest,
        response: &TaxResponse,
        route: TaxRoute,
        call: &TaxCall,
    ) -> ShadowResult {
        let timeout = self.policy.shadow.timeout;
        let evaluate = async {
            let answer = self.evaluate_call_by(request, call, route).await?;
            Ok(answer)
        };
        let evaluated = tokio::select! {
            evaluated = evaluate => evaluated,
            () = self.core.clock.sleep(timeout) => Err(Error::Internal(format!(
                "{route} did not answer within {timeout:?} (tax.shadow.timeout)"
            ))),
        };
        let without_answer = |outcome, error: &Error| ShadowResult {
            outcome,
            response: None,
            differences: TaxDifferences::default(),
            error: error.to_string(),
        };
        match evaluated {
            Ok(answer) => {
                let differences = TaxDifferences::between(response, &answer);
                ShadowResult {
                    outcome: match differences.is_empty() {
                        true => ShadowOutcome::Equal,
                        false => ShadowOutcome::Different,
                    },
                    response: Some(answer),
                    differences,
                    error: String::new(),
                }
            }
            // After a move, the till would get no taxes for this basket.
            Err(error @ Error::Invalid(_)) => without_answer(ShadowOutcome::Different, &error),
            Err(error) => without_answer(ShadowOutcome::Failed, &error),
        }
    }

    /// Records this evaluation and all others that have finished meanwhile in one transaction.
    async fn finish(
        &self,
        first: Result<ComparisonRow, JoinError>,
        running: &mut JoinSet<ComparisonRow>,
    ) {
        let mut finished = vec![first];
        while let Some(next) = running.try_join_next() {
            finished.push(next);
        }
        let rows = finished.into_iter().filter_map(|row| {
            row.inspect_err(|error| tracing::error!(%error, "evaluation in the background ended"))
                .ok()
        });
        self.record(rows.collect()).await;
    }

    async fn record(&self, rows: Vec<ComparisonRow>) {
        let dropped = std::mem::take(&mut *self.shadow.dropped());
        if rows.is_empty() && dropped.is_empty() {
            return;
        }
        if !dropped.is_empty() {
            let baskets: u64 = dropped.values().sum();
            tracing::warn!(
                baskets,
                "baskets dropped instead of evaluated in the background"
            );
        }
        let batch = Arc::new(Batch::new(rows, dropped, self.core.clock.now()));
        let policy = self.policy.shadow;
        let work = Arc::clone(&batch);
        let written = self
            .core
            .records
            .write(in_tx!(|tx, work| work.write(tx, policy).await));
        let Err(error) = written.await else {
            for (key, rows) in &batch.rows {
                metrics::tax_shadow(key.0.shadow, key.2, rows.len() as u64);
            }
            return;
        };
        tracing::warn!(
            error = error.chain(),
            "recording comparisons of taxes failed"
        );
        for ((terms, _, _), rows) in &batch.rows {
            self.shadow.drop_baskets(terms.clone(), rows.len() as u64);
        }
        for (terms, baskets) in &batch.dropped {
            *self.shadow.dropped().entry(terms.clone()).or_default() += baskets;
        }
    }
}

/// Finished evaluations by terms, day and outcome, and the number of dropped ones.
struct Batch {
    rows: BTreeMap<(ComparisonTerms, Date, ShadowOutcome), Vec<ComparisonRow>>,
    dropped: BTreeMap<ComparisonTerms, u64>,
    day: Date,
}

impl Batch {
    fn new(
        all: Vec<ComparisonRow>,
        dropped: BTreeMap<ComparisonTerms, u64>,
        now: Timestamp,
    ) -> Self {
        let mut rows: BTreeMap<_, Vec<ComparisonRow>> = BTreeMap::new();
        for row in all {
            let key = (
                row.terms.clone(),
                ComparisonCount::day_of(row.at),
                row.outcome,
            );
            rows.entry(key).or_default().push(row);
        }
        Self {
            rows,
            dropped,
            day: ComparisonCount::day_of(now),
        }
    }

    async fn write(&self, tx: &mut dyn Tx, policy: ShadowPolicy) -> Result<(), Error> {
        for ((terms, day, outcome), rows) in &self.rows {
            let before = tx.tax_comparison_count_get(terms, *day, *outcome).await?;
            let numbered = (before.baskets..).zip(rows);
            let sampled = numbered.filter(|(number, _)| is_recorded(*outcome, *number, policy));
            let left = policy.per_day.saturating_sub(before.recorded);
            let recorded = sampled.take(usize::try_from(left).unwrap_or(usize::MAX));
            let recorded: Vec<ComparisonRow> = recorded.map(|(_, row)| row.clone()).collect();
            tx.tax_comparison_insert_many(&recorded).await?;
            tx.tax_comparison_count_add(&ComparisonCount {
                baskets: rows.len() as u64,
                recorded: recorded.len() as u64,
                ..before
            })
            .await?;
        }
        for (terms, baskets) in &self.dropped {
            tx.tax_comparison_count_add(&ComparisonCount {
                terms: terms.clone(),
                day: self.day,
                outcome: ShadowOutcome::Dropped,
                baskets: *baskets,
                recorded: 0,
            })
            .await?;
        }
        Ok(())
    }
}

/// Whether the basket with this number of its outcome and day is recorded: of equal baskets a sample, which begins
/// with the first one.
fn is_recorded(outcome: ShadowOutcome, number: u64, policy: ShadowPolicy) -> bool {
    match outcome {
        ShadowOutcome::Equal => policy.sample > 0 && number.is_multiple_of(policy.sample),
        ShadowOutcome::Different | ShadowOutcome::Failed => true,
        ShadowOutcome::Dropped => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_baskets_a_sample_is_recorded() {
        let recorded = |outcome, sample| {
            let policy = ShadowPolicy {
                sample,
                ..ShadowPolicy::default()
            };
            let numbers = (0..10).filter(|number| is_recorded(outcome, *number, policy));
            numbers.collect::<Vec<_>>()
        };
        assert_eq!(recorded(ShadowOutcome::Equal, 4), [0, 4, 8]);
        assert_eq!(recorded(ShadowOutcome::Equal, 0), [0_u64; 0]);
        assert_eq!(recorded(ShadowOutcome::Different, 4).len(), 10);
        assert_eq!(recorded(ShadowOutcome::Failed, 0).len(), 10);
    }
}
