//! Builds the host: configuration, records, engine, use cases, directories.

use crate::environment;
use crate::sensitive;
use anyhow::Context as _;
use clap::Args;
use galleria_app::App;
use galleria_app::Policy;
use galleria_app::events::{EventPolicy, RelayPolicy};
use galleria_app::fiscal::FiscalPolicy;
use galleria_app::members::{Allowance, MemberPolicy};
use galleria_app::operations::OperationsPolicy;
use galleria_app::runs::RunPolicy;
use galleria_app::tax::{ShadowPolicy, TaxPolicy};
use galleria_config::{Attempts, Config, HostConfig};
use galleria_db::{Db, DbConfig};
use galleria_deliver::{Directories, PickupFolders, StatementVault};
use galleria_domain::Backoff;
use galleria_domain::event::topic;
use galleria_domain::plugin::{ConfigError, Slot};
use galleria_domain::tax::{Calculator, TaxRoute};
use galleria_engine::{ChildCompiler, CompileLimits, Compiler, Engine, EngineConfig, Generation};
use galleria_ports::clock::{Clock, SystemClock};
use galleria_ports::plugins::Plugins;
use galleria_tax::{IdentityFiles, UpstreamConfig, Upstreams};
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The parts of a running host.
pub struct Host {
    /// The database. Close it last.
    pub db: Db,
    /// The use cases.
    pub app: App,
    /// The directories of documents.
    pub directories: Directories,
}

/// The errors of the configuration and of the plugins. `main` prints each of them.
#[derive(Debug)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} configuration errors", self.0.len())
    }
}

impl std::error::Error for ConfigErrors {}

/// The options of every command.
#[derive(Args, Debug)]
pub struct ConfigArgs {
    /// Read the configuration from this file [default: conf/host.toml if it exists]
    #[arg(long, global = true, value_name = "FILE")]
    pub conf: Option<PathBuf>,

    /// Override one key of the configuration; may be repeated
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = pair)]
    pub overrides: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or("must be KEY=VALUE, such as http.listen=127.0.0.1:0")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

/// Reads the configuration from files, environment and command line. Only errors of the host's own keys are
/// returned: each retailer has its own errors.
pub fn configure(args: &ConfigArgs) -> Result<Config, ConfigErrors> {
    let (config, errors) = configure_lenient(args)?;
    if errors.is_empty() {
        Ok(config)
    } else {
        Err(ConfigErrors(errors))
    }
}

/// Reads the configuration and returns it together with the errors of the host's own keys. Each retailer has
/// its own errors.
pub fn configure_lenient(args: &ConfigArgs) -> Result<(Config, Vec<ConfigError>), ConfigErrors> {
    let usual = PathBuf::from("conf/host.toml");
    let file = args
        .conf
        .clone()
        .or_else(|| usual.exists().then_some(usual));
    let env = environment::read();
    let overrides = args.overrides.iter().cloned().collect();
    let (config, mut errors) =
        galleria_config::load_lenient(file.as_deref(), &env, &overrides).map_err(ConfigErrors)?;
    if cfg!(not(feature = "kafka")) && config.host.kafka.bootstrap.is_some() {
        errors.push(ConfigError::new(
            file.unwrap_or_else(|| "host.toml".into()),
            "kafka.bootstrap",
            "must not be set: this host was built without Kafka; unset it, or build the host with the \
             feature `kafka`",
        ));
    }
    Ok((config, errors))
}

/// Returns the configuration of the database.
pub fn database(host_config: &HostConfig) -> DbConfig {
    let database = &host_config.database;
    DbConfig {
        url: database.url.expose().to_owned(),
        read_connections: database.read_connections,
        write_connections: database.write_connections,
        connect_timeout: database.connect_timeout,
        statement_timeout: database.statement_timeout,
        lock_timeout: database.lock_timeout,
    }
}

/// Waits until the database accepts connections.
pub async fn wait_for_database(host_config: &HostConfig) -> anyhow::Result<()> {
    let limit = host_config.database.startup_timeout;
    Ok(Db::wait(&database(host_config), limit).await?)
}

/// Creates the engine with the host's ceiling.
pub fn engine(host_config: &HostConfig) -> anyhow::Result<Engine> {
    let mut config = EngineConfig::new(&host_config.artifacts);
    // The configuration has bounded the limits of each slot already.
    config.ceiling = host_config
        .call_ceiling
        .with(host_config.run_ceiling, u64::max);
    let compilation = host_config.compilation;
    config.compiler = Compiler::Child(ChildCompiler {
        // This program, even after an installation replaced its file.
        program: "/proc/self/exe".into(),
        arguments: vec!["compile-component".into()],
        limits: CompileLimits {
            cpu: compilation.cpu,
            wall: compilation.wall,
            memory_bytes: compilation.memory_bytes,
            artifact_bytes: compilation.artifact_bytes,
        },
        at_once: compilation.at_once,
    });
    Engine::new(config).context("starting the engine")
}

/// Loads every plugin, or returns every error.
pub fn load(host_config: &HostConfig, slots: Vec<Slot>) -> anyhow::Result<Generation> {
    let generation = engine(host_config)?.load(slots);
    Ok(generation.map_err(ConfigErrors)?)
}

