//! `galleria check`: checks everything that can be checked before the first event.

use crate::host::{self, ConfigErrors};
use crate::show;
use galleria_app::settlement::check_pickups;
use galleria_config::Config;
use galleria_ports::plugins::Plugins as _;
use std::process::ExitCode;

/// Loads every plugin of every retailer and reports the result.
pub fn run(config: &Config) -> anyhow::Result<ExitCode> {
    galleria_api::check_anonymous(&config.host.access.anonymous)?;
    let generation = host::load(&config.host, config.slots())?;
    galleria_app::runs::check(config.schedules(), &generation).map_err(ConfigErrors)?;
    check_pickups(&config.pickups(), &generation).map_err(ConfigErrors)?;
    let mut table = show::table(["retailer", "slot", "plugin", "component", "exports"]);
    for loaded in generation.all() {
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
    if !config.ignored_variables.is_empty() {
        show::line(&format!(
            "no setting reads these variables of the previous platform: {}",
            config.ignored_variables.join(", ")
        ));
    }
    show::line("configuration valid");
    Ok(ExitCode::SUCCESS)
}
