//! `galleria key`: creates, lists and revokes API keys. It uses the database directly, so that the first
//! key needs no other one, and a lost key can be revoked while no host serves.

use crate::{command, known, show};
use clap::{Args, Subcommand};
use galleria_app::App;
use galleria_app::access::{ApiKeyRequest, KeyView};
use galleria_app::events::Acting;
use galleria_config::Config;
use galleria_ports::access::{Reach, Scope};
use std::collections::BTreeSet;
use std::process::ExitCode;

/// Commands of `galleria key`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create an API key and print it once; it cannot be shown again
    Create(Create),
    /// List API keys by name, without their secrets
    List(List),
    /// Revoke an API key; every host rejects the next request with it
    Revoke(Revoke),
}

/// Arguments of `create`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria key create --name till-7 --scope till --store madrid-1
  galleria key create --name office --scope back_office --retailer my-retailer > office.key
  galleria key create --name ana --scope operator --everywhere --reason 'runs the host'

Standard output contains only the key. A caller sends it as `Authorization: Bearer gk_...`.
Each scope includes the previous ones: till, back_office, operator, admin.")]
pub struct Create {
    /// Name of the key, unique among the keys in use
    #[arg(long)]
    pub name: String,
    /// Scope: till, back_office, operator or admin
    #[arg(long, value_parser = scope)]
    pub scope: Scope,
    /// Grant access to this existing store, by the host's id; may be repeated
    #[arg(long = "store", value_name = "STORE", required_unless_present_any = ["retailers", "everywhere"])]
    pub stores: Vec<String>,
    /// Grant access to all stores of this retailer; may be repeated
    #[arg(long = "retailer", value_name = "RETAILER")]
    pub retailers: Vec<String>,
    /// Grant access to all retailers and to the host as a whole
    #[arg(long, conflicts_with_all = ["stores", "retailers"])]
    pub everywhere: bool,
    /// The actor and the reason.
    #[command(flatten)]
    pub actor_args: ActorArgs,
}

/// The actor and an optional reason, which are recorded with the operation.
#[derive(Args, Debug)]
pub struct ActorArgs {
    /// Record this name as the actor
    #[arg(
        long,
        env = "USER",
        default_value = "command line",
        hide_env_values = true
    )]
    pub actor: String,
    /// Record this reason
    #[arg(long, default_value = "by command")]
    pub reason: String,
}

impl From<ActorArgs> for Acting {
    fn from(actor_args: ActorArgs) -> Self {
        Self {
            actor: actor_args.actor,
            reason: actor_args.reason,
        }
    }
}

/// Arguments of the list.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria key list
  galleria key list --revoked")]
pub struct List {
    /// Show revoked keys, too
    #[arg(long)]
    pub revoked: bool,
}

/// Arguments of `revoke`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria key revoke till-7 --reason 'the till was stolen'
  galleria key revoke 5f0c1d2e3a4b5c6d")]
pub struct Revoke {
    /// Name or id of the key, as `key list` shows them
    pub key: String,
    /// The actor and the reason.
    #[command(flatten)]
    pub actor_args: ActorArgs,
}

fn scope(text: &str) -> Result<Scope, String> {
    let known = Scope::ALL.map(Scope::name).join(", ");
    Scope::by_name(text).ok_or_else(|| format!("must be one of {known}"))
}

/// Runs the command.
pub async fn run(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    command::with_app(&config, async |app| match command {
        Command::Create(args) => create(app, &config, args).await,
        Command::List(List { revoked }) => list(app, revoked).await,
        Command::Revoke(args) => revoke(app, &args).await,
    })
    .await
}

async fn create(app: &App, config: &Config, args: Create) -> anyhow::Result<()> {
    let Create {
        name,
        scope,
        stores,
        retailers,
        everywhere,
        actor_args: ActorArgs { actor, reason },
    } = args;
    for retailer in &retailers {
        known::retailer(config, app, retailer).await?;
    }
    for store in &stores {
        known::store(app, None, store).await?;
    }
    let reach = match everywhere {
        true => Reach::Everything,
        false => Reach::Some {
            retailers: retailers.into_iter().collect(),
            stores: stores.into_iter().collect(),
        },
    };
    let request = ApiKeyRequest {
        name,
        scope,
        reach,
        actor,
        reason,
    };
    let created = app.access.create_key(request).await?;
    show::line(&created.text);
    show::problem(&format!(
        "created key {} of {}: store it now, it cannot be shown again",
        created.view.id, created.view.name
    ));
    Ok(())
}

async fn list(app: &App, revoked: bool) -> anyhow::Result<()> {
    let mut table = show::table(["name", "key", "scope", "access", "created", "revoked"]);
    for key in app.access.keys(revoked).await? {
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
    show::rows(&table);
    if table.is_empty() {
        show::none("API keys");
    }
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

async fn revoke(app: &App, args: &Revoke) -> anyhow::Result<()> {
    let ActorArgs { actor, reason } = &args.actor_args;
    let revoked = app.access.revoke_key(&args.key, actor, reason).await;
    let key = command::found(revoked, "`galleria key list` lists them")?;
    show::line(&format!("revoked key {} of {}", key.id, key.name));
    Ok(())
}
