//! `galleria status`: shows the status, and the command that shows more of it.

use crate::command::{self, plain};
use crate::show;
use clap::Args;
use comfy_table::Table;
use galleria_app::operations::{StatusView, StoreStatus};
use galleria_config::Config;
use galleria_ports::files::UntakenFile;
use galleria_ports::plugins::LoadState;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// The errors of a retailer that the table shows, and the characters of each: a table that is piped has no other limit of
/// its width.
const MAX_ERRORS: usize = 3;
const MAX_CHARS: usize = 200;

/// Arguments of `galleria status`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria status
  galleria status --json | jq .settled

Reads the database and the configuration, whether a host serves or not. It loads no plugin:
`galleria check` does. --json prints the response of GET /v1/status, with every store.")]
pub struct StatusArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Shows the status.
pub async fn run(config: Config, args: &StatusArgs) -> anyhow::Result<ExitCode> {
    command::with_app(&config, async |app| {
        let status = app.operations.status().await?;
        if args.json {
            return show::json(&status);
        }
        // Show only the kind: the address may contain a password.
        let url = config.host.database.url.expose();
        let kind = match url.starts_with("sqlite:") {
            true => "SQLite",
            false => "PostgreSQL",
        };
        show::rows(&whole(kind, &status));
        if !status.untaken_files.is_empty() {
            show::rows(&untaken(&status.untaken_files));
        }
        if !status.stores.is_empty() {
            show::rows(&retailers(&status.stores));
        }
        Ok(())
    })
    .await
}

/// Everything except the stores, one in each line, with the command that shows more.
fn whole(database: &str, status: &StatusView) -> Table {
    let mut table = show::table(["", "status", "more"]);
    let mut line = |name: &str, now: String, more: Option<&str>| {
        let more = more.map(|command| format!("galleria {command}"));
        table.add_row([name.to_owned(), now, more.unwrap_or_default()]);
    };
    line("database", format!("{database}, available"), None);
    let settled = match status.settled {
        true => "yes: every event has been applied",
        false => "no: work is pending",
    };
    line("settled", settled.into(), None);
    line("events", status.events.to_string(), None);
    for one in &status.groups {
        let now = match one.lag {
            0 => "up to date".to_owned(),
            lag => format!("{lag} events behind"),
        };
        line(&format!("group {}", one.group), now, None);
    }
    let (parked, letters) = (status.parked, status.dead_letters);
    let list = |count: u64, command| (count > 0).then_some(command);
    line("parked", parked.to_string(), list(parked, "parked list"));
    let held = match status.held {
        0 => String::new(),
        held => format!(", {held} of them hold later events of their lane"),
    };
    let more = list(letters, "dead-letters list");
    line("dead letters", format!("{letters}{held}"), more);
    for one in &status.rejected_events {
        let now = format!(
            "rejected by the broker since {}: {}; later events of {} wait",
            one.since,
            shortened(&one.reason),
            one.topic
        );
        let more = Some("dead-letters list --code broker_rejected");
        line(
            &format!("event {}", plain(&one.event_id)),
            plain(&now),
            more,
        );
    }
    let documents = &status.documents;
    let (pending, blocked) = (documents.pending, documents.blocked);
    let more = match (blocked, pending) {
        (0, 0) => None,
        (0, _) => Some("documents list"),
        _ => Some("documents list --state blocked"),
    };
    let now = format!("{pending} pending, {blocked} blocked");
    line("documents", now, more);
    line("delivered", documents.delivered.to_string(), None);
    let files = match status.untaken_files.len() {
        0 => "all taken".to_owned(),
        count => format!("{count} not taken, listed below"),
    };
    line("pickup files", files, None);
    let dead = status.runs.get("dead").copied().unwrap_or_default();
    let more = list(dead, "runs list --state dead");
    line("runs", runs(&status.runs), more);
    for one in &status.out_of_service {
        let now = format!("out of service: {}", reasons(&one.errors));
        line(&format!("retailer {}", one.retailer), now, Some("check"));
    }
    for one in &status.failed_loads {
        if one.state == LoadState::ReloadFailed {
            let (host, errors) = (plain(&one.host), reasons(&one.errors));
            let now =
                format!("reload failed in {host}, the previous configuration serves: {errors}");
            let name = format!("retailer {}", one.retailer);
            line(&name, now, Some("retailer list"));
        }
    }
    for invalid in &status.invalid_stores {
        let name = format!("store {}", invalid.store);
        let now = format!("invalid {}: {}", invalid.field, invalid.message);
        line(&name, now, Some("stores import --help"));
    }
    for one in &status.tax_services {
        let name = format!("tax service {}", one.route);
        line(&name, one.address.clone(), Some("tax upstreams"));
    }
    for (name, path) in &status.directories {
        line(&format!("directory {name}"), path.clone(), None);
    }
    table
}

