//! `galleria tax move`: moves a store to another route.

use super::route;
use crate::key::ActorArgs;
use crate::{command, known, show};
use clap::Args;
use galleria_app::App;
use galleria_app::tax::{NewTaxMove, TaxMoved};
use galleria_config::Config;
use galleria_domain::tax::TaxRoute;
use std::process::ExitCode;

/// Arguments of `move`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria tax move --store madrid-1 --to http
  galleria tax move --store madrid-1 --to http --keep-shadow --actor ana --reason 'second wave'
  galleria tax move --store madrid-1 --to embedded --force --reason 'the old rate of RED was wrong'

The move is refused unless enough baskets (tax.move.baskets) were compared with the new route
since the last change of the store's tax table or tax settings, and all of them are equal:
`galleria tax compare` shows them. The next evaluation on every host uses the new route. A shadow
or fallback that is the new route is removed from the settings.")]
pub struct Move {
    /// Move this store, by the host's id
    #[arg(long)]
    pub store: String,
    /// Move to this route: embedded, grpc or http
    #[arg(long, value_name = "ROUTE", value_parser = route)]
    pub to: TaxRoute,
    /// Compare with the previous route after the move
    #[arg(long)]
    pub keep_shadow: bool,
    /// Move even if baskets differ or too few were compared; requires --reason
    #[arg(long, requires = "reason")]
    pub force: bool,
    /// The actor and the reason.
    #[command(flatten)]
    pub actor_args: ActorArgs,
}

/// Runs the command.
pub async fn run(config: &Config, args: Move) -> anyhow::Result<ExitCode> {
    command::with_app(config, async |app| move_store(app, args).await).await
}

async fn move_store(app: &App, args: Move) -> anyhow::Result<ExitCode> {
    known::store(app, None, &args.store).await?;
    let request = NewTaxMove {
        route: args.to,
        force: args.force,
        keep_shadow: args.keep_shadow,
        actor: args.actor_args.actor,
        reason: args.actor_args.reason,
    };
    let key = command::idempotency_key("tax move", &args.store);
    let moved = app.taxes.move_store(key, &args.store, request).await?;
    let moved: TaxMoved = serde_json::from_str(&moved.body)?;
    let baskets = moved.readiness.comparison.baskets;
    let (compared, different) = (baskets.compared, baskets.different);
    let shadow = moved.after.shadow;
    let shadow = shadow.map_or("no shadow".to_owned(), |route| {
        format!("the shadow {route}")
    });
    show::line(&format!(
        "store {} moved from {} to {}, with {shadow}: {compared} baskets compared, {different} different",
        moved.store, moved.before.route, moved.after.route
    ));
    if moved.forced {
        show::note("the move was forced");
    }
    if moved.before.fallback != moved.after.fallback {
        show::note("the fallback was removed, because it is the new route");
    }
    Ok(ExitCode::SUCCESS)
}
