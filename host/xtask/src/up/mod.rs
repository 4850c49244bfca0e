//! `cargo xtask up`: starts the services of `docker-compose.yml` without Docker.
//!
//! This module owns which services run, their order, their folders, and that no process is left. The host is
//! compiled from this repository.

mod check;
mod compose;
mod fetch;
mod kafka;
mod pins;
mod postgres;

use crate::host::{self, Host, Settings};
use crate::process::target;
use crate::samples::{self, put_stores};
use crate::service::{self, Service};
use crate::{plugins, prepare, show};
use anyhow::{Context, Result, bail};
use galleria_domain::Store;
use galleria_simulator::assortment;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};

pub const EXAMPLES: &str = "\
Examples:
  cargo xtask up                            Start PostgreSQL, Kafka and the host until Ctrl-C
  cargo xtask up --keep                     Keep the data for the next --keep
  cargo xtask up --keep --fresh             Delete the kept data first
  cargo xtask up --only postgres,kafka      Start the servers for a host that you start yourself
  cargo xtask up --only host                Start only the host, on SQLite
  cargo xtask up --pinned                   Download the server versions of docker-compose.yml
  cargo xtask up --check                    Use each service once on free ports and stop";

/// Options of `cargo xtask up`.
#[derive(Debug, clap::Args)]
pub struct UpArgs {
    /// Start only these services
    #[arg(long, value_enum, value_delimiter = ',', value_name = "SERVICE,...")]
    only: Vec<ServiceName>,
    /// Keep the data in target/up/kept for the next --keep
    #[arg(long)]
    keep: bool,
    /// Delete the kept data first
    #[arg(long, requires = "keep")]
    fresh: bool,
    /// Use free ports instead of the standard ports
    #[arg(long)]
    free: bool,
    /// Download PostgreSQL and Java even if they are installed
    #[arg(long)]
    pinned: bool,
    /// Use each service once on free ports, stop all, and look for leftover processes
    #[arg(long, conflicts_with_all = ["keep", "free"])]
    check: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ServiceName {
    Postgres,
    Kafka,
    Host,
}

const HOST_PORT: u16 = 8080;

/// Interval of checking that all services run.
const CHECK_EVERY: Duration = Duration::from_millis(500);

/// The folder of this run.
struct RunFolder<'a> {
    args: &'a UpArgs,
    root: PathBuf,
    /// Locked during the run.
    _lock: File,
}

/// The running services. They are stopped in reverse order, also after an error.
#[derive(Default)]
struct Running(Vec<Service>);

/// Downloads Kafka and a Java runtime to the folder in which tests look for them.
pub fn fetch_kafka() -> Result<()> {
    fetch::java(true)?;
    fetch::kafka().map(drop)
}

/// Runs the command.
pub fn up(mut args: UpArgs) -> Result<()> {
    args.free |= args.check;
    if args.only.is_empty() {
        args.only = vec![ServiceName::Postgres, ServiceName::Kafka, ServiceName::Host];
    }
    let staged = match args.only.contains(&ServiceName::Host) {
        true => Some(build()?),
        false => None,
    };
    let folder = RunFolder::create(&args)?;
    let begun = Instant::now();
    let runtime = tokio::runtime::Runtime::new()?;
    let outcome = runtime.block_on(serve(&folder, staged.as_deref()));
    let leftover = service::leftover(&folder.root);
    let database = outcome.with_context(|| {
        // The next run deletes it.
        format!("the logs are in {}", folder.root.display())
    })?;
    folder.clean_up()?;
    if !leftover.is_empty() {
        bail!("still running: {}", leftover.join(", "));
    }
    if args.check {
        let order = match database {
            true => ", order found in PostgreSQL",
            false => "",
        };
        show::line(&format!(
            "Success: started, used and stopped in {} s{order}; no process left.",
            begun.elapsed().as_secs()
        ));
    }
    Ok(())
}

/// Builds the host and the plugins. Returns the folder of the plugins.
fn build() -> Result<PathBuf> {
    prepare::prepare()?;
    let staged = plugins::stage()?;
    host::build(host::Kafka::With)?;
    Ok(staged)
}

