//! `galleria statement read`: what a plugin makes of a file, and nothing else.

use super::ask::Read;
use super::{by_name, failed, loaded_names, spooled};
use crate::cli::Cli;
use crate::interrupt::{INTERRUPTED, stopped_by_ctrl_c};
use crate::{host, logs, show};
use anyhow::Context as _;
use galleria_app::statements::{Reading, major, read, reading_context};
use galleria_deliver::StatementVault;
use galleria_domain::StatementLine;
use galleria_domain::plugin::{ConfigError, Point, Slot};
use galleria_ports::clock::{Clock as _, SystemClock};
use galleria_ports::plugins::Plugins;
use galleria_ports::vault::Vault;
use serde_json::json;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Lines read at a time.
const PIECE: usize = 1_000;

/// Prints the reading of a file. Nothing is needed but the slot: that a secret of some retailer is
/// not set here does no harm.
pub async fn run(cli: &Cli, ask: &Read) -> anyhow::Result<ExitCode> {
    let (config, errors) = match host::configure_lenient(cli) {
        Ok(read) => read,
        Err(errors) => {
            show::config_errors(&errors);
            return Ok(ExitCode::FAILURE);
        }
    };
    logs::start(galleria_config::Log {
        level: galleria_config::LogLevel::Warn,
        ..config.host.log
    });
    let of_secrets = |error: &ConfigError| error.key.starts_with("secrets.");
    let wrong: Vec<_> = errors.into_iter().filter(|one| !of_secrets(one)).collect();
    if !wrong.is_empty() {
        show::config_errors(&wrong);
        return Ok(ExitCode::FAILURE);
    }
    let slots = config.slots();
    let slot = one_of(by_name(&slots, ask.retailer.as_deref(), &ask.plugin), ask)?;
    let generation = match host::load(&config.host, vec![slot])? {
        Ok(generation) => generation,
        Err(errors) => {
            show::config_errors(&errors);
            return Ok(ExitCode::FAILURE);
        }
    };
    let plugin = generation.all().first().cloned();
    let plugin = plugin.filter(|plugin| plugin.inspection.exports.contains(&Point::ReadStatement));
    let plugin =
        plugin.with_context(|| format!("{} reads no statements", loaded_names(&generation)))?;
    // Nothing of it stays: the spool goes with its folder.
    let folder = tempfile::tempdir().context("making a folder to read in")?;
    let vault = StatementVault::open(folder.path(), config.host.statements.max_bytes)?;
    let name = ask
        .file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let stop = stopped_by_ctrl_c()?;
    let spool = match spooled(&ask.file, vault.spool(&name)?, &stop)? {
        Ok(spool) => spool,
        Err(error) => return failed(error),
    };
    let cx = reading_context(&plugin, &spool.digest().0, SystemClock.now());
    let (source, scratch) = (spool.source()?, vault.scratch()?);
    let plugins: Arc<dyn Plugins> = Arc::new(generation);
    let told = Arc::clone(&stop);
    let reading =
        tokio::task::spawn_blocking(move || read(&*plugins, &plugin, &cx, source, scratch, told));
    match reading.await.context("reading")? {
        Ok(reading) => match print(reading, &stop) {
            // Who reads only the first lines has what they wanted.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                Ok(ExitCode::from(INTERRUPTED))
            }
            printed => printed.map(|()| ExitCode::SUCCESS).context("printing"),
        },
        Err(error) => failed(error),
    }
}

/// The slot that is meant; several that say the same are one.
fn one_of(slots: Vec<&Slot>, ask: &Read) -> anyhow::Result<Slot> {
    let Some(first) = slots.first() else {
        anyhow::bail!(
            "no retailer.toml uses a plugin {}{}",
            ask.plugin,
            ask.retailer
                .as_ref()
                .map_or(String::new(), |name| format!(" for {name}"))
        );
    };
    let same = slots
        .iter()
        .all(|slot| (&slot.component, &slot.settings) == (&first.component, &first.settings));
    anyhow::ensure!(
        same,
        "several slots are called {} and have settings of their own: say --retailer, one of {}",
        ask.plugin,
        slots
            .iter()
            .map(|slot| slot.retailer.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    );
    Ok((*first).clone())
}

/// `ErrorKind::Interrupted` where Ctrl-C ended it.
fn print(mut reading: Reading, stop: &AtomicBool) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let header = reading.header.clone();
    let digits = header.minor_digits;
    let told = json!({ "header": {
        "provider": header.provider,
        "account": header.account,
        "reference": header.reference,
        "currency": header.currency,
        "minor_digits": digits,
        "paid_on": header.paid_on,
        "total": header.total.map(|total| major(total.into(), digits)),
        "attributes": header.attributes,
    }});
    writeln!(out, "{told}")?;
    let kinds: serde_json::Map<String, serde_json::Value> = reading
        .kinds
        .iter()
        .map(|(kind, sum)| {
            let told = json!({
                "lines": sum.lines,
                "converted": major(sum.converted, digits),
                "fee": major(sum.fee, digits),
                "net": major(sum.net, digits),
            });
            ((*kind).to_owned(), told)
        })
        .collect();
    let sum = |of: fn(&galleria_app::statements::KindSum) -> i128| {
        major(reading.kinds.values().map(of).sum(), digits)
    };
    let totals = json!({ "totals": {
        "lines": reading.lines,
        "converted": sum(|kind| kind.converted),
        "fee": sum(|kind| kind.fee),
        "net": sum(|kind| kind.net),
        "kinds": kinds,
    }});
    writeln!(out, "{totals}")?;
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let lines = reading.next(PIECE).map_err(io::Error::other)?;
        if lines.is_empty() {
            return out.flush();
        }
        for line in lines {
            writeln!(out, "{}", object(&line, &header.currency, digits))?;
        }
    }
}

fn object(line: &StatementLine, paid_currency: &str, digits: u8) -> serde_json::Value {
    let word = match &line.kind {
        galleria_domain::StatementKind::Other(word) => word,
        kind => kind.word(),
    };
    json!({
        "row": line.row,
        "kind": word,
        "id": line.id,
        "psp_reference": line.psp_reference,
        "modification_reference": line.modification_reference,
        "merchant_reference": line.merchant_reference,
        "booked_at": line.booked_at,
        "currency": line.currency,
        "gross": major(line.gross.into(), line.minor_digits),
        "rate": line.rate.map(|rate| major(rate.unscaled.into(), rate.scale)),
        "paid_currency": paid_currency,
        "converted": major(line.converted.into(), digits),
        "fee": major(line.fee.into(), digits),
        "net": major(line.net.into(), digits),
        "attributes": line.attributes,
    })
}
