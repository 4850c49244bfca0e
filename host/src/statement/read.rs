//! `galleria statement read`: prints what a plugin reads in a file.

use super::args::Read;
use super::{SpoolResult, by_name, copy_to_spool, failed, loaded_names};
use crate::host::{self, ConfigArgs, ConfigErrors};
use crate::interrupt::{INTERRUPTED, stopped_by_ctrl_c};
use crate::{known, logs};
use anyhow::Context as _;
use galleria_app::settlement::{Reading, major, read, reading_context};
use galleria_config::Config;
use galleria_deliver::StatementVault;
use galleria_domain::StatementLine;
use galleria_domain::plugin::{ConfigError, Point, Slot};
use galleria_ports::clock::{Clock as _, SystemClock};
use galleria_ports::plugins::Plugins;
use galleria_ports::vault::Vault;
use serde_json::json;
use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Lines in one batch.
const PIECE: usize = 1_000;

/// Prints what the plugin reads in a file. It needs only the slot, so a missing secret is not an error here.
pub async fn run(config_args: &ConfigArgs, args: &Read) -> anyhow::Result<ExitCode> {
    let (config, errors) = host::configure_lenient(config_args)?;
    logs::start_quiet(config.host.log);
    let slots = config.slots();
    let slots = by_name(&slots, args.retailer.as_deref(), &args.plugin);
    // An error of a retailer may hide its slot.
    let concerns = |retailer: &&galleria_config::Retailer| match slots.first() {
        Some(slot) => slot.retailer == retailer.name,
        None => args
            .retailer
            .as_ref()
            .is_none_or(|name| *name == retailer.name),
    };
    let of_retailers = config.retailers.iter().filter(concerns);
    let of_retailers = of_retailers.flat_map(|retailer| retailer.errors.clone());
    let of_secrets = |error: &ConfigError| error.key.starts_with("secrets.");
    let wrong = errors.into_iter().chain(of_retailers);
    let wrong: Vec<_> = wrong.filter(|one| !of_secrets(one)).collect();
    if !wrong.is_empty() {
        return Err(ConfigErrors(wrong).into());
    }
    let slot = one_of(&config, slots, args)?;
    let generation = host::load(&config.host, vec![slot])?;
    let plugin = generation.all().into_iter().next();
    let plugin = plugin.filter(|plugin| plugin.inspection.exports.contains(&Point::ReadStatement));
    let plugin = plugin.with_context(|| {
        format!(
            "{} does not export read-statement",
            loaded_names(&generation)
        )
    })?;
    // The spool is temporary: it disappears with its folder.
    let folder = tempfile::tempdir().context("creating a temporary folder")?;
    let vault = StatementVault::open(folder.path(), config.host.statements.max_bytes)?;
    let name = args
        .file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let stop = stopped_by_ctrl_c()?;
    let spool = match copy_to_spool(&args.file, vault.spool(&name)?, &stop)? {
        SpoolResult::Complete(spool) => spool,
        SpoolResult::Failed(error) => return failed(error),
    };
    let cx = reading_context(&plugin, spool.digest().0.as_str(), SystemClock.now());
    let (source, scratch) = (spool.source()?, vault.scratch()?);
    let plugins: Arc<dyn Plugins> = Arc::new(generation);
    let flag = Arc::clone(&stop);
    let reading =
        tokio::task::spawn_blocking(move || read(&*plugins, &plugin, &cx, source, scratch, flag));
    match reading.await.context("reading")? {
        Ok(reading) => match print(reading, &stop) {
            // A reader that needs only the first lines, such as `head`, closes the pipe.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                Ok(ExitCode::from(INTERRUPTED))
            }
            printed => printed.map(|()| ExitCode::SUCCESS).context("printing"),
        },
        Err(error) => failed(error),
    }
}

/// Returns the only slot, or one of several with the same component and settings.
fn one_of(config: &Config, slots: Vec<&Slot>, args: &Read) -> anyhow::Result<Slot> {
    let Some(first) = slots.first() else {
        if let Some(name) = &args.retailer {
            let known = config.retailers.iter().map(|one| one.name.as_str());
            known::one_of("retailer", name, known)?;
        }
        let slots = config.slots();
        let named = slots.iter().filter(|slot| {
            let retailer = args.retailer.as_ref();
            retailer.is_none_or(|name| slot.retailer == *name)
        });
        let names: BTreeSet<&str> = named
            .flat_map(|slot| [&*slot.name, &*slot.plugin])
            .collect();
        known::one_of("plugin", &args.plugin, names)?;
        anyhow::bail!("there is no plugin {}", args.plugin);
    };
    let same = slots
        .iter()
        .all(|slot| (&slot.component, &slot.settings) == (&first.component, &first.settings));
    anyhow::ensure!(
        same,
        "several slots have the name {} and different settings: add --retailer with one of {}",
        args.plugin,
        slots
            .iter()
            .map(|slot| slot.retailer.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    );
    Ok((*first).clone())
}

/// Prints the reading. Fails with `ErrorKind::Interrupted` after Ctrl-C.
fn print(mut reading: Reading, stop: &AtomicBool) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let header = reading.header.clone();
    let digits = header.minor_digits;
    let header_object = json!({ "header": {
        "provider": header.provider,
        "account": header.account,
        "reference": header.reference,
        "currency": header.currency,
        "minor_digits": digits,
        "paid_on": header.paid_on,
        "total": header.total.map(|total| major(total.into(), digits)),
        "attributes": header.attributes,
    }});
    writeln!(out, "{header_object}")?;
    let kinds: serde_json::Map<String, serde_json::Value> = reading
        .kinds
        .iter()
        .map(|(kind, sum)| {
            let object = json!({
                "lines": sum.lines,
                "converted": major(sum.converted, digits),
                "fee": major(sum.fee, digits),
                "net": major(sum.net, digits),
            });
            ((*kind).to_owned(), object)
        })
        .collect();
    let sum = |of: fn(&galleria_app::settlement::KindSum) -> i128| {
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
