//! `galleria operations`: lists the recorded operations.

use crate::command::{self, ListArgs, Page, plain};
use crate::known::{self, Names};
use crate::show;
use clap::{Args, Subcommand};
use comfy_table::Table;
use galleria_app::App;
use galleria_app::operations::{ACTIONS, OperationView};
use galleria_app::settlement::major;
use galleria_config::Config;
use galleria_ports::records::OperationFilter;
use serde_json::{Map, Value};
use std::process::ExitCode;

/// Commands of `galleria operations`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List operations, newest first: actor, time, reason and changes
    List(List),
}

/// Arguments of the list.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria operations list
  galleria operations list --action dead_letter_discard
  galleria operations list --subject 'payment:payment-1 of poslog'
  galleria operations list --actor ana --limit 500

The table shows amounts with the digits of their currency; --json has them in minor units.

Actions: dead_letter_replay, dead_letter_discard, parked_retry, run_replay, run_cancel,
line_settle, line_undo, statement_reread, store_put, stores_import, tax_settings_put,
tax_settings_delete, tax_table_import, tax_table_delete, tax_move, plugins_loaded,
retailer_reload, key_create, key_revoke.")]
pub struct List {
    /// Select this action
    #[arg(long)]
    pub action: Option<String>,
    /// Select this subject
    #[arg(long)]
    pub subject: Option<String>,
    /// Select this actor, as the list shows it
    #[arg(long)]
    pub actor: Option<String>,
    /// The length and the form of the list.
    #[command(flatten)]
    pub list_args: ListArgs,
}

/// Runs the command.
pub async fn run(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    let Command::List(args) = command;
    command::with_app(&config, async |app| list(&config, app, args).await).await
}

async fn list(config: &Config, app: &App, args: List) -> anyhow::Result<()> {
    let filter = OperationFilter {
        subject: args.subject,
        action: args.action,
        actor: args.actor,
    };
    let limit = args.list_args.limit;
    let page = app.operations.log(filter.clone(), None, limit).await?;
    if page.operations.is_empty() {
        check(app, filter).await?;
    }
    let page = Page {
        rows: &page.operations,
        more: page.next.is_some(),
        what: "operations",
        first: "newest",
    };
    let names = Names::default();
    args.list_args.list((config, app), names, page, table).await
}

/// Returns an error for an unknown action, and for a subject or an actor without any operation.
async fn check(app: &App, filter: OperationFilter) -> anyhow::Result<()> {
    if let Some(action) = &filter.action {
        known::one_of("action", action, ACTIONS)?;
    }
    let OperationFilter { subject, actor, .. } = filter;
    for (what, subject, actor) in [("subject", subject, None), ("actor", None, actor)] {
        let name = subject.clone().or_else(|| actor.clone());
        let alone = OperationFilter {
            subject,
            actor,
            action: None,
        };
        if let Some(name) = name
            && app
                .operations
                .log(alone, None, 1)
                .await?
                .operations
                .is_empty()
        {
            anyhow::bail!("there is no operation with the {what} {name}");
        }
    }
    Ok(())
}

fn table(rows: &[OperationView]) -> Table {
    let mut table = show::table([
        "at", "actor", "action", "subject", "reason", "before", "after",
    ]);
    for row in rows {
        let (before, after) = changed(&row.before, &row.after);
        table.add_row([
            row.at.as_str(),
            &plain(&row.actor),
            &row.action,
            &plain(&row.subject),
            &plain(&row.reason),
            &before,
            &after,
        ]);
    }
    table
}

/// The fields with amounts in the currency of the object, or of an object around it.
const AMOUNTS: [&str; 4] = ["amount", "difference", "net", "net_before"];
/// The fields with amounts in the currency of the payout.
const PAID_AMOUNTS: [&str; 1] = ["expected_fee"];

/// A currency with its minor digits.
type Currency<'v> = Option<(&'v str, u8)>;