/// Starts the services, waits and stops them. Returns whether an order was found in the database.
async fn serve(folder: &RunFolder<'_>, staged: Option<&Path>) -> Result<bool> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut running = Running::default();
    let started = tokio::select! {
        started = start(folder, staged, &mut running) => Some(started?),
        () = stop_signal(&mut interrupt, &mut terminate) => None,
    };
    if let (Some(_), false) = (&started, folder.args.check) {
        table(&running);
        tokio::select! {
            error = running.watch() => return Err(error),
            () = stop_signal(&mut interrupt, &mut terminate) => {}
        }
    }
    running.stop()?;
    match started.flatten() {
        Some(database) if folder.args.check && staged.is_some() => {
            check::find_in_database(&database)?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Starts the services in sequence, each after the previous one is ready.
async fn start(
    folder: &RunFolder<'_>,
    staged: Option<&Path>,
    running: &mut Running,
) -> Result<Option<postgres::Database>> {
    let compose = compose::read()?;
    let requested = |name| folder.args.only.contains(&name);
    let mut database = None;
    if requested(ServiceName::Postgres) {
        show::step("starting PostgreSQL");
        let (service, started) = postgres::start(folder, &compose).await?;
        running.0.push(service);
        database = Some(started);
    }
    let mut broker = None;
    if requested(ServiceName::Kafka) {
        show::step("starting Kafka");
        let service = kafka::start(folder, &compose).await?;
        broker = Some(service.address.clone());
        running.0.push(service);
    }
    let mut client = None;
    if let Some(staged) = staged {
        show::step("starting the host");
        let topics = compose::published_topics(&compose)?;
        let broker = broker.as_deref().map(|address| (address, topics));
        let host = start_host(folder, staged, database.as_ref(), broker).await?;
        let stores = sample_stores()?;
        client = Some((
            host.client()?,
            stores.first().context("no sample store")?.id.clone(),
        ));
        put_stores(&host.client()?, &stores).await?;
        show::line(&format!("    {} sample stores", stores.len()));
        running.0.push(host.service);
    }
    if folder.args.check {
        let client = client
            .as_ref()
            .map(|(client, store)| (client, store.as_str()));
        check::use_services(client, broker.as_deref()).await?;
    }
    Ok(database)
}

/// Starts the host on the database, or on SQLite without one. Connects it to the broker, which is given by its
/// address and the topics to publish.
async fn start_host(
    folder: &RunFolder<'_>,
    staged: &Path,
    database: Option<&postgres::Database>,
    broker: Option<(&str, &str)>,
) -> Result<Host> {
    let host_folder = folder.subfolder("host")?;
    let mut settings = Settings::new(&host_folder, staged)?;
    if let Some(database) = database {
        // Process arguments are visible to all users of the machine.
        settings.env("GALLERIA_DATABASE__URL", &database.url());
        show::line(&format!("    {} migrations applied", settings.migrate()?));
    }
    let port = port(HOST_PORT, folder.args.free)?;
    settings.set("http.listen", format!("127.0.0.1:{port}"));
    if let Some((address, topics)) = broker {
        settings.set("kafka.bootstrap", address);
        settings.set("kafka.topics", topics);
    }
    let host = Host::start(&host_folder, &settings).await?;
    show::line(&format!(
        "    API key, valid until the next start: {}",
        host.key
    ));
    Ok(host)
}

/// Reads the stores of all sample retailers.
fn sample_stores() -> Result<Vec<Store>> {
    let mut stores = Vec::new();
    for retailer in samples::retailers(None)? {
        stores.extend(assortment::stores(&retailer)?);
    }
    Ok(stores)
}

async fn stop_signal(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

fn table(running: &Running) {
    let rows: Vec<Vec<String>> = running
        .0
        .iter()
        .map(|one| {
            vec![
                format!("{} {}", one.name, one.version),
                one.address.clone(),
                one.data.display().to_string(),
                one.log.display().to_string(),
            ]
        })
        .collect();
    show::table(&["service", "address", "data", "log"], &rows, 0..0);
    if let Some(postgres) = running.0.iter().find(|one| one.name == "PostgreSQL") {
        let file = postgres.data.join("password");
        show::line(&format!(
            "The password of the database is in {}.",
            file.display()
        ));
    }
    show::line(&format!(
        "Press Ctrl-C, or run `kill {}`, to stop all services.",
        std::process::id()
    ));
}

impl Running {
    /// Waits until a service ends.
    async fn watch(&mut self) -> anyhow::Error {
        loop {
            for service in &mut self.0 {
                if let Err(error) = service.check_running() {
                    return error;
                }
            }
            tokio::time::sleep(CHECK_EVERY).await;
        }
    }

    /// Stops all services, also if stopping one fails.
    fn stop(&mut self) -> Result<()> {
        let mut outcome = Ok(());
        while let Some(mut service) = self.0.pop() {
            show::step(&format!("stopping {}", service.name));
            outcome = outcome.and(service.stop());
        }
        outcome
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            show::error(&error);
        }
    }
}

impl<'a> RunFolder<'a> {
    /// Creates a new folder, or opens the kept one.
    fn create(args: &'a UpArgs) -> Result<Self> {
        let all = target().join("up");
        fs::create_dir_all(&all)?;
        delete_abandoned(&all)?;
        let name = match args.keep {
            true => "kept".to_owned(),
            false => format!("run-{}", std::process::id()),
        };
        let root = all.join(&name);
        let lock = File::create(all.join(format!("{name}.lock")))?;
        if lock.try_lock().is_err() {
            bail!(
                "another `cargo xtask up --keep` is using {}",
                root.display()
            );
        }
        if args.fresh && root.exists() {
            fs::remove_dir_all(&root).with_context(|| root.display().to_string())?;
        }
        fs::create_dir_all(&root)?;
        let _lock = lock;
        Ok(Self { args, root, _lock })
    }

    /// Returns the folder of a service.
    fn subfolder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.root.join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Deletes the folder unless it is kept.
    fn clean_up(&self) -> Result<()> {
        if self.args.keep {
            show::line(&format!("Data kept in {}.", self.root.display()));
            return Ok(());
        }
        fs::remove_dir_all(&self.root).with_context(|| self.root.display().to_string())?;
        let _ = fs::remove_file(self.root.with_extension("lock"));
        Ok(())
    }
}

/// Deletes the folders of runs that were killed. Their locks are free.
fn delete_abandoned(all: &Path) -> Result<()> {
    for entry in fs::read_dir(all)?.flatten() {
        let lock = entry.path();
        let run = entry.file_name().to_string_lossy().starts_with("run-");
        if !run || lock.extension().is_none_or(|is| is != "lock") {
            continue;
        }
        if File::open(&lock)?.try_lock().is_ok() {
            let folder = lock.with_extension("");
            if folder.exists() {
                fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
            }
            fs::remove_file(&lock)?;
        }
    }
    Ok(())
}

/// Returns the standard port if it is free and allowed, or else a free port.
fn port(standard: u16, free: bool) -> Result<u16> {
    if !free && TcpListener::bind(("127.0.0.1", standard)).is_ok() {
        return Ok(standard);
    }
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
