//! Turns slots into a generation: inspects and compiles components, and checks grants and settings.
//! Reports the errors of all slots together.

use crate::bindings::types as guest;
use crate::compiled::Compiled;
use crate::convert::{IntoDomain, ToGuest as _};
use crate::engine::{Engine, Inner};
use crate::generation::{Generation, LinkedPlugin};
use crate::inspect::{ComponentFile, inspect};
use crate::invoke::{CallSpec, call_guest};
use crate::plugin_log::Author;
use crate::printable::printable;
use galleria_domain::Problem;
use galleria_domain::plugin::{Capability, ConfigError, Point, Slot};
use galleria_ports::plugins::Streams;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// The time that a settings check reads from the clock.
const CHECK_TIME: &str = "1970-01-01T00:00:00.000+00:00";

/// Problems reported for one settings text; a plugin could return thousands.
const MAX_PROBLEMS: usize = 50;

/// Maximum bytes of the message of a component that does not load: it quotes names of the component.
const LOAD_BYTES: usize = 2 << 10;

/// Maximum bytes of a problem's field, and of its message.
const PROBLEM_BYTES: usize = 1 << 10;

/// The compiled component of a file, or why it does not load. Slots share both: otherwise each of them would repeat
/// a compilation that fails at its limit.
type Compilation = OnceLock<Result<Arc<Compiled>, String>>;

impl Engine {
    /// Loads the plugins of a configuration, or returns all errors.
    pub fn load(&self, slots: Vec<Slot>) -> Result<Generation, Vec<ConfigError>> {
        let (generation, errors) = self.load_each(slots);
        match errors.is_empty() {
            true => Ok(generation),
            false => Err(errors),
        }
    }

    /// Loads the plugins of a configuration that have no errors, and returns all errors of the others. Slots that
    /// share a file share the compiled component.
    pub fn load_each(&self, slots: Vec<Slot>) -> (Generation, Vec<ConfigError>) {
        let mut paths: Vec<PathBuf> = slots.iter().map(|slot| slot.component.clone()).collect();
        paths.sort();
        paths.dedup();
        let threads = self.threads();
        let read = in_parallel(threads, &paths, |path| inspect(path));
        let read = read.into_iter().map(|file| (file, OnceLock::new()));
        let files: BTreeMap<&Path, (Result<ComponentFile, ConfigError>, Compilation)> =
            paths.iter().map(PathBuf::as_path).zip(read).collect();

        let prepared = in_parallel(threads, &slots, |slot| {
            match &files[slot.component.as_path()] {
                (Ok(file), compilation) => prepare(&self.0, slot, file, compilation),
                (Err(error), _) => Err(vec![error.clone()]),
            }
        });
        let mut linked = Vec::with_capacity(slots.len());
        let mut errors: Vec<ConfigError> = Vec::new();
        for (slot, prepared) in slots.into_iter().zip(prepared) {
            match prepared {
                Ok(compiled) => linked.push(self.linked(slot, compiled)),
                // Slots that share a file share its errors.
                Err(slot_errors) => {
                    for error in slot_errors {
                        if !errors.contains(&error) {
                            errors.push(error);
                        }
                    }
                }
            }
        }
        (Generation::new(linked), errors)
    }

    /// The number of threads: one for each core, limited by the size of the pool.
    fn threads(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let pool = usize::try_from(self.0.config.calls_at_once).unwrap_or(usize::MAX);
        cores.min(pool).max(1)
    }

    fn linked(&self, slot: Slot, compiled: Arc<Compiled>) -> LinkedPlugin {
        let ceiling = &self.0.config.ceiling;
        LinkedPlugin {
            call_limits: slot.call_limits.with(*ceiling, u64::min),
            run_limits: slot.run_limits.with(*ceiling, u64::min),
            rights: Arc::new(slot.rights()),
            keys: Arc::new(slot.keys.clone()),
            engine: self.clone(),
            slot: Arc::new(slot),
            compiled,
        }
    }
}

fn prepare(
    engine: &Inner,
    slot: &Slot,
    file: &ComponentFile,
    compilation: &Compilation,
) -> Result<Arc<Compiled>, Vec<ConfigError>> {
    let mut errors = check_rights(slot, file);
    let inspection = &file.inspection;
    let is_served = inspection.exports.iter().all(|point| point.is_served())
        && inspection.imports.iter().all(|import| import.is_served());
    // A component that needs more than the host serves cannot be linked. Missing rights change nothing about that.
    if !is_served {
        return Err(errors);
    }
    let compiled = compilation.get_or_init(|| {
        engine.compiled(slot, file).map_err(|error| {
            let message = format!(
                "plugin {}: the component does not load: {error:#}",
                slot.plugin
            );
            printable(&message, LOAD_BYTES)
        })
    });
    let compiled = match compiled {
        Ok(compiled) => Arc::clone(compiled),
        Err(message) => {
            errors.push(ConfigError::new(&slot.component, "", message.clone()));
            return Err(errors);
        }
    };
    let schedules = schedules(slot, file);
    for settings in slot.all_settings() {
        errors.extend(check_settings(
            engine, slot, &compiled, settings, &schedules,
        ));
    }
    if errors.is_empty() {
        Ok(compiled)
    } else {
        Err(errors)
    }
}

