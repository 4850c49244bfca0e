//! `cargo xtask up`: what `docker-compose.yml` starts, started without Docker.
//!
//! Owns: which servers run, in which order, where their files are, and that none is left. The host
//! that it starts is the one that was built here.

mod check;
mod compose;
mod fetch;
mod host;
mod kafka;
mod pins;
mod postgres;
mod service;

use crate::demo::client::Client;
use crate::process::{cargo, run, target};
use crate::{plugins, prepare, show};
use anyhow::{Context, Result, bail};
use service::Service;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};

pub const EXAMPLES: &str = "\
Examples:
  cargo xtask up                            PostgreSQL, Kafka and the host, until Ctrl-C
  cargo xtask up --keep                     the same, and the next --keep goes on with its data
  cargo xtask up --keep --fresh             the same, with what was kept thrown away first
  cargo xtask up --only postgres,kafka      servers for a host that you start yourself
  cargo xtask up --only host                the host alone, its records in SQLite
  cargo xtask up --pinned                   the servers of docker-compose.yml, fetched, whatever is installed
  cargo xtask up --check                    on free ports: a record, an order, and nothing left behind";

/// What is started.
#[derive(Debug, clap::Args)]
pub struct UpAsk {
    /// These alone.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "SERVICE,...")]
    only: Vec<What>,
    /// Keep the data for the next time, in target/up/kept.
    #[arg(long)]
    keep: bool,
    /// Throw away what was kept.
    #[arg(long, requires = "keep")]
    fresh: bool,
    /// Take free ports, and not the usual ones where those are free.
    #[arg(long)]
    free: bool,
    /// Fetch PostgreSQL and Java, even where they are installed.
    #[arg(long)]
    pinned: bool,
    /// Use each of them once on free ports, stop all, and look for what is left.
    #[arg(long, conflicts_with_all = ["keep", "free"])]
    check: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum What {
    Postgres,
    Kafka,
    Host,
}

/// How often it is looked whether all of them still run.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Where this time's files are.
struct Place<'a> {
    ask: &'a UpAsk,
    root: PathBuf,
    /// Locked as long as it is ours.
    _lock: File,
}

/// The last one is stopped first, whatever happens.
#[derive(Default)]
struct Running(Vec<Service>);

/// Kafka and a Java runtime, where tests find them.
pub fn fetch_kafka() -> Result<()> {
    fetch::java(true)?;
    fetch::kafka().map(drop)
}

/// The whole command.
pub fn up(mut ask: UpAsk) -> Result<()> {
    ask.free |= ask.check;
    if ask.only.is_empty() {
        ask.only = vec![What::Postgres, What::Kafka, What::Host];
    }
    let staged = match ask.only.contains(&What::Host) {
        true => Some(built()?),
        false => None,
    };
    let place = Place::take(&ask)?;
    let begun = Instant::now();
    let runtime = tokio::runtime::Runtime::new()?;
    let outcome = runtime.block_on(served(&place, staged.as_deref()));
    let left = service::left_at_last(&place.root);
    let database = outcome.with_context(|| {
        // The next one sweeps it away.
        format!("what they wrote is in {}", place.root.display())
    })?;
    place.leave()?;
    if !left.is_empty() {
        bail!("still running: {}", left.join(", "));
    }
    if ask.check {
        let found = match database {
            true => ", the order is in PostgreSQL's files",
            false => "",
        };
        show::line(&format!(
            "All right: started, used and stopped in {} s{found}; no process is left.",
            begun.elapsed().as_secs()
        ));
    }
    Ok(())
}

/// Builds host and plugins; answers where the plugins are.
fn built() -> Result<PathBuf> {
    prepare::prepare()?;
    let staged = plugins::stage()?;
    show::step("building the host");
    run(cargo().args(["build", "-p", "galleria"]))?;
    Ok(staged)
}

