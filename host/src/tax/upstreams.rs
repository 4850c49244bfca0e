//! `galleria tax upstreams`: connects to the tax services, and shows the result.

use crate::command::{self, plain};
use crate::show;
use clap::Args;
use galleria_app::App;
use galleria_config::Config;
use galleria_ports::tax::TaxUpstream;
use serde::Serialize;
use std::process::ExitCode;

/// Arguments of `upstreams`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria tax upstreams
  galleria tax upstreams --json

Connects to each service from this machine, with its certificate check, but evaluates nothing.
Fails if a service cannot be reached. Each serving host has a breaker of its own, which GET
/v1/taxes/upstreams and the metric galleria_tax_breaker_open show.")]
pub struct Upstreams {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A service, and whether this machine can connect to it.
#[derive(Serialize)]
struct Checked {
    connected: bool,
    #[serde(flatten)]
    upstream: TaxUpstream,
}

/// Runs the command.
pub async fn run(config: Config, args: &Upstreams) -> anyhow::Result<ExitCode> {
    command::with_app(&config, async |app| {
        let checked = check(app).await;
        if args.json {
            show::json(&checked)?;
        } else {
            table(&checked);
        }
        Ok(match checked.iter().all(|one| one.connected) {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    })
    .await
}

async fn check(app: &App) -> Vec<Checked> {
    let mut checked = Vec::new();
    for upstream in app.taxes.upstreams() {
        let connected = app.taxes.check_upstream(upstream.route).await.is_ok();
        checked.push((upstream.route, connected));
    }
    // With the last failure, which the check has set.
    let after = app.taxes.upstreams().into_iter();
    let with_result = after
        .zip(checked)
        .map(|(upstream, (_, connected))| Checked {
            connected,
            upstream,
        });
    with_result.collect()
}

fn table(checked: &[Checked]) {
    let mut table = show::table(["route", "address", "connected", "breaker", "last failure"]);
    for one in checked {
        let Checked {
            connected,
            upstream,
        } = one;
        let failure = upstream.last_failure.as_ref();
        let failure = failure.map_or_else(String::new, |failure| {
            plain(&format!("{}: {}", failure.kind, failure.reason))
        });
        let connected = if *connected { "yes" } else { "no" };
        table.add_row([
            upstream.route.name(),
            &upstream.address,
            connected,
            upstream.breaker.name(),
            &failure,
        ]);
    }
    show::rows(&table);
    if checked.is_empty() {
        show::note("no tax service is configured: set tax.grpc.address or tax.http.address");
    }
}
