//! Evaluates baskets a second time in the background, by the route `shadow` of their store, and compares.
//!
//! The first evaluation only hands over the basket, if it fits the queue; it never waits. At the end of the process,
//! evaluations in progress finish, and baskets that wait are dropped. Drops are counted.

use super::evaluate::{EvaluatedStore, TaxEvaluation, own_call};
use super::shadow_batch::Batch;
use super::shadow_queue::{Entry, Place, Queued, ShadowQueue};
use super::{ShadowPolicy, Taxes};
use galleria_domain::tax::{TaxDifferences, TaxRequest, TaxResponse, TaxRoute};
use galleria_ports::records::{ComparisonRow, ComparisonTerms, ShadowOutcome};
use galleria_ports::tax::TaxCall;
use galleria_ports::{Error, in_tx, metrics, trace};
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// A basket that the route of its store has evaluated.
struct Job {
    terms: ComparisonTerms,
    at: Timestamp,
    date: Date,
    /// The services that the request has passed, so that two hosts that are each other's shadow stop.
    call: TaxCall,
    request: TaxRequest,
    response: TaxResponse,
}

impl Queued for Job {
    fn lane(&self) -> TaxRoute {
        self.terms.shadow
    }

    fn store(&self) -> &str {
        &self.terms.store_id
    }

    fn items(&self) -> u64 {
        self.request.items.len().max(1) as u64
    }
}

/// The queue of baskets, and what was dropped from it.
pub(super) struct Shadow {
    queue: Arc<ShadowQueue<Job>>,
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
            queue: Arc::new(ShadowQueue::new(policy.queue, policy.at_once)),
            dropped: Mutex::default(),
        }
    }

    fn dropped(&self) -> MutexGuard<'_, BTreeMap<ComparisonTerms, u64>> {
        self.dropped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drop_jobs(&self, jobs: impl IntoIterator<Item = Job>) {
        for job in jobs {
            self.drop_baskets(job.terms, 1);
        }
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
        // The fallback of a store may be its shadow.
        let shadow = shadow.filter(|shadow| *shadow != evaluation.route);
        let Some(shadow) = shadow.filter(|_| self.shadow.queue.is_used()) else {
            return;
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
            terms: store.terms(evaluation.route, shadow),
        };
        match self.shadow.queue.add(job) {
            Entry::Unused => {}
            Entry::Added { dropped } => self.shadow.drop_jobs(dropped),
            Entry::Dropped(job) => self.shadow.drop_jobs([job]),
        }
    }

    /// Evaluates in the background until `stop`. Only the first call in a process has an effect.
    pub async fn run_shadow(self, stop: CancellationToken) {
        let queue = Arc::clone(&self.shadow.queue);
        if !queue.open() {
            return;
        }
        let mut running = JoinSet::new();
        loop {
            while let Some((job, place)) = queue.next() {
                running.spawn(self.clone().evaluate_job(job, place));
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(first) = running.join_next() => self.finish(first, &mut running).await,
                () = queue.added() => {}
            }
        }
        self.shadow.drop_jobs(queue.close());
        while let Some(first) = running.join_next().await {
            self.finish(first, &mut running).await;
        }
        self.record(Vec::new()).await;
    }

    async fn evaluate_job(self, job: Job, _place: Place<Job>) -> ComparisonRow {
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
