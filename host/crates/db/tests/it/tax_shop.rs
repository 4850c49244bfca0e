//! A process whose store has a shadow: a tax service that can fail, and be slow.

use crate::no_plugins::NoPlugins;
use crate::rows::{self, at};
use crate::stage::Stage;
use crate::tax_kit::{Services, basket, one_tax};
use async_trait::async_trait;
use futures_util::FutureExt as _;
use galleria_app::tax::{
    ComparedBaskets, ComparisonPage, ComparisonQuery, ShadowPolicy, TaxPolicy,
};
use galleria_app::{App, Policy};
use galleria_domain::tax::{
    Rounding, TableTerms, TaxRequest, TaxResponse, TaxRoute, TaxSettings, TaxTable,
    evaluate_request,
};
use galleria_ports::clock::DrivenClock;
use galleria_ports::records::ShadowOutcome;
use galleria_ports::tax::{TaxCall, TaxFault, TaxUpstream, TaxUpstreams};
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The rate of the store's default taxes.
const RATE: &str = "25";

/// A tax service with one rate for every code.
pub struct Service {
    pub services: Arc<Services>,
    rate: Arc<Mutex<&'static str>>,
    /// Each evaluation takes one.
    pub permits: Semaphore,
    /// The requests of this store are not answered until `answer`.
    pub slow: Mutex<Option<&'static str>>,
    pub answer: Notify,
}

impl Service {
    fn new(permits: usize) -> Self {
        let rate = Arc::new(Mutex::new(RATE));
        let current = Arc::clone(&rate);
        let services = Services::new(move |_, request| {
            let rate = *current.lock().expect("a rate");
            let terms = TableTerms {
                table: &TaxTable::default(),
                default_taxes: &TaxTable::any(&one_tax("ANY", rate)),
                rounding: Rounding::default(),
                date: request.business_date.expect("a date"),
                included: true,
            };
            evaluate_request(request, terms).map_err(TaxFault::Rejected)
        });
        Self {
            services,
            rate,
            permits: Semaphore::new(permits),
            slow: Mutex::default(),
            answer: Notify::new(),
        }
    }

    pub fn set_rate(&self, rate: &'static str) {
        *self.rate.lock().expect("a rate") = rate;
    }
}

#[async_trait]
impl TaxUpstreams for Service {
    async fn evaluate(
        &self,
        route: TaxRoute,
        request: &TaxRequest,
        _: &TaxCall,
    ) -> Result<TaxResponse, TaxFault> {
        self.services.record(route, request);
        let answer = self.answer.notified();
        let slow = *self.slow.lock().expect("a store");
        if slow == Some(request.store_data.store_id.as_str()) {
            answer.await;
        }
        self.permits.acquire().await.expect("open").forget();
        self.services.respond(route, request)
    }

    async fn check(&self, route: TaxRoute) -> Result<(), TaxFault> {
        self.services.check(route).await
    }

    fn upstreams(&self) -> Vec<TaxUpstream> {
        self.services.upstreams()
    }
}

/// A process whose store has the route `embedded` and the shadow `http`.
pub struct Shop {
    pub app: App,
    pub service: Arc<Service>,
    pub clock: Arc<DrivenClock>,
    pub stop: CancellationToken,
    worker: JoinHandle<()>,
}

impl Shop {
    pub async fn open(stage: &Stage, policy: ShadowPolicy, permits: usize) -> Self {
        let (store, settings) = (rows::store("s", "shop"), settings());
        write_tx!(stage, [store, settings], |tx| {
            tx.store_put(&store).await?;
            tx.tax_settings_put("s", &settings).await
        })
        .expect("a store");
        let clock = Arc::new(DrivenClock::new(at(0)));
        let service = Arc::new(Service::new(permits));
        let policy = Policy {
            tax: TaxPolicy {
                shadow: policy,
                move_baskets: 3,
                ..TaxPolicy::default()
            },
            ..Policy::default()
        };
        let records = Arc::new(stage.db.clone());
        let app = App::new(records, Arc::new(NoPlugins), clock.clone(), policy)
            .with_tax_upstreams(service.clone());
        let stop = CancellationToken::new();
        // The first poll accepts baskets.
        let mut worker = Box::pin(app.taxes.clone().run_shadow(stop.clone()));
        assert!((&mut worker).now_or_never().is_none());
        let worker = tokio::spawn(worker);
        Self {
            app,
            service,
            clock,
            stop,
            worker,
        }
    }

    /// Evaluates a basket of this many items by the store's route.
    pub async fn sell(&self, items: usize) -> TaxResponse {
        self.sell_in("s", items).await
    }

    pub async fn sell_in(&self, store: &str, items: usize) -> TaxResponse {
        let request = basket(store, &vec!["10.00"; items]);
        let evaluation = self.app.taxes.evaluate(request).await.expect("taxes");
        assert_eq!(evaluation.route, TaxRoute::Embedded);
        evaluation.response
    }

    pub async fn page(&self, outcome: Option<ShadowOutcome>) -> ComparisonPage {
        self.page_of("s", outcome).await
    }

    async fn page_of(&self, store: &str, outcome: Option<ShadowOutcome>) -> ComparisonPage {
        let query = ComparisonQuery {
            store: store.into(),
            outcome,
            limit: 100,
            ..ComparisonQuery::default()
        };
        self.app.taxes.comparisons(query).await.expect("a page")
    }

    pub async fn counts(&self) -> ComparedBaskets {
        self.counts_of("s").await
    }

    async fn counts_of(&self, store: &str) -> ComparedBaskets {
        let summary = self.page_of(store, None).await.summary;
        let counts = summary.routes.first().map(|row| row.baskets);
        counts.unwrap_or_default()
    }

    /// Waits until this many baskets are recorded or counted.
    pub async fn settle(&self, baskets: u64) -> ComparedBaskets {
        self.settle_of("s", baskets).await
    }

    pub async fn settle_of(&self, store: &str, baskets: u64) -> ComparedBaskets {
        loop {
            let counts = self.counts_of(store).await;
            let all = counts.compared + counts.failed + counts.dropped;
            assert!(all <= baskets, "{counts:?}");
            if all == baskets {
                return counts;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Waits until the service has received this many requests.
    pub async fn requested(&self, requests: usize) {
        while self.service.services.requests().len() < requests {
            tokio::task::yield_now().await;
        }
    }

    /// Stops the process.
    pub async fn stop(self) -> Self {
        self.stop.cancel();
        let worker = self.worker.await;
        worker.expect("no panic");
        Self {
            worker: tokio::spawn(std::future::ready(())),
            ..self
        }
    }
}

pub fn settings() -> TaxSettings {
    TaxSettings {
        shadow: Some(TaxRoute::Http),
        default_taxes: one_tax("ANY", RATE),
        ..TaxSettings::default()
    }
}

pub fn policy() -> ShadowPolicy {
    ShadowPolicy {
        sample: 2,
        ..ShadowPolicy::default()
    }
}