/// Builds the host. It migrates SQLite on the way, because no other process uses it.
pub async fn build(config: &Config, plugins: Arc<dyn Plugins>) -> anyhow::Result<Host> {
    let host_config = &config.host;
    let database = database(host_config);
    if database.url.starts_with("sqlite:") {
        for done in Db::migrate(&database).await? {
            tracing::info!(step = %done, "schema migrated");
        }
    }
    let db = Db::open(&database).await?;
    let directories =
        Directories::open(&host_config.directories).context("opening the directories")?;
    let app = App::new(
        Arc::new(db.clone()),
        Arc::clone(&plugins),
        Arc::new(SystemClock),
        policy(host_config)?,
    );
    let statements = &host_config.statements;
    let vault = StatementVault::open(&statements.folder, statements.max_bytes)
        .context("opening the folder of statements")?;
    let app = app
        .with_vault(Arc::new(vault))
        .with_document_reader(Arc::new(directories.clone()));
    let pickups = PickupFolders::new(directories.clone(), plugins);
    let app = app
        .with_pickups(Arc::new(pickups))
        .with_tax_upstreams(Arc::new(tax_upstreams(host_config)?));
    Ok(Host {
        db,
        app,
        directories,
    })
}

/// Returns the clients of the configured tax services.
fn tax_upstreams(host_config: &HostConfig) -> anyhow::Result<Upstreams> {
    let tax = &host_config.tax;
    let services = [(TaxRoute::Grpc, &tax.grpc), (TaxRoute::Http, &tax.http)];
    let configured = services.into_iter().filter_map(|(route, service)| {
        let config = UpstreamConfig {
            ca_file: service.ca_file.clone(),
            identity: service
                .certificate
                .clone()
                .zip(service.key.clone())
                .map(|(certificate, key)| IdentityFiles { certificate, key }),
            timeout: service.timeout,
            deadline: service.deadline,
            retries: service.retries,
            breaker_failures: service.breaker_failures,
            breaker_pause: service.breaker_pause,
            ..UpstreamConfig::new(service.address.clone()?)
        };
        Some((route, config))
    });
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Upstreams::new(configured, &clock).context("creating the clients of the tax services")
}

fn policy(host_config: &HostConfig) -> anyhow::Result<Policy> {
    let (groups, kafka) = (&host_config.groups, &host_config.kafka);
    let tries = [
        (topic::POST_PAYMENT_SUCCESS, groups.payment.tries),
        (topic::COMMON, groups.common.tries),
        (topic::POST_TRANSACTION_SUCCESS, groups.common.tries),
        (topic::POST_VOID_SUCCESS, groups.events.tries),
        (topic::POST_SHIFT_END_SUCCESS, groups.events.tries),
    ];
    let backoff = Backoff {
        first: host_config.retry.first,
        factor: host_config.retry.factor,
        longest: host_config.retry.longest,
    };
    Ok(Policy {
        events: EventPolicy {
            payment_group: groups.payment.name.clone(),
            common_group: groups.common.name.clone(),
            events_group: groups.events.name.clone(),
            tries: tries.map(|(topic, tries)| (topic.to_owned(), tries)).into(),
            backoff,
            cause_within: host_config.retry.wait_for_cause,
            relay: RelayPolicy {
                name: kafka.relay.clone(),
                topics: match kafka.broker() {
                    Some(_) => kafka.topics.iter().cloned().collect(),
                    None => BTreeSet::new(),
                },
            },
        },
        runs: RunPolicy { backoff },
        members: members(host_config)?,
        tax: TaxPolicy {
            calculators: host_config
                .tax
                .calculators
                .iter()
                .map(|(name, calculator)| (name.clone(), Calculator::from(*calculator)))
                .collect(),
            evaluations_kept: host_config.tax.evaluations_kept,
            shadow: shadow(host_config),
            move_baskets: host_config.tax.moves.baskets,
        },
        fiscal: FiscalPolicy {
            early_marks: host_config.retry.early_marks,
        },
        operations: OperationsPolicy {
            directories: host_config
                .directories
                .iter()
                .map(|(name, path)| (name.clone(), absolute(path)))
                .collect(),
        },
    })
}

fn shadow(host_config: &HostConfig) -> ShadowPolicy {
    let shadow = host_config.tax.shadow;
    ShadowPolicy {
        queue: shadow.queue,
        at_once: shadow.at_once,
        timeout: shadow.timeout,
        keep: shadow.keep,
        sample: shadow.sample,
        per_day: shadow.per_day,
    }
}

fn members(host_config: &HostConfig) -> anyhow::Result<MemberPolicy> {
    let allowance = |attempts: Attempts| Allowance {
        burst: attempts.burst,
        every: attempts.every,
    };
    Ok(MemberPolicy {
        per_store: allowance(host_config.members.per_store),
        per_client: allowance(host_config.members.per_client),
        floor: host_config.members.floor,
        calls: host_config.workers,
        calls_per_store: host_config.calls_per_store,
        digest_key: sensitive::digest_key(&host_config.sensitive)?,
    })
}

/// Returns the absolute path, for display.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
