//! `galleria check`: checks everything that can be checked before the first event.

use crate::host::{self, ConfigArgs, ConfigErrors};
use crate::retailers::Retailers;
use crate::show;
use galleria_ports::plugins::Plugins as _;
use std::process::ExitCode;

/// Loads every plugin of every retailer and reports the result: all plugins, or all errors of the host and of
/// all retailers.
pub fn run(config_args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    let (config, mut errors) = host::configure_lenient(config_args)?;
    if !config.ignored_variables.is_empty() {
        show::line(&format!(
            "no setting reads these variables of the previous platform: {}",
            config.ignored_variables.join(", ")
        ));
    }
    // Without any slot, nothing is compiled, and no folder for compiled components is created.
    let retailers = match config.slots().is_empty() {
        true => Retailers::without_plugins(&config),
        false => Retailers::load(&host::engine(&config.host)?, &config),
    };
    errors.extend(config.retailer_errors());
    for error in retailers.errors() {
        if !errors.contains(&error) {
            errors.push(error);
        }
    }
    if !errors.is_empty() {
        return Err(ConfigErrors(errors).into());
    }
    galleria_api::check_anonymous(&config.host.access.anonymous)?;
    let mut table = show::table(["retailer", "slot", "plugin", "component", "exports"]);
    for loaded in retailers.all() {
        let serves: Vec<_> = loaded.inspection.exports.iter().map(|p| p.name()).collect();
        table.add_row([
            loaded.slot.retailer.as_str(),
            &loaded.slot.name,
            &loaded.slot.plugin,
            loaded.inspection.digest.short(),
            &serves.join(", "),
        ]);
    }
    show::rows(&table);
    if table.is_empty() {
        show::none("plugins");
    }
    show::line("configuration valid");
    Ok(ExitCode::SUCCESS)
}