/// Replaces amounts in minor units by texts such as `12.34 EUR`. An amount of an unknown currency stays as it is.
fn with_amounts(value: &Value, outer: (Currency<'_>, Currency<'_>)) -> Value {
    let fields = match value {
        Value::Object(fields) => fields,
        Value::Array(items) => {
            let items = items.iter().map(|item| with_amounts(item, outer));
            return items.collect();
        }
        other => return other.clone(),
    };
    let own = currency(fields, "currency", "minor_digits").or(outer.0);
    let paid = currency(fields, "paid_currency", "paid_minor_digits").or(outer.1);
    let shown = fields.iter().map(|(name, value)| {
        let currency = match &**name {
            name if AMOUNTS.contains(&name) => own,
            name if PAID_AMOUNTS.contains(&name) => paid,
            _ => None,
        };
        let text = currency.zip(value.as_i64()).map(|((code, digits), minor)| {
            format!("{} {}", major(minor.into(), digits), plain(code)).into()
        });
        let shown = text.unwrap_or_else(|| with_amounts(value, (own, paid)));
        (name.clone(), shown)
    });
    Value::Object(shown.collect())
}

fn currency<'v>(fields: &'v Map<String, Value>, code: &str, digits: &str) -> Currency<'v> {
    let digits = fields.get(digits)?.as_u64()?.try_into().ok()?;
    Some((fields.get(code)?.as_str()?, digits))
}

/// The differences between before and after, one in each line.
fn changed(before: &Value, after: &Value) -> (String, String) {
    let [before, after] = [before, after].map(|value| with_amounts(value, (None, None)));
    let lines = |one: &Value, other: &Value| {
        let fields = one.as_object().into_iter().flatten();
        let differ = fields.filter(|(name, value)| other.get(name) != Some(value));
        let lines = differ.map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), plain);
            format!("{name} {text}")
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    (lines(&before, &after), lines(&after, &before))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_help_lists_the_actions() {
        let list = List::augment_args(clap::Command::new("list"));
        let help = list.get_after_help().expect("examples").to_string();
        let (_, actions) = help.split_once("Actions:").expect("actions");
        let actions: Vec<&str> = actions
            .split([' ', '\n', ',', '.'])
            .filter(|one| !one.is_empty())
            .collect();
        assert_eq!(actions, ACTIONS);
    }

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        let line = |difference: i64, amount: i64| {
            json!({
                "currency": "JPY", "minor_digits": 0, "paid_currency": "EUR",
                "paid_minor_digits": 2, "difference": difference, "expected_fee": 12,
                "parts": [{ "tender": "t", "amount": amount }],
            })
        };
        let (before, after) = changed(&line(0, 100), &line(-5, 1200));
        assert_eq!(
            before,
            "difference 0 JPY\nparts [{\"amount\":\"100 JPY\",\"tender\":\"t\"}]"
        );
        assert!(after.starts_with("difference -5 JPY\nparts [{\"amount\":\"1200 JPY\""));
        let (_, after) = changed(&Value::Null, &line(0, 1));
        assert!(after.contains("expected_fee 0.12 EUR"), "{after}");
        let reread = json!({
            "currency": "EUR", "minor_digits": 2,
            "result": { "net": -1234, "net_before": null, "lines": 3 },
        });
        let (_, after) = changed(&Value::Null, &reread);
        let shown = "result {\"lines\":3,\"net\":\"-12.34 EUR\",\"net_before\":null}";
        assert!(after.contains(shown), "{after}");
        let (_, after) = changed(&Value::Null, &json!({ "net": 1234 }));
        assert_eq!(after, "net 1234", "of an earlier version");
    }

    #[test]
    fn unchanged_fields_are_omitted() {
        let changes = changed(
            &json!({ "state": "dead", "attempts": 3 }),
            &json!({ "state": "due", "attempts": 3, "code": null }),
        );
        assert_eq!(
            changes,
            ("state dead".into(), "code null\nstate due".into())
        );
        let changes = changed(&Value::Null, &json!({ "name": "till-7" }));
        assert_eq!(changes, (String::new(), "name till-7".into()));
    }
}
