//! Test doubles: a plugin that identifies one member, failing databases, a token issuer, and tax services.

use async_trait::async_trait;
use galleria_domain::plugin::{Inspection, Limits, OnDeadLetter, Point, Rights, Slot, StoreFilter};
use galleria_domain::tax::{TaxRequest, TaxResponse, TaxRoute};
use galleria_domain::{
    CallFault, Context, Decision, Digest, Fault, HostFault, Member, Problem, Totals,
};
use galleria_ports::Error;
use galleria_ports::access::{Caller, Reach, Scope, TokenFault, Tokens};
use galleria_ports::plugins::{
    Argument, CallOutcome, LoadedPlugin, Plugins, Stream, Streams, Usage,
};
use galleria_ports::records::{Records, Work};
use galleria_ports::tax::{
    BreakerState, TaxCall, TaxFault, TaxUpstream, TaxUpstreamFailure, TaxUpstreams,
};
use jiff::Timestamp;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Identifies members of the retailer `example`: `M-739104` is a member, some codes make it fail with a
/// message, and all others are unknown. It also lists a report, which does not run.
pub struct OneMember(Vec<LoadedPlugin>);

impl Default for OneMember {
    fn default() -> Self {
        Self(vec![
            loaded("loyalty", Point::IdentifyMember),
            loaded("daily-sales", Point::Report),
            loaded("statements", Point::ReadStatement),
        ])
    }
}

fn loaded(name: &str, point: Point) -> LoadedPlugin {
    let slot = Slot {
        retailer: "example".into(),
        name: name.into(),
        plugin: name.into(),
        component: format!("{name}.wasm").into(),
        file: "retailer.toml".into(),
        asks: Rights::default(),
        grants: Rights::default(),
        filter: StoreFilter::default(),
        settings: "{}".into(),
        settings_for: Vec::new(),
        call_limits: Limits::CALL,
        run_limits: Limits::RUN,
        keys: BTreeMap::new(),
        counters: BTreeMap::new(),
        on_dead_letter: OnDeadLetter::Hold,
        retry_for_s: 0,
        schedules: Vec::new(),
        shared_directories: BTreeSet::new(),
    };
    let inspection = Inspection {
        digest: Digest::of(name.as_bytes()),
        size: 7,
        exports: [point].into(),
        imports: BTreeSet::new(),
        wasi: Vec::new(),
        stamp: None,
    };
    LoadedPlugin {
        slot: Arc::new(slot),
        inspection: Arc::new(inspection),
        handle: Arc::new(()),
    }
}

fn not_served<T>() -> CallOutcome<T> {
    CallOutcome {
        outcome: Err(CallFault::Host(HostFault::NotServed("a double".into()))),
        usage: Usage::default(),
    }
}

impl Plugins for OneMember {
    fn all(&self) -> Vec<LoadedPlugin> {
        self.0.clone()
    }

    fn is_out_of_service(&self, retailer: &str) -> bool {
        retailer == "broken"
    }

    fn react(&self, _: &LoadedPlugin, _: &Context, _: &Argument) -> CallOutcome<Decision> {
        not_served()
    }

    fn identify(&self, _: &LoadedPlugin, _: &Context, code: &str) -> CallOutcome<Option<Member>> {
        let message = || "something about the number".to_owned();
        let outcome = match code {
            "M-739104" => Ok(Some(Member {
                id: "739104".into(),
                programme: "club".into(),
                attributes: Vec::new(),
            })),
            "crash" => Err(CallFault::Host(HostFault::Trapped(message()))),
            "denied" => Err(CallFault::Host(HostFault::Denied(message()))),
            "fail" => Err(CallFault::Guest(Fault::Failed(message()))),
            _ => Ok(None),
        };
        CallOutcome {
            outcome,
            usage: Usage {
                cpu: Duration::from_micros(417),
                output_bytes: 11,
                ..Usage::default()
            },
        }
    }

