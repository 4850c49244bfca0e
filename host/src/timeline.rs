//! `galleria timeline`: shows everything that happened to an object, by any of its ids.

use crate::command::{self, plain};
use crate::show;
use clap::Args;
use comfy_table::Table;
use galleria_app::operations::{TimelineEntry, TimelineView};
use galleria_app::settlement::major;
use galleria_config::Config;
use galleria_ports::access::Reach;
use std::process::ExitCode;

/// Arguments of `galleria timeline`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria timeline order-1                     an order with everything that belongs to it
  galleria timeline 0042-0007                   the number of a receipt
  galleria timeline 8836-1                      the reference of a payment provider
  galleria timeline payment:payment-1           an event
  galleria timeline 400001234567890             a fiscal mark
  galleria timeline poslog_0042_000001.xml      the name of a file
  galleria timeline madrid-1                    a store: operations on it, recorded tax evaluations
  galleria timeline till-4-0042                 the idempotency key of a tax evaluation
  galleria timeline order-1 --json | jq '.entries[] | select(.what == \"attempt\")'

Times are UTC. The table abbreviates digests and shows amounts with the digits of their currency;
--json has complete digests, and amounts in minor units. The trace of an event is the trace_id of
the log lines about its request and its tries.")]
pub struct TimelineArgs {
    /// Id of an order, payment, refund, void, shift, event, document, run, statement, store or recorded tax
    /// evaluation; the number of a receipt, a provider's reference, or the name of a file
    pub id: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Prints the timeline.
pub async fn run(config: Config, args: &TimelineArgs) -> anyhow::Result<ExitCode> {
    command::with_app(&config, async |app| {
        let timeline = app.operations.timeline(&args.id, &Reach::Everything).await;
        let timeline = command::found(timeline, "give an id as a list shows it")?;
        match args.json {
            true => show::json(&timeline)?,
            false => print(&timeline),
        }
        Ok(())
    })
    .await
}

fn print(timeline: &TimelineView) {
    let about = timeline.about.iter().map(|one| {
        let kind = serde_json::json!(one.kind);
        format!("{} {}", kind.as_str().unwrap_or_default(), plain(&one.id))
    });
    let about = about.collect::<Vec<_>>().join(", ");
    show::line(&format!("{}: {about}", plain(&timeline.id)));
    let mut entries = timeline.entries.as_slice();
    while let Some(first) = entries.first() {
        let (date, _) = instant(&first.at);
        let same = |entry: &&TimelineEntry| instant(&entry.at).0 == date;
        let (day, later) = entries.split_at(entries.iter().take_while(same).count());
        show::line(&format!("\n{date}"));
        show::rows(&table(day));
        entries = later;
    }
    if !timeline.cut.is_empty() {
        let cut = timeline.cut.join(", ");
        show::line(&format!(
            "\nincomplete, because there are too many entries of: {cut}"
        ));
    }
}

/// The entries of one day, without lines between them.
fn table(day: &[TimelineEntry]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    for entry in day {
        let (_, time) = instant(&entry.at);
        table.add_row([
            &to_the_millisecond(time),
            &entry.what.replace('_', " "),
            &plain(&entry.id),
            &facts(entry),
        ]);
    }
    table
}

/// Splits an instant into date and time.
fn instant(at: &str) -> (&str, &str) {
    let (date, time) = at.split_once('T').unwrap_or((at, ""));
    (date, time.trim_end_matches('Z'))
}

/// Pads a time to milliseconds, so that times align.
fn to_the_millisecond(time: &str) -> String {
    let (seconds, rest) = time.split_once('.').unwrap_or((time, ""));
    format!("{seconds}.{rest:0<3}")
}

/// The facts with amounts, which show the currency after the amount.
const AMOUNTS: [&str; 6] = ["amount", "difference", "fee", "gross", "net", "settled"];
/// The facts that name the currency of the amounts.
const CURRENCIES: [&str; 4] = [
    "currency",
    "minor_digits",
    "paid_currency",
    "paid_minor_digits",
];

fn facts(entry: &TimelineEntry) -> String {
    let fields = entry
        .facts
        .iter()
        .filter(|(name, text)| **text != entry.id && !CURRENCIES.contains(&name.as_str()));
    let words = fields.map(|(name, text)| {
        let digest = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let shown = match amount(entry, name, text) {
            Some(amount) => amount,
            None if digest => text[..12].to_owned(),
            None => plain(text),
        };
        format!("{} {shown}", name.replace('_', " "))
    });
    words.collect::<Vec<_>>().join(" · ")
}

/// Formats a fact that is an amount: `12.34 EUR`.
fn amount(entry: &TimelineEntry, name: &str, minor: &str) -> Option<String> {
    if !AMOUNTS.contains(&name) {
        return None;
    }
    let fact = |name: &str| entry.facts.get(name);
    let paid = || Some((fact("paid_currency")?, fact("paid_minor_digits")?));
    let own = || Some((fact("currency")?, fact("minor_digits")?));
    let (currency, digits) = match name {
        "fee" | "net" => paid().or_else(own)?,
        _ => own()?,
    };
    let text = major(minor.parse().ok()?, digits.parse().ok()?);
    Some(format!("{text} {}", plain(currency)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry_with(facts: &[(&str, &str)]) -> TimelineEntry {
        let facts = facts.iter();
        TimelineEntry {
            at: "2026-11-24T10:04:31Z".into(),
            what: "tender".into(),
            id: "t".into(),
            facts: facts
                .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        for (currency, digits, minor, shown) in [
            ("EUR", "2", "1234", "12.34 EUR"),
            ("EUR", "2", "-5", "-0.05 EUR"),
            ("JPY", "0", "1234", "1234 JPY"),
            ("KWD", "3", "1234", "1.234 KWD"),
            ("KWD", "3", "0", "0.000 KWD"),
        ] {
            for name in AMOUNTS {
                let entry = entry_with(&[
                    (name, minor),
                    ("currency", currency),
                    ("minor_digits", digits),
                ]);
                assert_eq!(facts(&entry), format!("{name} {shown}"));
            }
        }
        let line = entry_with(&[
            ("currency", "JPY"),
            ("difference", "-150"),
            ("fee", "12"),
            ("minor_digits", "0"),
            ("net", "1188"),
            ("outcome", "amount_mismatch"),
            ("paid_currency", "EUR"),
            ("paid_minor_digits", "2"),
        ]);
        assert_eq!(
            facts(&line),
            "difference -150 JPY · fee 0.12 EUR · net 11.88 EUR · outcome amount_mismatch"
        );
    }

    #[test]
    fn a_digest_is_abbreviated_and_a_repeated_id_omitted() {
        let entry = TimelineEntry {
            at: "2026-11-24T10:04:31.5Z".into(),
            what: "attempt".into(),
            id: "payment:p1".into(),
            facts: [
                ("event", "payment:p1".to_owned()),
                ("cpu_us", "412".to_owned()),
                ("component", "a1".repeat(32)),
            ]
            .map(|(name, text)| (name.to_owned(), text))
            .into(),
        };
        assert_eq!(facts(&entry), "component a1a1a1a1a1a1 · cpu us 412");
        assert_eq!(instant(&entry.at), ("2026-11-24", "10:04:31.5"));
        assert_eq!(to_the_millisecond("10:04:31.5"), "10:04:31.500");
        assert_eq!(to_the_millisecond("10:04:31"), "10:04:31.000");
    }
}