/// Starts, serves and stops; answers whether a placed order was looked for in the database.
async fn served(place: &Place<'_>, staged: Option<&Path>) -> Result<bool> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut running = Running::default();
    let started = tokio::select! {
        started = started(place, staged, &mut running) => Some(started?),
        () = told(&mut interrupt, &mut terminate) => None,
    };
    if let (Some(_), false) = (&started, place.ask.check) {
        table(&running);
        tokio::select! {
            ended = running.watch() => return Err(ended),
            () = told(&mut interrupt, &mut terminate) => {}
        }
    }
    running.stop()?;
    match started.flatten() {
        Some(database) if place.ask.check && staged.is_some() => {
            check::in_the_database(&database)?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// One after the other, each when the one before answers.
async fn started(
    place: &Place<'_>,
    staged: Option<&Path>,
    running: &mut Running,
) -> Result<Option<postgres::Database>> {
    let compose = compose::read()?;
    let wanted = |what| place.ask.only.contains(&what);
    let mut database = None;
    if wanted(What::Postgres) {
        show::step("starting PostgreSQL");
        let (service, made) = postgres::start(place, &compose).await?;
        running.0.push(service);
        database = Some(made);
    }
    let mut broker = None;
    if wanted(What::Kafka) {
        show::step("starting Kafka");
        let service = kafka::start(place, &compose).await?;
        broker = Some(service.address.clone());
        running.0.push(service);
    }
    let mut client = None;
    if let Some(staged) = staged {
        show::step("starting the host");
        let (service, url, key) =
            host::start(place, staged, database.as_ref(), broker.as_deref()).await?;
        running.0.push(service);
        let made = Client::keyed(&url, &key)?;
        let store = host::stores(&made).await?;
        client = Some((made, store));
    }
    if place.ask.check {
        let client = client
            .as_ref()
            .map(|(client, store)| (client, store.as_str()));
        check::used(client, broker.as_deref()).await?;
    }
    Ok(database)
}

async fn told(interrupt: &mut Signal, terminate: &mut Signal) {
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
            "The database's password is in {}.",
            file.display()
        ));
    }
    show::line(&format!(
        "Ctrl-C, or `kill {}`, stops all of them, the last one first.",
        std::process::id()
    ));
}

impl Running {
    /// Ends with the first that ends.
    async fn watch(&mut self) -> anyhow::Error {
        loop {
            for service in &mut self.0 {
                if let Err(ended) = service.runs() {
                    return ended;
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// All of them; what went wrong with one does not keep the others.
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

impl<'a> Place<'a> {
    /// A folder of our own, or the one that is kept.
    fn take(ask: &'a UpAsk) -> Result<Self> {
        let all = target().join("up");
        fs::create_dir_all(&all)?;
        sweep(&all)?;
        let name = match ask.keep {
            true => "kept".to_owned(),
            false => format!("run-{}", std::process::id()),
        };
        let root = all.join(&name);
        let lock = File::create(all.join(format!("{name}.lock")))?;
        if lock.try_lock().is_err() {
            bail!("another `cargo xtask up --keep` runs on {}", root.display());
        }
        if ask.fresh && root.exists() {
            fs::remove_dir_all(&root).with_context(|| root.display().to_string())?;
        }
        fs::create_dir_all(&root)?;
        let _lock = lock;
        Ok(Self { ask, root, _lock })
    }

    /// A server's folder.
    fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.root.join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Throws away what is not kept.
    fn leave(&self) -> Result<()> {
        if self.ask.keep {
            show::line(&format!("{} is kept.", self.root.display()));
            return Ok(());
        }
        fs::remove_dir_all(&self.root).with_context(|| self.root.display().to_string())?;
        let _ = fs::remove_file(self.root.with_extension("lock"));
        Ok(())
    }
}

/// Throws away what is of runs that were killed: their locks are nobody's.
fn sweep(all: &Path) -> Result<()> {
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

/// The usual port where it is free and wanted; a free one otherwise.
fn port(usual: u16, free: bool) -> Result<u16> {
    if !free && TcpListener::bind(("127.0.0.1", usual)).is_ok() {
        return Ok(usual);
    }
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
