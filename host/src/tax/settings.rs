//! `galleria tax settings`: shows and changes the tax settings of stores.

use super::{name, route};
use crate::command::{self, ActorArgs};
use crate::{known, show};
use anyhow::{Context as _, bail};
use clap::{ArgGroup, Args, Subcommand};
use comfy_table::Table;
use galleria_app::App;
use galleria_app::tax::TaxSettingsDeleted;
use galleria_config::Config;
use galleria_domain::Store;
use galleria_domain::tax::{Calculator, LineTaxes, TaxRoute, TaxRow, TaxSettings};
use galleria_files::SETTINGS_BYTES;
use serde::Serialize;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

/// Stores in one query.
const PAGE: u32 = 1_000;

/// The word for no route and no calculator.
const NONE: &str = "none";

/// Commands of `galleria tax settings`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the tax settings of a store, or of all stores as a table
    Show(Show),
    /// Change tax settings of a store; every host applies them to the next evaluation
    Set(Set),
    /// Delete the tax settings of a store, so that the defaults apply
    Delete(Delete),
}

/// Arguments of `delete`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria tax settings delete --store madrid-1 --reason 'the tills compute the taxes again'

Orders of a store without settings are evaluated only if it has a tax table: `galleria tax delete`
deletes that.")]
pub struct Delete {
    /// Store, by the host's id
    #[arg(long)]
    pub store: String,
    /// The actor and the reason.
    #[command(flatten)]
    pub actor_args: ActorArgs,
}

/// Arguments of `show`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria tax settings show
  galleria tax settings show --route grpc
  galleria tax settings show --store madrid-1 --json")]
pub struct Show {
    /// Select this store, by the host's id
    #[arg(long)]
    pub store: Option<String>,
    /// Select stores with this route: embedded, grpc or http
    #[arg(long, value_parser = route)]
    pub route: Option<TaxRoute>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `set`. A missing argument changes nothing.
#[derive(Args, Clone, Debug)]
#[command(group(ArgGroup::new("change").required(true).multiple(true)
    .args(["route", "fallback", "shadow", "calculator", "included", "line_taxes", "default_taxes"])))]
#[command(after_help = "\
Examples:
  galleria tax settings set --store madrid-1 --route grpc --fallback embedded --reason 'ticket 12'
  galleria tax settings set --store madrid-1 --shadow http --reason 'compare before the move'
  galleria tax settings set --store madrid-1 --shadow none --reason 'the comparison is complete'

Routes: embedded (the engine of this host), grpc (the service at tax.grpc.address), http (the
service at tax.http.address). A fallback evaluates only if the service of the route fails; the
response says so.")]
pub struct Set {
    /// Store, by the host's id
    #[arg(long)]
    pub store: String,
    /// Evaluate by this route: embedded, grpc or http
    #[arg(long, value_parser = route)]
    pub route: Option<TaxRoute>,
    /// Evaluate by this route if the first one fails; `none` for an error
    #[arg(long, value_parser = optional_route)]
    pub fallback: Option<OptionalRoute>,
    /// Also evaluate by this route in the background; `none` for no comparison
    #[arg(long, value_parser = optional_route)]
    pub shadow: Option<OptionalRoute>,
    /// Use this calculator of host.toml; `none` for `default`
    #[arg(long)]
    pub calculator: Option<String>,
    /// Whether prices contain the taxes: true or false
    #[arg(long = "tax-included", value_name = "BOOL", id = "included")]
    pub included: Option<bool>,
    /// Treatment of order lines that carry taxes: keep, require or record
    #[arg(long, value_parser = line_taxes)]
    pub line_taxes: Option<LineTaxes>,
    /// JSON file with an array of rows of a tax table, for codes that the table does not contain
    #[arg(long, value_name = "FILE")]
    pub default_taxes: Option<PathBuf>,
    /// The actor and the reason.
    #[command(flatten)]
    pub actor_args: ActorArgs,
}

/// A route, or none.
#[derive(Clone, Copy, Debug)]
pub struct OptionalRoute(Option<TaxRoute>);

