//! `galleria serve`: runs all roles in one process, or some of them, until a stop signal.

use crate::cli::ServeArgs;
use crate::host::{self, ConfigErrors};
use crate::listeners::listener_at;
use crate::loader::{Loader, Loading};
use crate::reloader::Reloader;
use crate::retailers::Retailers;
use crate::roles::Roles;
use crate::tax_service::TaxListeners;
use crate::{identity, logs, products, tax, totals, traces};
use anyhow::Context as _;
use galleria_api::{
    AccessConfig, HttpConfig, Metrics, RateConfig, StatsdConfig, Surface, UploadConfig, Workers,
    serve_metrics,
};
use galleria_app::events::Group;
use galleria_app::runs::{RunWorker, RunsConfig};
use galleria_bus::{
    BrokerConfig, ConsumerConfig, GroupLeases, LeaseStatus, Login, Relay, RelayErrors,
};
use galleria_config::{Access, Config, HostConfig, Kafka};
use galleria_deliver::{Deliverer, PickupFolders, Pickups, keep_matching, raise_limit};
use galleria_issuers::{IssuerConfig, Issuers};
use galleria_ports::access::Tokens;
use std::num::NonZeroU32;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The consumer polls the log four times a second and waits only for the database.
const CONSUMER_SILENT: Duration = Duration::from_secs(30);

/// The deliverer's leases last a minute: another host takes over a batch that takes longer.
const DELIVERER_SILENT: Duration = Duration::from_secs(120);

/// The broker may be slow in each of several calls before the relay tries again.
const RELAY_SILENT: Duration = Duration::from_secs(120);

/// The reloader polls the database every second and waits only for it.
const RELOADER_SILENT: Duration = Duration::from_secs(60);

/// Scrapers poll every 10 or 15 seconds; several of them share one reading.
const GAUGES_FRESH: Duration = Duration::from_secs(5);

