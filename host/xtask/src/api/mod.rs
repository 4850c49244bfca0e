//! `cargo xtask api`: a real host is held against its own OpenAPI document.
//!
//! Owns: which host is asked, how often, and the table of what came of it. What is asked is drawn by
//! schemathesis from the document; what it must find there is put there before, over HTTP. Last, a
//! client is generated from the document and used.

mod fuzz;
mod known;
mod tools;

use crate::demo::{client::Client, host::Host, samples};
use crate::process::{cargo, run, strict, target};
use crate::root::root;
use crate::{plugins, prepare, show};
use anyhow::{Context, Result, bail};
use galleria_test_postgres::Server;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

pub const EXAMPLES: &str = "\
Examples:
  cargo xtask api                                        what fits into minutes, on both databases
  cargo xtask api --examples 2000                        the full number
  cargo xtask api --database sqlite --group orders       one group of routes on one database
  cargo xtask api --header 'traceparent: 00-...'         with a header of your own";

/// Seeds that are drawn from at most, until a group has been sent as many requests as were asked for.
const ROUNDS: u64 = 5;

/// What is asked, and of which host.
#[derive(Debug, clap::Args)]
pub struct ApiAsk {
    /// Requests drawn for each group of routes, at most.
    #[arg(long, default_value_t = 600)]
    examples: usize,
    /// Where the host keeps its records.
    #[arg(long, value_enum, default_value_t = Databases::Both)]
    database: Databases,
    /// One group alone, by its tag in the document.
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// The same seed draws the same requests.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Sent with every request, beside a key for everything.
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Databases {
    Sqlite,
    Postgres,
    Both,
}

/// The whole command.
pub fn api(ask: &ApiAsk) -> Result<()> {
    tools::runtime()?;
    let postgres = match ask.database {
        Databases::Sqlite => None,
        Databases::Postgres | Databases::Both => database()?,
    };
    let sqlite = ask.database != Databases::Postgres;
    if !sqlite && postgres.is_none() {
        bail!("no PostgreSQL server was found; `apt-get install -y postgresql` installs one");
    }
    prepare::prepare()?;
    let staged = plugins::stage()?;
    show::step("building the host");
    run(cargo().args(["build", "-p", "galleria"]))?;
    let tools = tools::fetched()?;
    let folder = target().join("api");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    let begun = Instant::now();
    let runtime = tokio::runtime::Runtime::new()?;
    let asked = |name: &'static str, url: Option<String>| {
        let (staged, tools, folder) = (&staged, &tools, folder.join(name));
        async move { on(ask, name, url, staged, tools, &folder).await }
    };
    // At once: drawing keeps one processor busy, and the host another one.
    let (first, second) = runtime.block_on(async {
        show::step("asking everything that the document knows, and what it does not");
        tokio::join!(
            async {
                match sqlite {
                    true => asked("sqlite", None).await,
                    false => Ok(Vec::new()),
                }
            },
            async {
                match &postgres {
                    Some((url, _server)) => asked("postgres", Some(url.clone())).await,
                    None => Ok(Vec::new()),
                }
            },
        )
    });
    let mut all = first?;
    all.extend(second?);
    fuzz::table(&all);
    let findings: usize = all.iter().map(|one| one.findings).sum();
    for one in all.iter().filter(|one| one.findings > 0) {
        show::line(&fs::read_to_string(&one.told)?);
    }
    if findings > 0 {
        bail!(
            "{findings} findings; {} has all that was said",
            folder.display()
        );
    }
    let requests: u64 = all.iter().map(fuzz::Outcome::requests).sum();
    show::line(&format!(
        "All right: {requests} requests in {} s, seed {}; every answer as the document tells, and a \
         client made from it placed and paid an order.",
        begun.elapsed().as_secs(),
        ask.seed
    ));
    Ok(())
}

/// A server of our own and the address of its database; none, and said so, where the machine has none.
fn database() -> Result<Option<(String, Server)>> {
    let Some(bin) = galleria_test_postgres::bin() else {
        if strict() {
            bail!("no PostgreSQL server was found; `apt-get install -y postgresql` installs one");
        }
        show::warn("SKIPPED: no PostgreSQL server was found");
        return Ok(None);
    };
    let server = Server::start(&bin, &[]).context("starting PostgreSQL")?;
    server.wait()?;
    Ok(Some((server.url(), server)))
}

/// All groups of routes on one database, and the generated client.
async fn on(
    ask: &ApiAsk,
    database: &'static str,
    url: Option<String>,
    staged: &Path,
    tools: &Path,
    folder: &Path,
) -> Result<Vec<fuzz::Outcome>> {
    fs::create_dir_all(folder)?;
    let most = "1000000".to_owned();
    let mut settings = vec![
        // Thousands of codes that are nobody's, from one client, and nobody waits for them.
        ("members.floor", "1ms".to_owned()),
        ("members.per_store.burst", most.clone()),
        ("members.per_client.burst", most),
    ];
    if let Some(url) = url {
        // A server's schema is never changed by a host that merely starts.
        let mut migrate = Command::new(target().join("debug/galleria"));
        migrate.args(["migrate", "--set", &format!("database.url={url}")]);
        let out = File::create(folder.join("migrate.txt"))?;
        run(migrate.envs(samples()?).current_dir(root()).stdout(out))?;
        settings.push(("database.url", url));
    }
    let host = Host::start(folder, staged, &samples()?, &settings).await?;
    let asked = async {
        let client = Client::keyed(&host.url, &host.key)?;
        let document = client.get("/openapi.json").await?;
        let path = folder.join("openapi.json");
        fs::write(&path, serde_json::to_vec(&document)?)?;
        let known = known::put(&client, &document).await?;
        fs::write(folder.join("known.json"), serde_json::to_vec(&known)?)?;
        let bearer = format!("Authorization: Bearer {}", host.key);
        let headers = [&[bearer], ask.header.as_slice()].concat();
        let mut outcomes = Vec::new();
        for (group, operations) in fuzz::groups(&document, ask.group.as_deref())? {
            let asking = fuzz::Fuzz {
                ask,
                tools,
                folder,
                url: &host.url,
                headers: &headers,
                group: &group,
                operations,
                seed: ask.seed,
            };
            let mut outcome = asking.run().await?;
            // Routes that take little have few requests of their own: the others make up for them.
            for more in 1..ROUNDS {
                if outcome.findings > 0 || outcome.requests() >= ask.examples as u64 {
                    break;
                }
                let seed = ask.seed + more;
                outcome.add(fuzz::Fuzz { seed, ..asking }.run().await?);
            }
            if outcome.findings == 0 && outcome.requests() < ask.examples as u64 {
                let sent = outcome.requests();
                bail!(
                    "no more than {sent} different requests were drawn for the group {group}: ask for fewer"
                );
            }
            outcome.database = database;
            outcomes.push(outcome);
        }
        tools::client(tools, folder, &host.url, &headers).await?;
        Ok::<_, anyhow::Error>(outcomes)
    };
    let outcomes = asked.await;
    let stopped = host.stop().await;
    let outcomes = outcomes?;
    stopped?;
    Ok(outcomes)
}
