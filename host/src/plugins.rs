//! `galleria plugin list`: shows the plugin, the grants and the recent faults of each slot.

use crate::{command, known, show};
use clap::Args;
use galleria_app::operations::{FaultsView, PluginView, RightsView};
use galleria_config::Config;
use galleria_ports::access::Reach;
use std::process::ExitCode;

/// Arguments of the list.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria plugin list
  galleria plugin list --retailer my-retailer --json

The list shows the faults of the last 24 hours. Of secrets it shows only names.")]
pub struct List {
    /// Name of the retailer's folder
    #[arg(long)]
    pub retailer: Option<String>,
    /// Print JSON with digests, limits, requested and granted rights
    #[arg(long)]
    pub json: bool,
}

/// Loads the configured plugins, as `check` does, and shows them.
pub async fn run(config: Config, args: &List) -> anyhow::Result<ExitCode> {
    command::with_retailers(&config, async |host| {
        let everything = Reach::Everything;
        let retailer = args.retailer.as_deref();
        let page = host
            .app
            .operations
            .plugins(&everything, retailer, None, None, u32::MAX);
        let plugins = page.await?.plugins;
        if let Some(name) = retailer.filter(|_| plugins.is_empty()) {
            known::retailer(&config, &host.app, name).await?;
        }
        match args.json {
            true => show::json(&plugins)?,
            false => table(&plugins),
        }
        if plugins.is_empty() {
            show::none("plugins");
        }
        Ok(())
    })
    .await
}

fn table(plugins: &[PluginView]) {
    let mut table = show::table([
        "retailer",
        "slot",
        "plugin",
        "built with",
        "exports",
        "imports",
        "grants",
        "faults",
    ]);
    for plugin in plugins {
        table.add_row([
            plugin.retailer.clone(),
            plugin.slot.clone(),
            format!(
                "{} {}\n{}",
                plugin.plugin,
                plugin.version.as_deref().unwrap_or_default(),
                &plugin.digest[..12],
            ),
            built(plugin),
            plugin.exports.join("\n"),
            plugin.imports.join("\n"),
            granted(&plugin.granted),
            faults(&plugin.faults),
        ]);
    }
    show::rows(&table);
}

fn built(plugin: &PluginView) -> String {
    let line = |word: &str, text: &Option<String>| {
        text.as_ref().map(|version| format!("{word} {version}"))
    };
    let lines = [line("contract", &plugin.contract), line("SDK", &plugin.sdk)];
    lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// The grants besides capabilities, a line each.
fn granted(rights: &RightsView) -> String {
    let mut lines = Vec::new();
    for (word, names) in [
        ("directory", &rights.directories),
        ("topic", &rights.topics),
        ("target", &rights.targets),
    ] {
        lines.extend(names.iter().map(|name| format!("{word} {name}")));
    }
    for (name, may) in &rights.secrets {
        lines.push(format!("secret {name} to {}", may.join(", ")));
    }
    if rights.receipts {
        lines.push("receipts".into());
    }
    lines.join("\n")
}

fn faults(faults: &FaultsView) -> String {
    let counts = faults.counts.iter();
    let mut lines: Vec<_> = counts
        .map(|(code, count)| format!("{count} {code}"))
        .collect();
    if faults.more {
        lines.push("and more".into());
    }
    if let Some(last) = &faults.last {
        lines.push(format!("last at {}", last.at));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use galleria_app::operations::FaultView;

    #[test]
    fn a_cell_has_one_line_for_each_right_and_fault() {
        let rights = RightsView {
            directories: vec!["poslog".into()],
            secrets: [("card-key".to_owned(), vec!["decrypt".to_owned()])].into(),
            receipts: true,
            ..RightsView::default()
        };
        let cell = granted(&rights);
        assert_eq!(
            cell,
            "directory poslog\nsecret card-key to decrypt\nreceipts"
        );
        let cell = faults(&FaultsView {
            since: String::new(),
            counts: [("trapped".to_owned(), 2)].into(),
            more: false,
            last: Some(FaultView {
                at: "2026-11-24T10:00:00Z".into(),
                code: "trapped".into(),
            }),
        });
        assert_eq!(cell, "2 trapped\nlast at 2026-11-24T10:00:00Z");
    }
}