    /// Every statement has the same content; an empty one is rejected.
    fn run(
        &self,
        _: &LoadedPlugin,
        _: &Context,
        run: &Stream,
        streams: Streams,
    ) -> CallOutcome<Totals> {
        let (Stream::Statement, Some(mut input), Some(mut lines)) =
            (run, streams.input, streams.statement)
        else {
            return not_served();
        };
        let usage = Usage::default();
        if input.read(1).expect("read").is_empty() {
            let problem = Problem {
                row: Some(1),
                ..Problem::new("Psp Reference", "a header with this column")
            };
            let outcome = Err(CallFault::Guest(Fault::Invalid(vec![problem])));
            return CallOutcome { outcome, usage };
        }
        let header = serde_json::from_value(json!({
            "provider": "adyen", "account": "example-es", "reference": "payout-42",
            "currency": "EUR", "minor_digits": 2, "paid_on": "2026-11-23", "total": 1190,
        }));
        lines
            .describe(header.expect("a header"))
            .expect("described");
        let line = serde_json::from_value(json!({
            "row": 2, "kind": "payment", "id": "", "psp_reference": "8836-1",
            "modification_reference": "", "merchant_reference": "order-1",
            "booked_at": "2026-11-21", "currency": "EUR", "minor_digits": 2, "gross": 1210,
            "rate": null, "converted": 1210, "fee": 20, "net": 1190,
        }));
        lines.push(vec![line.expect("a line")]).expect("pushed");
        let outcome = Ok(Totals {
            rows: 1,
            sums: Vec::new(),
        });
        CallOutcome { outcome, usage }
    }
}

/// Accepts every token of the form `admin`, `till;stores=s1,s2` or `operator;retailers=example`. For `away`,
/// the issuer does not respond.
#[derive(Debug)]
pub struct TestTokens;

#[async_trait]
impl Tokens for TestTokens {
    async fn caller(&self, token: &str, _: Timestamp) -> Result<Caller, TokenFault> {
        if token == "away" {
            return Err(TokenFault::Unavailable("connection refused".into()));
        }
        let mut parts = token.split(';');
        let scope = parts.next().and_then(Scope::by_name);
        let scope = scope.ok_or(TokenFault::Refused("an invalid token"))?;
        let (mut retailers, mut stores) = (BTreeSet::new(), BTreeSet::new());
        let mut reach = Reach::Everything;
        for (name, list) in parts.filter_map(|part| part.split_once('=')) {
            let list = list.split(',').map(ToOwned::to_owned);
            match name {
                "retailers" => retailers.extend(list),
                _ => stores.extend(list),
            }
            let (retailers, stores) = (retailers.clone(), stores.clone());
            reach = Reach::Some { retailers, stores };
        }
        Ok(Caller {
            name: format!("test-{}", scope.name()),
            log_name: "test".into(),
            scope,
            reach,
        })
    }
}

/// A database whose transactions fail.
pub enum FailingRecords {
    /// With this error.
    Fails(Error),
    /// By never ending.
    Hangs,
    /// By a panic.
    Panics,
    /// With `NotFound` after a notification.
    Waits(std::sync::Arc<tokio::sync::Notify>),
}

#[async_trait]
impl Records for FailingRecords {
    async fn write_work(&self, work: Work) -> Result<(), Error> {
        self.read_work(work).await
    }

    async fn read_work(&self, _: Work) -> Result<(), Error> {
        match self {
            Self::Fails(error) => Err(error.clone()),
            Self::Hangs => std::future::pending().await,
            Self::Panics => panic!("s3cret panic"),
            Self::Waits(until) => {
                until.notified().await;
                Err(Error::NotFound {
                    what: "store",
                    id: "s".into(),
                })
            }
        }
    }
}

/// Both tax services; that of gRPC failed once.
pub struct TwoTaxServices;

#[async_trait]
impl TaxUpstreams for TwoTaxServices {
    async fn evaluate(
        &self,
        _: TaxRoute,
        _: &TaxRequest,
        _: &TaxCall,
    ) -> Result<TaxResponse, TaxFault> {
        Err(TaxFault::Unavailable {
            cause: "connection refused by 10.0.0.7".into(),
        })
    }

    async fn check(&self, _: TaxRoute) -> Result<(), TaxFault> {
        Ok(())
    }

    fn upstreams(&self) -> Vec<TaxUpstream> {
        let failure = TaxUpstreamFailure {
            at: "2026-11-24T11:58:03Z".into(),
            kind: "timeout".into(),
            reason: "did not answer within 2s".into(),
        };
        let service = |route, address: &str, last_failure| TaxUpstream {
            route,
            address: address.into(),
            breaker: BreakerState::Closed,
            last_failure,
        };
        vec![
            service(TaxRoute::Grpc, "http://ms-tax:9000", Some(failure)),
            service(TaxRoute::Http, "http://ms_tax:80", None),
        ]
    }
}
