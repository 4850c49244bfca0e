//! The retailers of a process: each serves with its plugins, or is out of service with its errors.

use crate::environment;
use galleria_app::runs;
use galleria_app::settlement::check_pickups;
use galleria_config::{Config, Retailer};
use galleria_domain::plugin::{ConfigError, Slot};
use galleria_domain::{Context, Decision, MatchingRules, Member, Pickup, Totals};
use galleria_engine::{Engine, Generation, in_parallel};
use galleria_ports::Error;
use galleria_ports::plugins::{
    Argument, CallOutcome, LoadState, LoadedPlugin, Plugins, RetailerFolders, RetailerLoad, Stream,
    Streams, not_served,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

/// The retailers of a process, by name.
pub struct Retailers {
    config: Config,
    current: RwLock<Arc<BTreeMap<String, State>>>,
}

/// A retailer as it was loaded.
#[derive(Clone)]
pub struct State {
    /// Its plugins; `None` if none was loaded.
    generation: Option<Generation>,
    pickups: Vec<Pickup>,
    /// The directories to which its plugins may write.
    outputs: BTreeSet<String>,
    matching: Option<MatchingRules>,
    /// How the last load ended.
    state: LoadState,
    /// The errors of the last load.
    errors: Vec<ConfigError>,
    /// Whether it has stores and no folder that this process has read.
    is_unknown: bool,
}

impl State {
    /// A retailer whose plugins are not loaded.
    fn read(retailer: &Retailer, state: LoadState) -> Self {
        let slots = retailer.slots.iter();
        let outputs = slots.flat_map(|slot| slot.grants.directories.iter().cloned());
        Self {
            generation: None,
            pickups: retailer.pickups.clone(),
            outputs: outputs.collect(),
            matching: retailer.matching.clone(),
            state,
            errors: Vec::new(),
            is_unknown: false,
        }
    }

    /// A retailer whose plugins are not loaded, because a command does not call them.
    fn without_plugins(retailer: &Retailer) -> Self {
        match retailer.errors.is_empty() {
            true => Self::read(retailer, LoadState::Serving),
            false => Self {
                errors: retailer.errors.clone(),
                ..Self::read(retailer, LoadState::OutOfService)
            },
        }
    }

    fn load(engine: &Engine, retailer: &Retailer) -> Self {
        match load(engine, retailer) {
            Ok(generation) => Self {
                generation: Some(generation),
                ..Self::read(retailer, LoadState::Serving)
            },
            Err(errors) => Self {
                errors,
                ..Self::read(retailer, LoadState::OutOfService)
            },
        }
    }

    /// A retailer that could not be read.
    fn unread(error: ConfigError) -> Self {
        Self {
            errors: vec![error],
            ..Self::empty(LoadState::OutOfService)
        }
    }

    fn empty(state: LoadState) -> Self {
        Self {
            generation: None,
            pickups: Vec::new(),
            outputs: BTreeSet::new(),
            matching: None,
            state,
            errors: Vec::new(),
            is_unknown: false,
        }
    }

    /// The state after a reload: `newer`, unless its errors would end the service of this one.
    fn reloaded(&self, newer: Self) -> Self {
        match (self.state, newer.state) {
            (_, LoadState::Serving) => newer,
            (LoadState::Loading | LoadState::OutOfService, _) => Self {
                // Statements are matched with the last rules that could be read.
                matching: newer.matching.or(self.matching.clone()),
                ..newer
            },
            (LoadState::Serving | LoadState::ReloadFailed, _) => Self {
                state: LoadState::ReloadFailed,
                errors: newer.errors,
                ..self.clone()
            },
        }
    }

    fn outcome(&self, retailer: &str) -> RetailerLoad {
        RetailerLoad {
            retailer: retailer.to_owned(),
            state: self.state,
            errors: self.errors.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Retailers {
    /// Loads all retailers of a configuration. An error of one retailer does not affect another.
    pub fn load(engine: &Engine, config: &Config) -> Self {
        let threads = config.host.compilation.at_once;
        let load = |retailer: &Retailer| State::load(engine, retailer);
        Self::new(config, in_parallel(threads, &config.retailers, load))
    }

    /// The retailers of a process that starts: it loads each of them with [`Self::load_first`].
    pub fn loading(config: &Config) -> Self {
        let retailers = config.retailers.iter();
        let states = retailers.map(|retailer| State::read(retailer, LoadState::Loading));
        Self::new(config, states)
    }

    /// The retailers without their plugins.
    pub fn without_plugins(config: &Config) -> Self {
        let states = config.retailers.iter().map(State::without_plugins);
        Self::new(config, states)
    }

    /// The retailers with some slots of one retailer, or all errors of that retailer.
    pub fn with_slots(
        engine: &Engine,
        config: &Config,
        name: &str,
        slots: &[Slot],
    ) -> Result<Self, Vec<ConfigError>> {
        let mut errors = Vec::new();
        let states = config.retailers.iter().map(|retailer| {
            let mut state = State::without_plugins(retailer);
            if retailer.name == name {
                errors.extend(retailer.errors.iter().cloned());
                match engine.load(slots.to_vec()) {
                    Ok(generation) => state.generation = Some(generation),
                    Err(more) => errors.extend(more),
                }
            }
            state
        });
        let retailers = Self::new(config, states);
        match errors.is_empty() {
            true => Ok(retailers),
            false => Err(errors),
        }
    }

    fn new(config: &Config, states: impl IntoIterator<Item = State>) -> Self {
        let names = config.retailers.iter().map(|one| one.name.clone());
        Self {
            config: config.clone(),
            current: RwLock::new(Arc::new(names.zip(states).collect())),
        }
    }

    /// Loads a retailer as its files were read at the start, which may take minutes.
    pub fn load_first(&self, engine: &Engine, name: &str) -> State {
        let retailer = self.config.retailers.iter().find(|one| one.name == name);
        match retailer {
            Some(retailer) => State::load(engine, retailer),
            None => State::unread(self.error(name, "unknown retailer: restore its folder")),
        }
    }

    /// Loads a retailer again from its files, which may take minutes.
    pub fn load_again(&self, engine: &Engine, name: &str) -> State {
        match self.config.read_again(name, &environment::read()) {
            Ok(retailer) => State::load(engine, &retailer),
            Err(error) => State::unread(error),
        }
    }

    /// Replaces a retailer by a newer one. Calls and runs in progress end with the plugins that they began with. If the
    /// newer one has errors, a retailer that served serves on with what it had.
    pub fn replace(&self, name: &str, newer: State) -> RetailerLoad {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let newer = match current.get(name) {
            Some(before) => before.reloaded(newer),
            None => newer,
        };
        let outcome = newer.outcome(name);
        // Replace the map: a reader may still use it.
        let mut states = BTreeMap::clone(&current);
        states.insert(name.to_owned(), newer);
        *current = Arc::new(states);
        outcome
    }

    /// Records that a load of a retailer ended without a result.
    pub fn load_failed(&self, name: &str, reason: &str) -> RetailerLoad {
        self.replace(name, State::unread(self.error(name, reason)))
    }

    /// Notes that a retailer is being loaded, if this process has not read its folder before.
    pub fn note_loading(&self, name: &str) -> Option<RetailerLoad> {
        let current = self.current();
        let is_known = current.get(name).is_some_and(|state| !state.is_unknown);
        (!is_known).then(|| self.replace(name, State::empty(LoadState::Loading)))
    }

    /// Notes a retailer that has stores, and no folder that this process has read.
    pub fn note_unknown(&self, name: &str) -> RetailerLoad {
        let message = format!(
            "this process has not read the folder of the retailer, which has stores: create it if it is missing, then \
             run `galleria retailer reload {name}`"
        );
        let state = State {
            is_unknown: true,
            ..State::unread(self.error(name, &message))
        };
        self.replace(name, state)
    }

    fn error(&self, name: &str, message: &str) -> ConfigError {
        ConfigError::new(self.config.host.retailers.join(name), "", message)
    }

    fn current(&self) -> Arc<BTreeMap<String, State>> {
        let current = self.current.read();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
    }

    /// The errors of all retailers that are out of service. Retailers that share a plugin share its errors.
    pub fn errors(&self) -> Vec<ConfigError> {
        let mut errors: Vec<ConfigError> = Vec::new();
        for error in self.current().values().flat_map(|state| &state.errors) {
            if !errors.contains(error) {
                errors.push(error.clone());
            }
        }
        errors
    }

    fn call<T>(
        &self,
        plugin: &LoadedPlugin,
        call: impl FnOnce(&Generation) -> CallOutcome<T>,
    ) -> CallOutcome<T> {
        let current = self.current();
        let state = current.get(&plugin.slot.retailer);
        match state.and_then(|state| state.generation.as_ref()) {
            Some(generation) => call(generation),
            None => not_served(plugin),
        }
    }
}

/// Loads the plugins of a retailer and checks its schedules and pickups, or returns all errors of the retailer.
fn load(engine: &Engine, retailer: &Retailer) -> Result<Generation, Vec<ConfigError>> {
    let (generation, mut more) = engine.load_each(retailer.slots.clone());
    more.extend(runs::check(&generation));
    more.extend(check_pickups(&retailer.pickups, &generation));
    more.retain(|error| !retailer.errors.iter().any(|known| follows(error, known)));
    let errors = [retailer.errors.clone(), more].concat();
    match errors.is_empty() {
        true => Ok(generation),
        false => Err(errors),
    }
}

/// Whether an error may only follow from a known one: they concern one key, or a key and a part of its value. A
/// rejected value counts as absent.
fn follows(error: &ConfigError, known: &ConfigError) -> bool {
    let contains = |outer: &str, inner: &str| {
        let rest = inner.strip_prefix(outer);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    error.file == known.file
        && (contains(&error.key, &known.key) || contains(&known.key, &error.key))
}

impl Plugins for Retailers {
    fn all(&self) -> Vec<LoadedPlugin> {
        let current = self.current();
        let generations = current
            .values()
            .filter_map(|state| state.generation.as_ref());
        generations.flat_map(Plugins::all).collect()
    }

    fn of_retailer(&self, retailer: &str) -> Vec<LoadedPlugin> {
        let current = self.current();
        let generation = current
            .get(retailer)
            .and_then(|state| state.generation.as_ref());
        generation.map(Plugins::all).unwrap_or_default()
    }

    fn retailers(&self) -> BTreeSet<String> {
        self.current().keys().cloned().collect()
    }

    fn loads(&self) -> Vec<RetailerLoad> {
        let current = self.current();
        let loads = current.iter().map(|(name, state)| state.outcome(name));
        loads.collect()
    }

    fn is_out_of_service(&self, retailer: &str) -> bool {
        let current = self.current();
        let state = current.get(retailer);
        state.is_some_and(|state| state.state.is_out_of_service() && !state.is_unknown)
    }

    fn is_unavailable(&self, retailer: &str) -> bool {
        let current = self.current();
        let state = current.get(retailer);
        state.is_none_or(|state| state.state.is_out_of_service())
    }

    fn has_folder(&self, retailer: &str) -> Result<bool, Error> {
        let has_folder = self.config.has_folder(retailer);
        has_folder.map_err(|error| Error::records("reading the folder of retailers", error))
    }

    fn folders(&self) -> RetailerFolders {
        let mut folders = RetailerFolders::default();
        for (name, state) in self.current().iter() {
            if state.state.is_out_of_service() {
                // Its pickups and grants are unknown: report no file of it.
                let all = self.config.host.directories.keys();
                let all = all.map(|directory| (name.clone(), directory.clone()));
                folders.outputs.extend(all);
                continue;
            }
            folders.pickups.extend(state.pickups.iter().cloned());
            let outputs = state.outputs.iter();
            let outputs = outputs.map(|directory| (name.clone(), directory.clone()));
            folders.outputs.extend(outputs);
        }
        folders
    }

    fn matching(&self, retailer: &str) -> Option<MatchingRules> {
        let current = self.current();
        current
            .get(retailer)
            .and_then(|state| state.matching.clone())
    }

    fn react(
        &self,
        plugin: &LoadedPlugin,
        cx: &Context,
        argument: &Argument,
    ) -> CallOutcome<Decision> {
        self.call(plugin, |generation| generation.react(plugin, cx, argument))
    }

    fn identify(
        &self,
        plugin: &LoadedPlugin,
        cx: &Context,
        code: &str,
    ) -> CallOutcome<Option<Member>> {
        self.call(plugin, |generation| generation.identify(plugin, cx, code))
    }

    fn run(
        &self,
        plugin: &LoadedPlugin,
        cx: &Context,
        run: &Stream,
        streams: Streams,
    ) -> CallOutcome<Totals> {
        self.call(plugin, |generation| {
            generation.run(plugin, cx, run, streams)
        })
    }
}

#[cfg(test)]
mod tests;
