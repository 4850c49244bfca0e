//! `galleria key`: keys that callers of the HTTP face carry. It asks the database itself, so that the
//! first key needs none, and a lost one is taken back whether a host serves or not.

use crate::{host, logs, show};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use galleria_app::App;
use galleria_app::access::{KeyAsk, KeyView};
use galleria_config::Config;
use galleria_ports::access::{Reach, Scope};
use std::collections::BTreeSet;
use std::process::ExitCode;

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a key, and show it this once: nobody can show it again.
    Create(Create),
    /// List keys by name, without their secrets.
    List(List),
    /// Take a key back: the next request that carries it is refused, on every host.
    Revoke(Revoke),
}

/// Which key to make.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria key create --name till-7 --scope till --store madrid-1
  galleria key create --name office --scope back_office --retailer my-retailer > office.key
  galleria key create --name ana --scope operator --everywhere --reason 'runs the host'

The key alone is on standard output. A caller sends it as `Authorization: Bearer gk_...`.
A scope includes those before it: till, back_office, operator, admin.")]
pub struct Create {
    /// Whose it is; of keys in use, each has a name of its own.
    #[arg(long)]
    pub name: String,
    /// till, back_office, operator or admin.
    #[arg(long, value_parser = scope)]
    pub scope: Scope,
    /// A store by the host's id, which is there; may be repeated.
    #[arg(long = "store", value_name = "STORE", required_unless_present_any = ["retailers", "everywhere"])]
    pub stores: Vec<String>,
    /// A retailer with all its stores; may be repeated.
    #[arg(long = "retailer", value_name = "RETAILER")]
    pub retailers: Vec<String>,
    /// All retailers, and what is about the host as a whole.
    #[arg(long, conflicts_with_all = ["stores", "retailers"])]
    pub everywhere: bool,
    /// Who makes it, and why.
    #[command(flatten)]
    pub signed: Signed,
}

/// Who acts, and why: kept with what was done.
#[derive(Args, Debug)]
pub struct Signed {
    /// Who acts.
    #[arg(
        long,
        env = "USER",
        default_value = "command line",
        hide_env_values = true
    )]
    pub actor: String,
    /// Why.
    #[arg(long, default_value = "by command")]
    pub reason: String,
}

/// Which keys.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria key list
  galleria key list --revoked")]
pub struct List {
    /// Also those that were taken back.
    #[arg(long)]
    pub revoked: bool,
}

/// Which key to take back.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria key revoke till-7 --reason 'the till was stolen'
  galleria key revoke 5f0c1d2e3a4b5c6d")]
pub struct Revoke {
    /// Its name or its id, as `key list` shows them.
    pub key: String,
    /// Who takes it back, and why.
    #[command(flatten)]
    pub signed: Signed,
}

fn scope(text: &str) -> Result<Scope, String> {
    let known = Scope::ALL.map(Scope::name).join(", ");
    Scope::by_name(text).ok_or_else(|| format!("one of {known}"))
}

/// Does what is asked.
pub async fn run(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    logs::start(galleria_config::Log {
        level: galleria_config::LogLevel::Warn,
        ..config.host.log
    });
    // No plugin is called, so none is loaded.
    let generation = match host::load(&config.host, Vec::new())? {
        Ok(generation) => generation,
        Err(errors) => {
            show::config_errors(&errors);
            return Ok(ExitCode::FAILURE);
        }
    };
    let host = host::build(&config, generation).await?;
    let done = match command {
        Command::Create(ask) => create(&host.app, &config, ask).await,
        Command::List(List { revoked }) => list(&host.app, revoked).await,
        Command::Revoke(ask) => revoke(&host.app, &ask).await,
    };
    host.db.close().await.context("closing the database")?;
    done.map(|()| ExitCode::SUCCESS)
}

async fn create(app: &App, config: &Config, ask: Create) -> anyhow::Result<()> {
    let Create {
        name,
        scope,
        stores,
        retailers,
        everywhere,
        signed: Signed { actor, reason },
    } = ask;
    for retailer in &retailers {
        // One that is configured may have no store yet.
        let configured = config.retailers.iter().any(|one| one.name == *retailer);
        if !configured {
            app.retailer_known(retailer).await?;
        }
    }
    let reach = match everywhere {
        true => Reach::Everything,
        false => Reach::Some {
            retailers: retailers.into_iter().collect(),
            stores: stores.into_iter().collect(),
        },
    };
    let ask = KeyAsk {
        name,
        scope,
        reach,
        actor,
        reason,
    };
    let made = app.key_create(ask).await?;
    show::line(&made.text);
    show::trouble(&format!(
        "key {} of {}: keep what stands above, it is shown this once",
        made.view.id, made.view.name
    ));
    Ok(())
}

async fn list(app: &App, revoked: bool) -> anyhow::Result<()> {
    let mut table = show::table(["name", "key", "scope", "reaches", "made", "revoked"]);
    for key in app.keys(revoked).await? {
        let reaches = reaches(&key);
        let KeyView {
            id,
            name,
            scope,
            created_at,
            revoked_at,
            ..
        } = key;
        let revoked_at = revoked_at.unwrap_or_default();
        table.add_row([&name, &id, scope, &reaches, &created_at, &revoked_at]);
    }
    show::line(&table.to_string());
    Ok(())
}

/// Retailers and stores, a line each.
fn reaches(key: &KeyView) -> String {
    let (Some(retailers), Some(stores)) = (&key.retailers, &key.stores) else {
        return "everything".into();
    };
    let lines = |word: &str, names: &BTreeSet<String>| match names.is_empty() {
        true => None,
        false => {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            Some(format!("{word} {}", names.join(", ")))
        }
    };
    let lines = [lines("all of", retailers), lines("store", stores)];
    lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

async fn revoke(app: &App, ask: &Revoke) -> anyhow::Result<()> {
    let Signed { actor, reason } = &ask.signed;
    let key = app.key_revoke(&ask.key, actor, reason).await?;
    show::line(&format!("key {} of {} is revoked", key.id, key.name));
    Ok(())
}
