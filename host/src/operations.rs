//! `galleria operations`: what operators did.

use crate::command::{self, Shown, plain};
use crate::show;
use clap::{Args, Subcommand};
use comfy_table::Table;
use galleria_app::App;
use galleria_app::lookup::OperationView;
use galleria_config::Config;
use galleria_ports::records::OperationFilter;
use serde_json::Value;
use std::process::ExitCode;

/// What to do with operations.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List what operators did, the newest first: who, when, why, and what changed.
    List(List),
}

/// Which actions.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria operations list
  galleria operations list --action dead_letter_discard
  galleria operations list --subject 'payment:payment-1 of poslog'
  galleria operations list --actor ana --limit 500

Actions: dead_letter_replay, dead_letter_discard, parked_retry, run_replay, run_cancel, line_settle,
line_undo, store_put, plugins_loaded, key_create, key_revoke.")]
pub struct List {
    /// Of this kind.
    #[arg(long)]
    pub action: Option<String>,
    /// Done to this.
    #[arg(long)]
    pub subject: Option<String>,
    /// By this actor, as the list names it.
    #[arg(long)]
    pub actor: Option<String>,
    /// How much of it, and as what.
    #[command(flatten)]
    pub shown: Shown,
}

/// Does what is asked.
pub async fn run(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    let Command::List(ask) = command;
    command::at(&config, async |app| list(app, ask).await).await
}

async fn list(app: &App, ask: List) -> anyhow::Result<()> {
    let filter = OperationFilter {
        subject: ask.subject,
        action: ask.action,
        actor: ask.actor,
    };
    let page = app.operations(filter, None, ask.shown.limit).await?;
    ask.shown
        .list(&page.operations, page.next.is_some(), "newest", actions)
}

fn actions(rows: &[OperationView]) -> Table {
    let mut table = show::table(["at", "who", "did", "to", "why", "before", "after"]);
    for done in rows {
        let (before, after) = changed(&done.before, &done.after);
        table.add_row([
            done.at.as_str(),
            &plain(&done.actor),
            &done.action,
            &plain(&done.subject),
            &plain(&done.reason),
            &before,
            &after,
        ]);
    }
    table
}

/// What differs between before and after, a line each.
fn changed(before: &Value, after: &Value) -> (String, String) {
    let lines = |one: &Value, other: &Value| {
        let fields = one.as_object().into_iter().flatten();
        let differ = fields.filter(|(name, value)| other.get(name) != Some(value));
        let lines = differ.map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), plain);
            format!("{name} {text}")
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    (lines(before, after), lines(after, before))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_did_not_change_is_left_out() {
        let told = changed(
            &json!({ "state": "dead", "attempts": 3 }),
            &json!({ "state": "due", "attempts": 3, "code": null }),
        );
        assert_eq!(told, ("state dead".into(), "code null\nstate due".into()));
        let told = changed(&Value::Null, &json!({ "name": "till-7" }));
        assert_eq!(told, (String::new(), "name till-7".into()));
    }
}
