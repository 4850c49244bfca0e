//! `galleria check`: checks everything that can be checked before the first event.

use crate::{host, show};
use galleria_app::settlement::check_pickups;
use galleria_config::Config;
use galleria_ports::plugins::Plugins as _;
use std::process::ExitCode;

/// Loads every plugin of every retailer and reports the result.
pub fn run(config: &Config) -> anyhow::Result<ExitCode> {
    if let Err(error) = galleria_api::check_anonymous(&config.host.access.anonymous) {
        show::error(&error.into());
        return Ok(ExitCode::FAILURE);
    }
    let generation = match host::load(&config.host, config.slots())? {
        Ok(generation) => generation,
        Err(errors) => {
            show::config_errors(&errors);
            return Ok(ExitCode::FAILURE);
        }
    };
    if let Err(errors) = galleria_app::runs::check(config.schedules(), &generation) {
        show::config_errors(&errors);
        return Ok(ExitCode::FAILURE);
    }
    if let Err(errors) = check_pickups(&config.pickups(), &generation) {
        show::config_errors(&errors);
        return Ok(ExitCode::FAILURE);
    }
    let mut table = comfy_table::Table::new();
    table
        .load_style(comfy_table::presets::UTF8_FULL_CONDENSED)
        .set_header(["retailer", "slot", "plugin", "component", "exports"]);
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
    show::line(&table.to_string());
    show::line("configuration valid");
    Ok(ExitCode::SUCCESS)
}