/// Finds imports that `plugin.toml` does not request, requests without a grant, and points and
/// capabilities that this host does not serve.
fn check_rights(slot: &Slot, file: &ComponentFile) -> Vec<ConfigError> {
    let plugin = &slot.plugin;
    let manifest = slot.component.with_file_name("plugin.toml");
    let mut errors = Vec::new();
    let requested = |capability: &Capability| {
        *capability == Capability::Log || slot.asks.capabilities.contains(capability)
    };
    for import in file.inspection.imports.iter().filter(|i| !requested(i)) {
        errors.push(ConfigError::new(
            &manifest,
            "asks.capabilities",
            format!("plugin {plugin} imports \"{import}\" without requesting it: add it here"),
        ));
    }
    for point in file.inspection.exports.iter().filter(|p| !p.is_served()) {
        errors.push(ConfigError::new(
            &slot.component,
            "",
            format!(
                "plugin {plugin} exports \"{point}\", which this version of the host does not call: \
                 build it without this extension point"
            ),
        ));
    }
    let needed = &file.inspection.imports | &slot.asks.capabilities;
    for capability in needed.into_iter().filter(|c| !c.is_served()) {
        errors.push(ConfigError::new(
            &manifest,
            "asks.capabilities",
            format!(
                "plugin {plugin} needs capability \"{capability}\", \
                 which this version of the host does not serve"
            ),
        ));
    }
    for missing in slot.asks.missing_from(&slot.grants) {
        errors.push(ConfigError::new(
            &slot.file,
            format!("plugins.{}.grants", slot.name),
            format!(
                "plugin {plugin} requests {missing} without a grant: grant it here or remove the plugin"
            ),
        ));
    }
    errors
}

/// The schedules of a slot. A schedule without a point runs the component's only one; otherwise it is omitted, because
/// another check reports it.
fn schedules(slot: &Slot, file: &ComponentFile) -> Vec<guest::RunSchedule> {
    let exports = &file.inspection.exports;
    let runs = |point: &&Point| galleria_domain::schedule::POINTS.contains(*point);
    let only = exports.iter().find(runs);
    let resolved = slot.schedules.iter().filter_map(|schedule| {
        let point = schedule.point.or(only.copied())?;
        Some(schedule.with_windows(point).to_guest())
    });
    resolved.collect()
}

/// Lets the plugin check a settings text.
fn check_settings(
    engine: &Inner,
    slot: &Slot,
    compiled: &Compiled,
    settings: &str,
    schedules: &[guest::RunSchedule],
) -> Vec<ConfigError> {
    let spec = CallSpec {
        compiled,
        limits: slot.call_limits.with(engine.config.ceiling, u64::min),
        // A check of settings may only write log lines.
        rights: Arc::default(),
        keys: Arc::default(),
        author: Author {
            retailer: slot.retailer.clone(),
            slot: slot.name.clone(),
            event: "settings.check".into(),
            store: String::new(),
        },
        occurred_at: CHECK_TIME,
        streams: Streams::default(),
        sensitive: false,
    };
    let called = call_guest(&engine.ticker, spec, |store, instance| {
        compiled.points.check_types(store, instance)?;
        let point = compiled.points.settings.load(&mut *store, instance)?;
        let problems: Vec<guest::Problem> = point.call_check(&mut *store, settings, schedules)?;
        Ok(Ok(problems))
    });
    match called.outcome {
        Ok(problems) => problems
            .into_iter()
            .take(MAX_PROBLEMS)
            .map(|problem| {
                let problem: Problem = problem.into_domain();
                let problem = Problem {
                    row: problem.row,
                    field: printable(&problem.field, PROBLEM_BYTES),
                    message: printable(&problem.message, PROBLEM_BYTES),
                };
                ConfigError::in_settings(slot, &problem)
            })
            .collect(),
        Err(fault) => vec![ConfigError::new(
            &slot.file,
            format!("plugins.{}.settings", slot.name),
            format!(
                "plugin {} failed to check its settings: {fault}",
                slot.plugin
            ),
        )],
    }
}

/// Runs `work` for each item on up to `threads` threads. Returns the results in the order of the items.
pub fn in_parallel<T: Sync, R: Send>(
    threads: usize,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..threads.min(items.len()) {
            scope.spawn(|| {
                while let Some((index, item)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    items.get(index).map(|item| (index, item))
                } {
                    let result = work(item);
                    let mut done = done
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner);
                    done.insert(index, result);
                }
            });
        }
    });
    done.into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .into_values()
        .collect()
}
