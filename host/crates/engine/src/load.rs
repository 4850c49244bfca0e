//! From slots to a generation: inspected, held against the grants, compiled, their settings checked.
//! All mistakes of all slots are found before any is reported.

use crate::bindings::types as guest;
use crate::call::{Asked, ask};
use crate::capability::is_offered;
use crate::capability::log::Author;
use crate::compiled::Compiled;
use crate::config::clamped;
use crate::convert::IntoDomain;
use crate::engine::{Engine, Inner};
use crate::generation::{Generation, Linked};
use crate::inspect::{Inspected, inspect};
use galleria_app::plugins::{Loaded, Streams};
use galleria_domain::Problem;
use galleria_domain::plugin::{Capability, Mistake, Slot};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The moment a settings check sees: none.
const NO_MOMENT: &str = "1970-01-01T00:00:00.000+00:00";

/// Problems of one settings text that are told; a plugin could answer thousands.
const PROBLEMS_TOLD: usize = 50;

impl Engine {
    /// Loads the plugins of a configuration. Slots that share a file share the compiled component.
    pub fn load(&self, slots: Vec<Slot>) -> Result<Generation, Vec<Mistake>> {
        let mut paths: Vec<PathBuf> = slots.iter().map(|slot| slot.component.clone()).collect();
        paths.sort();
        paths.dedup();
        let threads = self.threads();
        let read = in_parallel(threads, &paths, |path| inspect(path));
        let files: BTreeMap<&Path, Result<Inspected, Mistake>> =
            paths.iter().map(PathBuf::as_path).zip(read).collect();

        let prepared = in_parallel(threads, &slots, |slot| {
            match &files[slot.component.as_path()] {
                Ok(inspected) => prepare(&self.0, slot, inspected),
                Err(mistake) => Err(vec![mistake.clone()]),
            }
        });
        let mut linked = Vec::with_capacity(slots.len());
        let mut mistakes: Vec<Mistake> = Vec::new();
        for (index, (slot, prepared)) in slots.into_iter().zip(prepared).enumerate() {
            match prepared {
                Ok(compiled) => linked.push(self.linked(index, slot, compiled)),
                // Slots that share a file share its mistakes.
                Err(found) => {
                    for mistake in found {
                        if !mistakes.contains(&mistake) {
                            mistakes.push(mistake);
                        }
                    }
                }
            }
        }
        if mistakes.is_empty() {
            Ok(Generation::new(self.clone(), linked))
        } else {
            Err(mistakes)
        }
    }

    /// As many as there are cores, and as many as the pool has room for.
    fn threads(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let room = usize::try_from(self.0.config.calls_at_once).unwrap_or(usize::MAX);
        cores.min(room).max(1)
    }

    fn linked(&self, index: usize, slot: Slot, compiled: Arc<Compiled>) -> Linked {
        let ceiling = &self.0.config.ceiling;
        Linked {
            call_limits: clamped(&slot.call_limits, ceiling),
            run_limits: clamped(&slot.run_limits, ceiling),
            rights: Arc::new(slot.rights()),
            keys: Arc::new(slot.keys.clone()),
            loaded: Loaded {
                inspection: Arc::clone(&compiled.inspection),
                slot: Arc::new(slot),
                index,
            },
            compiled,
        }
    }
}

fn prepare(
    engine: &Inner,
    slot: &Slot,
    inspected: &Inspected,
) -> Result<Arc<Compiled>, Vec<Mistake>> {
    let mistakes = mistaken_rights(slot, inspected);
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let compiled = engine.compiled(inspected).map_err(|error| {
        vec![Mistake::new(
            &slot.component,
            "",
            format!("cannot be loaded: {error:#}"),
        )]
    })?;
    let mistakes: Vec<Mistake> = slot
        .all_settings()
        .flat_map(|settings| mistaken_settings(engine, slot, &compiled, settings))
        .collect();
    if mistakes.is_empty() {
        Ok(compiled)
    } else {
        Err(mistakes)
    }
}

/// Imports that were not asked for, asks that were not granted, capabilities that are not there yet.
fn mistaken_rights(slot: &Slot, inspected: &Inspected) -> Vec<Mistake> {
    let plugin = &slot.plugin;
    let manifest = slot.component.with_file_name("plugin.toml");
    let mut mistakes = Vec::new();
    let asked = |capability: &Capability| {
        *capability == Capability::Log || slot.asks.capabilities.contains(capability)
    };
    for import in inspected.inspection.imports.iter().filter(|i| !asked(i)) {
        mistakes.push(Mistake::new(
            &manifest,
            "asks.capabilities",
            format!("plugin {plugin} imports \"{import}\" and does not ask for it: add it here"),
        ));
    }
    let wanted = &inspected.inspection.imports | &slot.asks.capabilities;
    for capability in wanted.into_iter().filter(|c| !is_offered(*c)) {
        mistakes.push(Mistake::new(
            &manifest,
            "asks.capabilities",
            format!(
                "plugin {plugin} needs capability \"{capability}\", \
                 which is not offered by this version of the host"
            ),
        ));
    }
    for missing in slot.asks.missing_from(&slot.grants) {
        mistakes.push(Mistake::new(
            &slot.file,
            format!("plugins.{}.grants", slot.name),
            format!("plugin {plugin} asks for {missing}, which is not granted: grant it here, or leave the plugin out"),
        ));
    }
    mistakes
}

/// What the plugin itself says about a settings text.
fn mistaken_settings(
    engine: &Inner,
    slot: &Slot,
    compiled: &Compiled,
    settings: &str,
) -> Vec<Mistake> {
    let asked = Asked {
        compiled,
        limits: clamped(&slot.call_limits, &engine.config.ceiling),
        // A check of settings may ask for nothing but lines in the log.
        rights: Arc::default(),
        keys: Arc::default(),
        author: Author {
            retailer: slot.retailer.clone(),
            slot: slot.name.clone(),
            event: "settings.check".into(),
            store: String::new(),
        },
        occurred_at: NO_MOMENT,
        streams: Streams::default(),
        sensitive: false,
    };
    let called = ask(&engine.ticker, asked, |store, instance| {
        compiled.points.check_types(store, instance)?;
        let point = compiled.points.settings.load(&mut *store, instance)?;
        let found: Vec<guest::Problem> = point.call_check(&mut *store, settings)?;
        Ok(Ok(found))
    });
    match called.outcome {
        Ok(found) => found
            .into_iter()
            .take(PROBLEMS_TOLD)
            .map(|problem| {
                let problem: Problem = problem.into_domain();
                Mistake::in_settings(slot, &problem)
            })
            .collect(),
        Err(fault) => vec![Mistake::new(
            &slot.file,
            format!("plugins.{}.settings", slot.name),
            format!(
                "plugin {} could not check its settings: {fault}",
                slot.plugin
            ),
        )],
    }
}

/// Does the work for each item on so many threads, and answers in the order of the items.
fn in_parallel<T: Sync, R: Send>(
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
