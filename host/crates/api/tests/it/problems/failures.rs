//! Problems of a host whose records, services or workers fail, and of clients above their limits.

use super::*;

pub(super) async fn host_problems(stage: &Stage, seen: &mut SeenCodes) {
    let secret = "s3cret";
    let taken = Error::NameTaken {
        directory: secret.into(),
        name: secret.into(),
    };
    let fault = CallFault::Guest(Fault::Failed(secret.into()));
    let away = Error::records(secret, std::io::Error::other(secret));
    let failures = [
        (FailingRecords::Fails(taken), "name_taken"),
        (FailingRecords::Fails(Error::Plugin(fault)), "plugin_failed"),
        (FailingRecords::Fails(away), "records_unavailable"),
        (
            FailingRecords::Fails(Error::Internal(secret.into())),
            "internal",
        ),
        (FailingRecords::Panics, "internal"),
        (FailingRecords::Hangs, "timeout"),
    ];
    for (failure, code) in failures {
        let config = HttpConfig {
            timeout: Duration::from_millis(200),
            ..test_config()
        };
        let host = Host::start(Arc::new(failure), config).await;
        let read = host.get("/v1/stores/s1").await;
        seen.note(&read, code);
        assert!(!read.text.contains(secret), "{}", read.text);
        seen.note(&host.post("/v1/orders", "k", &order("o")).await, code);
        assert_eq!(host.get("/readyz").await.code(), code);
        assert_eq!(host.get("/healthz").await.expect(200)["status"], "alive");
        host.stop().await;
    }
    let config = HttpConfig {
        drain_notice: Duration::from_millis(300),
        ..test_config()
    };
    let host = Host::start(Arc::new(FailingRecords::Hangs), config).await;
    host.stop.cancel();
    seen.note(&host.get("/readyz").await, "draining");
    seen.note(&ended_worker(stage).await, "not_working");
    seen.note(&busy_statement_import().await, "statement_busy");
    failed_tax_services(seen).await;
    seen.note(&too_many_requests_response().await, "too_many_requests");
    let config = HttpConfig {
        max_body_bytes: 1000,
        ..test_config()
    };
    let host = Host::start(Arc::new(FailingRecords::Panics), config).await;
    let mut large = order("o");
    large["external_id"] = json!("x".repeat(1000));
    seen.note(
        &host.post("/v1/orders", "k", &large).await,
        "body_too_large",
    );
}

/// The responses to an order whose taxes could not be evaluated.
async fn failed_tax_services(seen: &mut SeenCodes) {
    for fault in [
        TaxFault::NotConfigured,
        TaxFault::Unavailable {
            cause: "s3cret".into(),
        },
        TaxFault::Timeout {
            limit: Duration::from_secs(2),
        },
        TaxFault::InvalidResponse {
            rule: "must have 2 items, got 1".into(),
            cause: "s3cret".into(),
        },
        TaxFault::Certificate {
            cause: "s3cret".into(),
        },
        TaxFault::BreakerOpen {
            wait: Duration::from_millis(1_200),
        },
    ] {
        let (code, open) = (fault.code(), matches!(fault, TaxFault::BreakerOpen { .. }));
        let failure = TaxFailure::Service {
            route: TaxRoute::Http,
            fault,
        };
        let records = FailingRecords::Fails(failure.into());
        let host = Host::start(Arc::new(records), test_config()).await;
        let answer = host.post("/v1/orders", "k", &order("o")).await;
        seen.note(&answer, code);
        let detail = answer.json()["detail"].to_string();
        assert!(
            detail.starts_with("\"the tax service of the route http "),
            "{detail}"
        );
        assert!(!answer.text.contains("s3cret"), "{}", answer.text);
        assert_eq!(answer.header("retry-after"), open.then_some("2"));
        host.stop().await;
    }
}

/// The response to an import that waited ten minutes for another one.
async fn busy_statement_import() -> Answer {
    let busy = Error::Conflict {
        code: "statement_busy",
        message: "another one".into(),
    };
    let host = Host::start(Arc::new(FailingRecords::Fails(busy)), test_config()).await;
    let path = "/v1/retailers/example/statements?plugin=statements&file=a.csv";
    let answer = host.send(host.request(Method::POST, path).body("a statement"));
    let answer = answer.await;
    host.stop().await;
    answer
}

/// The response to the second request of a client that may send one.
async fn too_many_requests_response() -> Answer {
    let rate = RateConfig {
        burst: NonZeroU32::MIN,
        every: Duration::from_secs(60),
        status: 429,
    };
    let config = HttpConfig {
        rate: Some(rate),
        ..test_config()
    };
    let host = Host::start(Arc::new(FailingRecords::Panics), config).await;
    host.get("/openapi.json").await.expect(200);
    let answer = host.get("/v1/stores/s1").await;
    host.stop().await;
    answer
}

/// The response of readiness after a worker ended; before, it was ready.
async fn ended_worker(stage: &Stage) -> Answer {
    let config = test_config();
    let workers = config.workers.for_role("consumer");
    let worker = workers.watch("consumer", None, async {});
    workers.describe("consumer", || (true, "on another host".to_owned()));
    let host = stage.host_with(config).await;
    let ready = host.get("/readyz").await.expect(200);
    assert_eq!(ready["roles"], json!(["api"]));
    let parts = json!([
        { "part": "http", "role": "api", "state": "running" },
        { "part": "database", "state": "running" },
        { "part": "plugins", "state": "running" },
        { "part": "tax_grpc", "state": "running" },
        { "part": "tax_http", "state": "running" },
        { "part": "consumer", "role": "consumer", "state": "standing_by", "detail": "on another host" },
    ]);
    assert_eq!(ready["parts"], parts);
    worker.await;
    let answer = host.get("/readyz").await;
    assert_eq!(answer.json()["detail"], "consumer has ended");
    assert_eq!(answer.json()["parts"][4]["state"], "ended");
    // A restart would help.
    assert_eq!(host.get("/healthz").await.code(), "not_working");
    host.stop().await;
    answer
}