fn optional_route(text: &str) -> Result<OptionalRoute, String> {
    if text == NONE {
        return Ok(OptionalRoute(None));
    }
    let route = route(text).map_err(|error| format!("{error}, {NONE}"))?;
    Ok(OptionalRoute(Some(route)))
}

fn line_taxes(text: &str) -> Result<LineTaxes, String> {
    let all = [LineTaxes::Keep, LineTaxes::Require, LineTaxes::Record];
    let found = all.into_iter().find(|one| name(one) == text);
    found.ok_or_else(|| format!("must be one of {}", all.map(name).join(", ")))
}

/// Runs the command.
pub async fn run(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    command::with_app(&config, async |app| match command {
        Command::Show(args) => show_settings(app, &args).await,
        Command::Set(args) => set(app, args).await,
        Command::Delete(args) => delete(app, args).await,
    })
    .await
}

/// The settings of a store, for programs.
#[derive(Serialize)]
struct StoreSettings<'a> {
    store: &'a str,
    retailer: &'a str,
    #[serde(flatten)]
    settings: &'a TaxSettings,
}

async fn show_settings(app: &App, args: &Show) -> anyhow::Result<()> {
    let mut all = match &args.store {
        Some(id) => {
            known::store(app, None, id).await?;
            let store = app.stores.store(id).await?;
            vec![(store, app.taxes.settings(id).await?)]
        }
        None => all_settings(app).await?,
    };
    all.retain(|(_, settings)| args.route.is_none_or(|route| settings.route == route));
    if args.json {
        let rows = all.iter().map(|(store, settings)| StoreSettings {
            store: &store.id,
            retailer: &store.retailer,
            settings,
        });
        return show::json(&rows.collect::<Vec<_>>());
    }
    show::rows(&table(&all));
    if all.is_empty() {
        show::none("stores");
    }
    Ok(())
}