/// Serves until a stop signal. The HTTP server drains first. Then the workers finish what they have started;
/// the rest waits in the log for the next start.
pub async fn run(config: Config, args: &ServeArgs) -> anyhow::Result<ExitCode> {
    let exporting = traces::start(&config.host.traces)?;
    let tracer = exporting.as_ref().map(traces::Exporting::tracer);
    logs::start_with(config.host.log, tracer);
    let started = std::time::Instant::now();
    if let Err(error) = raise_limit() {
        tracing::warn!(%error, "soft limit of open descriptors not raised to the hard limit");
    }
    if !config.ignored_variables.is_empty() {
        tracing::warn!(
            variables = config.ignored_variables.join(","),
            "no setting reads these variables of the previous platform"
        );
    }
    let engine = host::engine(&config.host)?;
    let retailers = Arc::new(Retailers::loading(&config));
    let compilation = config.host.compilation;
    let loader = Loader::new(retailers.clone(), engine, compilation.load_timeout);
    let mut loaded = None;
    if args.strict {
        loaded.insert(Loading::start(&loader, &config)).all().await;
        let errors = retailers.errors();
        if !errors.is_empty() {
            return Err(ConfigErrors(errors).into());
        }
    }
    host::wait_for_database(&config.host).await?;
    let host = host::build(&config, retailers.clone()).await?;
    let roles = Roles::new(
        &args.roles,
        host.app.events.groups(),
        config.host.kafka.broker().is_some(),
        config.host.tax.server.listens(),
    )?;
    let access = access(&config.host.access)?;
    let listener = listener_at(&config.host, "http.listen", config.host.http.listen)?;
    let (close, stop) = (CancellationToken::new(), CancellationToken::new());
    let mut workers = JoinSet::new();
    let watch = Workers::default();
    // Keep the identity until the end: a host with the same name would take over the leases.
    let identity = identity::take(&config.host.data)?;
    let (app, name) = (host.app.clone(), identity.name.clone());
    let mut loading = loaded.unwrap_or_else(|| Loading::start(&loader, &config));
    loading.wait(compilation.startup_wait).await;
    let reloader = Reloader::start(app, loader, loading, name, started).await?;
    let reloads = reloader.run(stop.clone());
    workers.spawn(watch.watch("reloads", Some(RELOADER_SILENT), reloads));
    for invalid in host.app.stores.invalid().await? {
        tracing::warn!(
            retailer = invalid.retailer,
            store = invalid.store,
            field = invalid.field,
            "recorded store is invalid, correct it: {}",
            invalid.message
        );
    }
    if !roles.groups.is_empty() {
        let (groups, watch) = (roles.groups.clone(), watch.for_role("consumer"));
        consume(
            &mut workers,
            &watch,
            &config.host,
            &host,
            groups,
            &identity.name,
            &stop,
        );
    }
    let kafka = &config.host.kafka;
    if kafka.bootstrap.is_some() && kafka.topics.is_empty() {
        tracing::warn!(
            "nothing is relayed to the broker: set kafka.topics to the topics to publish"
        );
    }
    if let Some(bootstrap) = kafka.broker().filter(|_| roles.relay) {
        let (relay, watch) = (relay(kafka, bootstrap, &host), watch.for_role("relay"));
        let (relays, lease) = (host.app.events.relays(), config.host.groups.lease);
        let leases = GroupLeases::new(host.app.clone(), relays, &identity.name, lease);
        let (status, errors) = (leases.status(), relay.errors());
        let relaying = leases.relay(relay, stop.clone());
        workers.spawn(watch.watch("relay", Some(RELAY_SILENT), relaying));
        watch.describe("relay", move || relay_status(&status, &errors));
        let silent = lease.max(CONSUMER_SILENT);
        workers.spawn(watch.watch("relay leases", Some(silent), leases.keep()));
    }
    if roles.deliver {
        let watch = watch.for_role("deliver");
        let owner = format!("{}-{}", std::process::id(), uuid::Uuid::new_v4());
        let deliverer = Deliverer::new(host.app.clone(), host.directories.clone(), owner);
        let deliverer = deliverer.run(stop.clone());
        workers.spawn(watch.watch("deliverer", Some(DELIVERER_SILENT), deliverer));
        take_statements(&mut workers, &watch, &host, &retailers, &stop);
    }
    if roles.schedule {
        let watch = watch.for_role("schedule");
        let sweep = products::sweep(host.app.clone(), stop.clone());
        workers.spawn(watch.watch("sweep", None, sweep));
        let sweep = tax::sweep(host.app.clone(), stop.clone());
        workers.spawn(watch.watch("tax sweep", None, sweep));
        let advance = totals::advance(host.app.clone(), stop.clone());
        workers.spawn(watch.watch("totals", None, advance));
        let runner = runner(&config.host, &host).run(stop.clone());
        workers.spawn(watch.watch("runs", None, runner));
    }
    if roles.tax {
        let watch = watch.for_role("tax");
        let listeners = TaxListeners::open(&config.host, &host.app, &access)?;
        listeners.serve(&mut workers, &watch, &close);
    }
    // Every process that evaluates taxes needs it.
    let shadow = host.app.taxes.clone().run_shadow(stop.clone());
    workers.spawn(shadow);
    let metrics = record(&mut workers, &config.host, &host, &stop).await?;
    tracing::info!(
        address = %listener.local_addr()?, retailers = config.retailers.len(),
        roles = roles.names.join(","), ready_ms = u64::try_from(started.elapsed().as_millis())?, "serving"
    );
    let http = http(&config.host, metrics, watch, roles.names, access);
    tokio::spawn(wait_for_stop(close.clone()));
    galleria_api::serve(listener, host.app.clone(), http, close).await?;
    tracing::info!("http server drained, finishing events in progress");
    stop.cancel();
    while let Some(ended) = workers.join_next().await {
        ended.context("running a worker of the host")?;
    }
    drop(host.app);
    host.db.close().await?;
    if let Some(exporting) = exporting {
        exporting.finish().await;
    }
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Returns the configuration of the HTTP server.
fn http(
    host_config: &HostConfig,
    metrics: Option<Metrics>,
    workers: Workers,
    roles: Vec<String>,
    access: AccessConfig,
) -> HttpConfig {
    let rate = host_config.http.rate;
    HttpConfig {
        max_body_bytes: host_config.http.body_limit_bytes,
        idle: host_config.http.idle,
        timeout: host_config.http.timeout,
        uploads: UploadConfig {
            folder: Some(host_config.data.clone()),
            timeout: host_config.http.upload_timeout,
            ..UploadConfig::default()
        },
        drain_notice: host_config.http.drain_notice,
        drain_within: host_config.http.drain_within,
        metrics,
        workers,
        roles,
        rate: NonZeroU32::new(rate.burst).map(|burst| RateConfig {
            burst,
            every: rate.every,
            status: rate.status,
        }),
        connections_per_client: host_config.http.connections_per_client as usize,
        trusted_proxies: host_config.http.trusted_proxies.clone(),
        cors_origins: host_config.http.cors_origins.clone(),
        access,
        surface: Surface::Api,
    }
}

/// Returns the configuration of authentication. Errors in the anonymous routes stop the start.
fn access(access: &Access) -> anyhow::Result<AccessConfig> {
    galleria_api::check_anonymous(&access.anonymous)?;
    let issuers = access.issuers.iter().map(|(name, issuer)| IssuerConfig {
        name: name.clone(),
        issuer: issuer.issuer.clone(),
        audience: issuer.audience.clone(),
        jwks_url: issuer.jwks_url.clone(),
        skew: issuer.skew,
        refetch: issuer.refetch,
        scopes: issuer.scopes.clone(),
        retailers_claim: issuer.retailers_claim.clone(),
        stores_claim: issuer.stores_claim.clone(),
    });
    let issuers: Vec<IssuerConfig> = issuers.collect();
    let tokens: Option<Arc<dyn Tokens>> = match issuers.is_empty() {
        true => None,
        false => Some(Arc::new(Issuers::new(issuers)?)),
    };
    Ok(AccessConfig {
        anonymous: access.anonymous.clone(),
        tokens,
        identity: None,
    })
}

/// Records metrics. Returns them for the HTTP server, unless they have an address of their own.
async fn record(
    workers: &mut JoinSet<()>,
    host_config: &HostConfig,
    host: &host::Host,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Metrics>> {
    let config = &host_config.metrics;
    let agent = config.statsd.clone().map(|address| StatsdConfig {
        address,
        prefix: config.statsd_prefix.clone(),
    });
    let metrics = Metrics::record(GAUGES_FRESH, agent.as_ref()).context("recording metrics")?;
    workers.spawn(metrics.clone().keep(stop.clone()));
    workers.spawn(logs::count_dropped(stop.clone()));
    if agent.is_some() {
        // No scrape triggers the reading of gauges for the agent.
        let read = metrics.clone().keep_reading(host.app.clone(), stop.clone());
        workers.spawn(read);
    }
    let Some(address) = config.listen else {
        return Ok(Some(metrics));
    };
    let listener = galleria_api::listen(address)
        .with_context(|| format!("listening for scrapes at {address} (metrics.listen)"))?;
    tracing::info!(address = %listener.local_addr()?, "metrics listener started");
    let served = serve_metrics(listener, host.app.clone(), metrics, stop.clone());
    workers.spawn(async move {
        if let Err(error) = served.await {
            tracing::error!(%error, "metrics listener stopped");
        }
    });
    Ok(None)
}

/// Creates the worker that plans schedules and executes runs, with an owner name of its own.
fn runner(host_config: &HostConfig, host: &host::Host) -> RunWorker {
    let config = RunsConfig {
        at_once: host_config.runs.at_once,
        lease: host_config.runs.lease,
    };
    let owner = format!("{}-{}", std::process::id(), uuid::Uuid::new_v4());
    let files = Arc::new(host.directories.clone());
    RunWorker::new(host.app.runs.clone(), files, owner, config)
}

/// Consumes the groups whose leases this host gets.
fn consume(
    workers: &mut JoinSet<()>,
    watch: &Workers,
    host_config: &HostConfig,
    host: &host::Host,
    groups: Vec<Group>,
    owner: &str,
    stop: &CancellationToken,
) {
    let calls = ConsumerConfig::new(host_config.workers, host_config.calls_per_store);
    let leases = GroupLeases::new(host.app.clone(), groups, owner, host_config.groups.lease);
    let status = leases.status();
    let consumer = leases.consume(calls, stop.clone());
    workers.spawn(watch.watch("consumer", Some(CONSUMER_SILENT), consumer));
    watch.describe("consumer", move || lease_summary(&status));
    let silent = host_config.groups.lease.max(CONSUMER_SILENT);
    workers.spawn(watch.watch("leases", Some(silent), leases.keep()));
}

/// Creates the relay to the broker.
fn relay(kafka: &Kafka, bootstrap: &str, host: &host::Host) -> Relay {
    let login = kafka.login().map(|(key, secret)| Login {
        username: key.to_owned(),
        password: secret.expose().to_owned(),
    });
    let broker = BrokerConfig {
        bootstrap: bootstrap.to_owned(),
        login,
        ca_file: kafka.ca_file.clone(),
    };
    Relay::new(host.app.clone(), broker)
}

/// Describes the topics that this host relays, and those that wait for the broker. An unavailable broker
/// does not stop the host: accepted events wait in the log.
fn relay_status(status: &LeaseStatus, errors: &RelayErrors) -> (bool, String) {
    let (standing_by, words) = lease_summary(status);
    let (rejected, waiting): (Vec<_>, Vec<_>) =
        errors.all().into_iter().partition(|(_, why)| why.rejected);
    let mut all = vec![words];
    if !waiting.is_empty() {
        let names: Vec<String> = waiting.into_iter().map(|(name, _)| name).collect();
        all.push(format!("waiting for the broker: {}", names.join(", ")));
    }
    all.extend(rejected.into_iter().map(|(_, why)| why.error));
    (standing_by, all.join("; "))
}

/// Describes the groups of this host and of others. The flag states whether others have all of them.
fn lease_summary(status: &LeaseStatus) -> (bool, String) {
    let groups = status.groups();
    let of = |wanted: bool| {
        let some = groups.iter().filter(|(_, has)| *has == wanted);
        some.map(|(name, _)| &**name).collect::<Vec<_>>().join(", ")
    };
    match (of(true), of(false)) {
        (mine, others) if mine.is_empty() => (true, format!("another host reads {others}")),
        (mine, others) if others.is_empty() => (false, format!("reads {mine}")),
        (mine, others) => (false, format!("reads {mine}; another host reads {others}")),
    }
}

/// Picks up statements from directories and matches them.
fn take_statements(
    workers: &mut JoinSet<()>,
    watch: &Workers,
    host: &host::Host,
    retailers: &Arc<Retailers>,
    stop: &CancellationToken,
) {
    let (app, directories) = (host.app.clone(), host.directories.clone());
    let owner = format!("{}-{}", std::process::id(), uuid::Uuid::new_v4());
    let folders = PickupFolders::new(directories, Arc::clone(retailers) as _);
    let pickups = Pickups::new(app.clone(), folders, owner);
    workers.spawn(watch.watch("pickups", None, pickups.run(stop.clone())));
    let matching = keep_matching(app.clone(), stop.clone());
    workers.spawn(watch.watch("matching", None, matching));
    tokio::spawn(async move {
        if let Err(error) = app.settlement.sweep().await {
            tracing::warn!(
                error = error.chain(),
                "removing aborted statement imports failed"
            );
        }
    });
}

/// Waits for Ctrl-C or SIGTERM. A second Ctrl-C ends the process at once: accepted events are in the
/// database, and the next start continues with them.
async fn wait_for_stop(close: CancellationToken) {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => drop(terminate.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
    tracing::info!("draining, press Ctrl-C again to stop at once");
    close.cancel();
    let _ = tokio::signal::ctrl_c().await;
    logs::finish();
    std::process::exit(130);
}