/// The first errors, one in each line: `galleria check` and `--json` have all, in full length.
fn reasons(errors: &[String]) -> String {
    let first = errors.iter().take(MAX_ERRORS);
    let mut lines: Vec<String> = first.map(|error| shortened(&plain(error))).collect();
    if errors.len() > MAX_ERRORS {
        lines.push(format!("and {} more errors", errors.len() - MAX_ERRORS));
    }
    lines.join("\n")
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// The files that no pickup takes.
fn untaken(files: &[UntakenFile]) -> Table {
    let mut table = show::table(["retailer", "directory", "file", "not taken because"]);
    for one in files {
        table.add_row([
            &one.retailer,
            &one.directory,
            &plain(&one.file),
            &plain(&one.reason),
        ]);
    }
    table
}

fn runs(by_state: &BTreeMap<String, u64>) -> String {
    let some = by_state.iter().filter(|(_, count)| **count > 0);
    let counts: Vec<_> = some
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    match counts.is_empty() {
        true => "none".into(),
        false => counts.join(", "),
    }
}

/// There may be thousands of stores: the table shows sums.
fn retailers(stores: &[StoreStatus]) -> Table {
    let mut sums = BTreeMap::<&str, [u64; 4]>::new();
    for store in stores {
        let sum = sums.entry(&store.retailer).or_default();
        let more = [1, store.events, store.documents, store.cpu_us];
        for (sum, more) in sum.iter_mut().zip(more) {
            *sum += more;
        }
    }
    let mut table = show::table(["retailer", "stores", "events", "delivered", "CPU ms"]);
    for (name, [stores, events, documents, cpu_us]) in sums {
        let [stores, events, documents, cpu] =
            [stores, events, documents, cpu_us / 1000].map(|count| count.to_string());
        table.add_row([name, &stores, &events, &documents, &cpu]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_summed_up_by_retailer() {
        let store = |retailer: &str, id: &str, events| StoreStatus {
            retailer: retailer.into(),
            store: id.into(),
            external_id: id.into(),
            events,
            documents: 1,
            cpu_us: 1500,
        };
        let stores = [store("b", "1", 7), store("a", "2", 1), store("b", "3", 4)];
        let table = retailers(&stores).to_string();
        let rows: Vec<Vec<&str>> = table
            .lines()
            .map(|line| line.split(['│', '┆']).map(str::trim).collect())
            .collect();
        assert!(
            rows.contains(&vec!["", "a", "1", "1", "1", "1", ""]),
            "{table}"
        );
        assert!(
            rows.contains(&vec!["", "b", "2", "11", "2", "3", ""]),
            "{table}"
        );
    }

    #[test]
    fn the_table_has_a_limited_width() {
        assert_eq!(reasons(&["loading".into()]), "loading");
        let errors: Vec<String> = (0..5)
            .map(|n| format!("{n}{}", "é".repeat(1_000)))
            .collect();
        let text = reasons(&errors);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(
            lines
                .iter()
                .all(|line| line.chars().count() <= MAX_CHARS + 3)
        );
        assert!(lines[0].ends_with("..."));
        assert_eq!(lines[3], "and 2 more errors");
    }

    #[test]
    fn only_states_that_have_runs_are_named() {
        let runs_of = |dead| [("dead".to_owned(), dead), ("due".to_owned(), 0)].into();
        assert_eq!(runs(&runs_of(2)), "2 dead");
        assert_eq!(runs(&runs_of(0)), "none");
    }
}
