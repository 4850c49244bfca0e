//! Fixtures of the tests of taxes.

use async_trait::async_trait;
use galleria_app::App;
use galleria_app::operations::OperationView;
use galleria_app::tax::EvaluationCall;
use galleria_domain::tax::{TaxRequest, TaxResponse, TaxRoute, TaxRow};
use galleria_ports::access::{Caller, Reach, Scope};
use galleria_ports::records::OperationFilter;
use galleria_ports::tax::{TaxCall, TaxFault, TaxUpstream, TaxUpstreams};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

type Answer = dyn Fn(TaxRoute, &TaxRequest) -> Result<TaxResponse, TaxFault> + Send + Sync;

/// The tax services of both routes. They record their requests.
pub struct Services {
    answer: Box<Answer>,
    /// Answered instead.
    fault: Mutex<Option<TaxFault>>,
    requests: Mutex<Vec<(TaxRoute, TaxRequest)>>,
}

impl Services {
    pub fn new(
        answer: impl Fn(TaxRoute, &TaxRequest) -> Result<TaxResponse, TaxFault> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            answer: Box::new(answer),
            fault: Mutex::default(),
            requests: Mutex::default(),
        })
    }

    pub fn fail(&self, fault: impl Into<Option<TaxFault>>) {
        *self.fault.lock().expect("a fault") = fault.into();
    }

    pub fn record(&self, route: TaxRoute, request: &TaxRequest) {
        let mut requests = self.requests.lock().expect("requests");
        requests.push((route, request.clone()));
    }

    pub fn respond(&self, route: TaxRoute, request: &TaxRequest) -> Result<TaxResponse, TaxFault> {
        match self.fault.lock().expect("a fault").clone() {
            Some(fault) => Err(fault),
            None => (self.answer)(route, request),
        }
    }

    pub fn requests(&self) -> Vec<(TaxRoute, TaxRequest)> {
        self.requests.lock().expect("requests").clone()
    }

    /// The latest request.
    pub fn last_request(&self) -> TaxRequest {
        self.requests().pop().expect("a request").1
    }
}

#[async_trait]
impl TaxUpstreams for Services {
    async fn evaluate(
        &self,
        route: TaxRoute,
        request: &TaxRequest,
        _: &TaxCall,
    ) -> Result<TaxResponse, TaxFault> {
        self.record(route, request);
        self.respond(route, request)
    }

    async fn check(&self, _: TaxRoute) -> Result<(), TaxFault> {
        Ok(())
    }

    fn upstreams(&self) -> Vec<TaxUpstream> {
        let upstream = |route| TaxUpstream {
            route,
            address: "http://tax".into(),
            breaker: Default::default(),
            last_failure: None,
        };
        [TaxRoute::Grpc, TaxRoute::Http].map(upstream).to_vec()
    }
}

pub fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("the type")
}

/// Default taxes, or a table: one tax for the code.
pub fn one_tax(code: &str, rate: &str) -> Vec<TaxRow> {
    read(
        json!([{"tax_code": code, "tax_level": "VAT", "retailer_tax_level_id": "1", "tax_percent": rate}]),
    )
}

/// A basket with these amounts of the code `STD`; the items are numbered from 1.
pub fn basket(store: &str, amounts: &[&str]) -> TaxRequest {
    let items = (1..).zip(amounts).map(|(number, amount)| {
        json!({"item_id": number.to_string(), "total_amount": amount, "tax_code": "STD"})
    });
    read(json!({"store_data": {"store_id": store}, "items": items.collect::<Value>()}))
}

/// Records the evaluation of an item of this amount.
pub async fn commit(app: &App, store: &str, key: Option<&str>, amount: &str) {
    let mut request = basket(store, &[amount]);
    request.commit = true;
    let call = EvaluationCall {
        caller: Caller {
            name: "till-4".into(),
            log_name: "till-4".into(),
            scope: Scope::Till,
            reach: Reach::Everything,
        },
        idempotency_key: key.map(str::to_owned),
        hops: 0,
    };
    app.taxes.serve(request, &call).await.expect("taxes");
}

/// The recorded operations on a store, newest first; only those with this action if it is given.
pub async fn operations(app: &App, store: &str, action: Option<&str>) -> Vec<OperationView> {
    let filter = OperationFilter {
        subject: Some(format!("store {store}")),
        action: action.map(str::to_owned),
        ..OperationFilter::default()
    };
    let log = app.operations.log(filter, None, 100).await;
    log.expect("a log").operations
}