async fn all_settings(app: &App) -> anyhow::Result<Vec<(Store, TaxSettings)>> {
    let mut all: Vec<(Store, TaxSettings)> = Vec::new();
    loop {
        let after = all.last().map(|(store, _)| store.id.clone());
        let page = app
            .taxes
            .settings_list(&after.unwrap_or_default(), PAGE)
            .await?;
        let is_last = page.len() < PAGE as usize;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

/// The settings with their names and texts, in the order of the table.
fn fields(settings: &TaxSettings) -> [(&'static str, String); 7] {
    let route = |route: Option<TaxRoute>| route.map_or(NONE, TaxRoute::name).to_owned();
    let calculator = settings
        .calculator
        .as_deref()
        .unwrap_or(Calculator::DEFAULT);
    let included = if settings.tax_included_in_price {
        "yes"
    } else {
        "no"
    };
    [
        ("route", settings.route.to_string()),
        ("fallback", route(settings.fallback)),
        ("shadow", route(settings.shadow)),
        ("calculator", calculator.to_owned()),
        ("tax in the price", included.to_owned()),
        ("taxes of lines", name(settings.line_taxes)),
        ("default taxes", settings.default_taxes.len().to_string()),
    ]
}

fn table(all: &[(Store, TaxSettings)]) -> Table {
    let [
        route,
        fallback,
        shadow,
        calculator,
        included,
        lines,
        default_taxes,
    ] = fields(&TaxSettings::default()).map(|(name, _)| name);
    let mut table = show::table([
        "store",
        "retailer",
        route,
        fallback,
        shadow,
        calculator,
        included,
        lines,
        default_taxes,
    ]);
    for (store, settings) in all {
        let texts = fields(settings).map(|(_, text)| text);
        table.add_row(
            [store.id.clone(), store.retailer.clone()]
                .into_iter()
                .chain(texts),
        );
    }
    table
}

async fn set(app: &App, args: Set) -> anyhow::Result<()> {
    known::store(app, None, &args.store).await?;
    let default_taxes: Option<Vec<TaxRow>> = match &args.default_taxes {
        None => None,
        Some(file) => {
            // The rows are data of this command: the file may be a pipe.
            let (mut input, mut text) =
                (known::open(file)?.take(SETTINGS_BYTES + 1), String::new());
            let read = input.read_to_string(&mut text);
            let read = read.with_context(|| format!("reading {}", file.display()))?;
            if read as u64 > SETTINGS_BYTES {
                bail!("{}: must be at most 1 MiB", file.display());
            }
            let rows = serde_json::from_str(&text);
            Some(rows.with_context(|| format!("{}: must be a JSON array of rows", file.display()))?)
        }
    };
    // The settings before the change, which runs again if another change is stored first.
    let before = Arc::new(Mutex::new(TaxSettings::default()));
    let (seen, changes) = (Arc::clone(&before), args.clone());
    let change = move |settings: TaxSettings| {
        *seen.lock().unwrap_or_else(PoisonError::into_inner) = settings.clone();
        changes.apply(settings, default_taxes.as_deref())
    };
    let ActorArgs { actor, reason } = &args.actor_args;
    let changed = app
        .taxes
        .change_settings(None, &args.store, actor, reason, change);
    let after: TaxSettings = serde_json::from_str(&changed.await?.body)?;
    let before = before
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    show::line(&format!(
        "store {}: {}",
        args.store,
        differences(&before, &after)
    ));
    Ok(())
}

async fn delete(app: &App, args: Delete) -> anyhow::Result<()> {
    known::store(app, None, &args.store).await?;
    let ActorArgs { actor, reason } = &args.actor_args;
    let deleted = app
        .taxes
        .delete_settings(None, &args.store, actor, reason)
        .await?;
    let TaxSettingsDeleted { before, has_table } = serde_json::from_str(&deleted.body)?;
    let result = match before {
        Some(_) => "tax settings deleted",
        None => "has no tax settings",
    };
    show::line(&format!("store {}: {result}", args.store));
    if has_table {
        show::note(
            "orders are still evaluated, because the store has a tax table: `galleria tax delete` deletes it",
        );
    }
    Ok(())
}

impl Set {
    fn apply(&self, settings: TaxSettings, default_taxes: Option<&[TaxRow]>) -> TaxSettings {
        let optional = |new: Option<OptionalRoute>, old| new.map_or(old, |route| route.0);
        TaxSettings {
            route: self.route.unwrap_or(settings.route),
            fallback: optional(self.fallback, settings.fallback),
            shadow: optional(self.shadow, settings.shadow),
            calculator: match self.calculator.as_deref() {
                None => settings.calculator,
                Some(NONE) => None,
                Some(name) => Some(name.to_owned()),
            },
            tax_included_in_price: self.included.unwrap_or(settings.tax_included_in_price),
            line_taxes: self.line_taxes.unwrap_or(settings.line_taxes),
            default_taxes: default_taxes.map_or(settings.default_taxes, <[TaxRow]>::to_vec),
        }
    }
}

/// The changed fields, such as `route embedded to grpc`.
fn differences(before: &TaxSettings, after: &TaxSettings) -> String {
    let pairs = fields(before).into_iter().zip(fields(after));
    let mut changed: Vec<String> = pairs
        .filter(|((_, before), (_, after))| before != after)
        .map(|((name, before), (_, after))| format!("{name} {before} to {after}"))
        .collect();
    if changed.is_empty() && before.default_taxes != after.default_taxes {
        changed.push("default taxes replaced".to_owned());
    }
    match changed.is_empty() {
        true => "unchanged".to_owned(),
        false => changed.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_json() {
        assert_eq!(line_taxes("require"), Ok(LineTaxes::Require));
        assert_eq!(
            line_taxes("x"),
            Err("must be one of keep, require, record".into())
        );
        assert!(optional_route("none").is_ok_and(|route| route.0.is_none()));
        let error = optional_route("x").expect_err("unknown");
        assert_eq!(error, "must be one of embedded, grpc, http, none");
    }

    #[test]
    fn only_changed_fields_are_named() {
        let before = TaxSettings::default();
        let after = TaxSettings {
            route: TaxRoute::Grpc,
            fallback: Some(TaxRoute::Embedded),
            ..before.clone()
        };
        assert_eq!(differences(&before, &before), "unchanged");
        let text = differences(&before, &after);
        assert_eq!(text, "route embedded to grpc, fallback none to embedded");
    }
}
