//! The retailers of a process: each serves with its plugins, or is out of service with its errors.

use galleria_app::runs;
use galleria_app::settlement::check_pickups;
use galleria_config::{Config, HostConfig, Retailer};
use galleria_domain::plugin::{ConfigError, Slot};
use galleria_domain::{Context, Decision, MatchingRules, Member, Pickup, Totals};
use galleria_engine::{Engine, Generation};
use galleria_ports::plugins::{
    Argument, CallOutcome, LoadedPlugin, OutOfService, Plugins, RetailerFolders, Stream, Streams,
    not_served,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

/// The retailers of a process, by name.
pub struct Retailers {
    /// The names of the host's directories.
    directories: Vec<String>,
    current: RwLock<Arc<BTreeMap<String, State>>>,
}

/// A retailer as it was loaded.
#[derive(Clone)]
struct State {
    /// Its plugins; `None` if none was loaded.
    generation: Option<Generation>,
    pickups: Vec<Pickup>,
    matching: Option<MatchingRules>,
    /// Empty unless it is out of service.
    errors: Vec<ConfigError>,
}

impl State {
    /// A retailer whose plugins are not loaded, because a command does not call them.
    fn without_plugins(retailer: &Retailer) -> Self {
        Self {
            generation: None,
            pickups: retailer.pickups.clone(),
            matching: retailer.matching.clone(),
            errors: Vec::new(),
        }
    }

    fn load(engine: &Engine, retailer: &Retailer) -> Self {
        let (generation, errors) = match load(engine, retailer) {
            Ok(generation) => (Some(generation), Vec::new()),
            Err(errors) => (None, errors),
        };
        Self {
            generation,
            errors,
            ..Self::without_plugins(retailer)
        }
    }

    fn is_out_of_service(&self) -> bool {
        !self.errors.is_empty()
    }
}

impl Retailers {
    /// Loads all retailers of a configuration. An error of one retailer does not affect another.
    pub fn load(engine: &Engine, config: &Config) -> Self {
        Self::new(config, |retailer| State::load(engine, retailer))
    }

    /// The retailers without their plugins.
    pub fn without_plugins(config: &Config) -> Self {
        Self::new(config, State::without_plugins)
    }

    /// The retailers with some slots of one retailer, or all errors of that retailer.
    pub fn with_slots(
        engine: &Engine,
        config: &Config,
        name: &str,
        slots: &[Slot],
    ) -> Result<Self, Vec<ConfigError>> {
        let mut errors = Vec::new();
        let retailers = Self::new(config, |retailer| {
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
        match errors.is_empty() {
            true => Ok(retailers),
            false => Err(errors),
        }
    }

    fn new(config: &Config, state: impl FnMut(&Retailer) -> State) -> Self {
        let names = config.retailers.iter().map(|one| one.name.clone());
        let states = config.retailers.iter().map(state);
        Self {
            directories: directories(&config.host),
            current: RwLock::new(Arc::new(names.zip(states).collect())),
        }
    }

    fn current(&self) -> Arc<BTreeMap<String, State>> {
        let current = self.current.read();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
    }

    /// Logs the retailers that are out of service.
    pub fn log(&self) {
        for one in self.out_of_service() {
            tracing::error!(
                retailer = one.retailer,
                "retailer out of service, its events wait: {}",
                one.errors.join("; ")
            );
        }
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
    let mut errors = retailer.errors.clone();
    // A secret changes nothing about the other checks. Any other error could cause errors that only follow from it.
    if errors
        .iter()
        .any(|error| !error.key.starts_with("secrets."))
    {
        return Err(errors);
    }
    let generation = match engine.load(retailer.slots.clone()) {
        Ok(generation) => generation,
        Err(more) => {
            errors.extend(more);
            return Err(errors);
        }
    };
    errors.extend(runs::check(&generation));
    errors.extend(check_pickups(&retailer.pickups, &generation));
    match errors.is_empty() {
        true => Ok(generation),
        false => Err(errors),
    }
}

fn directories(host: &HostConfig) -> Vec<String> {
    host.directories.keys().cloned().collect()
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

    fn out_of_service(&self) -> Vec<OutOfService> {
        let current = self.current();
        let broken = current
            .iter()
            .filter(|(_, state)| state.is_out_of_service());
        let broken = broken.map(|(name, state)| OutOfService {
            retailer: name.clone(),
            errors: state.errors.iter().map(ToString::to_string).collect(),
        });
        broken.collect()
    }

    fn is_out_of_service(&self, retailer: &str) -> bool {
        let current = self.current();
        current.get(retailer).is_some_and(State::is_out_of_service)
    }

    fn folders(&self) -> RetailerFolders {
        let mut folders = RetailerFolders::default();
        for (name, state) in self.current().iter() {
            if state.is_out_of_service() {
                // Its pickups and grants are unknown: report no file of it.
                let all = self.directories.iter();
                let all = all.map(|directory| (name.clone(), directory.clone()));
                folders.outputs.extend(all);
                continue;
            }
            folders.pickups.extend(state.pickups.iter().cloned());
            for loaded in state.generation.iter().flat_map(Plugins::all) {
                let granted = loaded.slot.grants.directories.iter();
                let granted = granted.map(|directory| (name.clone(), directory.clone()));
                folders.outputs.extend(granted);
            }
        }
        folders
    }

    fn matching(&self, retailer: &str) -> Option<MatchingRules> {
        match self.current().get(retailer) {
            Some(state) => state.matching.clone(),
            None => Some(MatchingRules::default()),
        }
    }

    fn unmatchable(&self) -> Vec<String> {
        let current = self.current();
        let unknown = current.iter().filter(|(_, state)| state.matching.is_none());
        unknown.map(|(name, _)| name.clone()).collect()
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
