//! `cargo xtask api`: tests a host against its own OpenAPI document.
//!
//! Schemathesis generates requests from the document and checks the responses. Before that, sample data is
//! created over HTTP, so that the requests find resources. Finally, a client is generated from the document
//! and used.

mod fuzz;
mod known;
mod tools;

use crate::host::{self, Host, Kafka};
use crate::process::{strict, target};
use crate::{demo, plugins, prepare, show};
use anyhow::{Context, Result, bail};
use galleria_test_postgres::Server;
use std::fs;
use std::path::Path;
use std::time::Instant;

pub const EXAMPLES: &str = "\
Examples:
  cargo xtask api                                        Send 200 requests per group, on both databases
  cargo xtask api --examples 2000                        Send 2,000 requests per group
  cargo xtask api --database sqlite --group orders       Test one group of routes on one database
  cargo xtask api --header 'traceparent: 00-...'         Add a header to all requests";

/// Maximum number of seeds for a group, until it has the required number of requests.
const ROUNDS: u64 = 5;

/// Options of `cargo xtask api`.
#[derive(Debug, clap::Args)]
pub struct ApiArgs {
    /// Send at least this many requests to each group of routes
    #[arg(long, default_value_t = 200)]
    examples: usize,
    /// Run the host on this database
    #[arg(long, value_enum, default_value_t = Databases::Both)]
    database: Databases,
    /// Test only the group with this tag in the document
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Generate the requests from this seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Send this header with every request
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Databases {
    Sqlite,
    Postgres,
    Both,
}

/// Runs the command.
pub fn api(args: &ApiArgs) -> Result<()> {
    tools::runtime()?;
    let postgres = match args.database {
        Databases::Sqlite => None,
        Databases::Postgres | Databases::Both => database()?,
    };
    let sqlite = args.database != Databases::Postgres;
    if !sqlite && postgres.is_none() {
        bail!("no PostgreSQL server was found; run `apt-get install -y postgresql`");
    }
    prepare::prepare()?;
    let staged = plugins::stage()?;
    host::build(Kafka::With)?;
    let tools = tools::install()?;
    let folder = target().join("api");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    let begun = Instant::now();
    let runtime = tokio::runtime::Runtime::new()?;
    let test = |name: &'static str, url: Option<String>| {
        let (staged, tools, folder) = (&staged, &tools, folder.join(name));
        async move { test_on(args, name, url, staged, tools, &folder).await }
    };
    // In parallel: generating requests uses one processor, the host another one.
    let (first, second) = runtime.block_on(async {
        show::step("sending valid and invalid requests");
        tokio::join!(
            async {
                match sqlite {
                    true => test("sqlite", None).await,
                    false => Ok(Vec::new()),
                }
            },
            async {
                match &postgres {
                    Some((url, _server)) => test("postgres", Some(url.clone())).await,
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
        show::line(&fs::read_to_string(&one.log)?);
    }
    if findings > 0 {
        bail!("{findings} findings; see {}", folder.display());
    }
    let requests: u64 = all.iter().map(fuzz::Outcome::requests).sum();
    show::line(&format!(
        "Success: {requests} requests in {} s, seed {}; all responses match the document, and a generated \
         client placed and paid an order.",
        begun.elapsed().as_secs(),
        args.seed
    ));
    Ok(())
}

/// Starts a PostgreSQL server. Returns the URL of its database, or none if PostgreSQL is not installed.
fn database() -> Result<Option<(String, Server)>> {
    let Some(bin) = galleria_test_postgres::bin() else {
        if strict() {
            bail!("no PostgreSQL server was found; run `apt-get install -y postgresql`");
        }
        show::warn("SKIPPED: no PostgreSQL server was found");
        return Ok(None);
    };
    let server = Server::start(&bin, &[]).context("starting PostgreSQL")?;
    server.wait()?;
    Ok(Some((server.url(), server)))
}

/// Tests all groups of routes on one database, and the generated client.
async fn test_on(
    args: &ApiArgs,
    database: &'static str,
    url: Option<String>,
    staged: &Path,
    tools: &Path,
    folder: &Path,
) -> Result<Vec<fuzz::Outcome>> {
    fs::create_dir_all(folder)?;
    let mut settings = demo::settings(folder, staged)?;
    // The generated requests identify thousands of members from one address.
    let unlimited = 1_000_000;
    settings.set("members.floor", "1ms");
    settings.set("members.per_store.burst", unlimited);
    settings.set("members.per_client.burst", unlimited);
    if let Some(url) = url {
        settings.set("database.url", url);
        settings.migrate()?;
    }
    let host = Host::start(folder, &settings).await?;
    let tested = async {
        let client = host.client()?;
        let document = client.get("/openapi.json").await?;
        let path = folder.join("openapi.json");
        fs::write(&path, serde_json::to_vec(&document)?)?;
        let known = known::create(&client, &document).await?;
        fs::write(folder.join("known.json"), serde_json::to_vec(&known)?)?;
        let bearer = format!("Authorization: Bearer {}", host.key);
        let headers = [&[bearer], args.header.as_slice()].concat();
        let mut outcomes = Vec::new();
        for (group, operations) in fuzz::groups(&document, args.group.as_deref())? {
            let fuzz = fuzz::Fuzz {
                args,
                tools,
                folder,
                url: &host.url,
                headers: &headers,
                group: &group,
                operations,
                seed: args.seed,
            };
            let mut outcome = fuzz.run().await?;
            // Routes without a body or parameters have few different requests, so more seeds are needed.
            for more in 1..ROUNDS {
                if outcome.findings > 0 || outcome.requests() >= args.examples as u64 {
                    break;
                }
                let seed = args.seed + more;
                outcome.add(fuzz::Fuzz { seed, ..fuzz }.run().await?);
            }
            if outcome.findings == 0 && outcome.requests() < args.examples as u64 {
                let sent = outcome.requests();
                bail!(
                    "group {group}: only {sent} different requests are possible; use a smaller --examples"
                );
            }
            outcome.database = database;
            outcomes.push(outcome);
        }
        tools::client(tools, folder, &host.url, &headers).await?;
        Ok::<_, anyhow::Error>(outcomes)
    };
    let outcomes = tested.await;
    let stopped = host.stop();
    let outcomes = outcomes?;
    stopped?;
    Ok(outcomes)
}
