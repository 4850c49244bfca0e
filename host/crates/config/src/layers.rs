//! Merges layers of keys and reads them into a typed value, with all errors and not only the first.
//!
//! A key that cannot be read is reported and removed from its layer. Reading then starts again with the
//! value of the layer below, so that each error is found once and hides no other. A message names a
//! value only if it comes from a file or the command line, and never the value of a secret.

use crate::messages::{message, position};
use figment::error::{Actual, Error, Kind};
use figment::value::{Dict, Empty, Tag, Value};
use galleria_domain::Problem;
use galleria_domain::plugin::ConfigError;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The segments of a dotted key.
pub(crate) type Key = Vec<String>;

/// Keys from one source.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layer {
    /// The file, or the name of another source.
    file: PathBuf,
    keys: Dict,
    /// The source's own names of keys, if they differ from the dotted key.
    names: BTreeMap<Key, String>,
    /// The source contains only text: numbers and arrays are parsed from it.
    text_only: bool,
    /// The source may contain secrets under any name: messages do not contain its values.
    hide_values: bool,
    /// The layer contains defaults, which cause no errors.
    defaults: bool,
}

impl Layer {
    /// The environment.
    pub(crate) fn of_environment() -> Self {
        Self {
            file: "environment".into(),
            text_only: true,
            hide_values: true,
            ..Self::default()
        }
    }

    /// The command line.
    pub(crate) fn of_command_line() -> Self {
        Self {
            file: "command line".into(),
            text_only: true,
            ..Self::default()
        }
    }

    /// Marks the layer as defaults.
    pub(crate) fn into_defaults(mut self) -> Self {
        self.defaults = true;
        self
    }

    /// Parses a TOML file. Invalid TOML is one error, with line and column.
    pub(crate) fn of_toml(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let table: toml::Table = toml::from_str(text).map_err(|error| {
            let position = error
                .span()
                .map_or(String::new(), |span| position(text, span.start));
            let message = format!("{position}invalid TOML: {}", error.message());
            ConfigError::new(file, "", message)
        })?;
        Ok(Self {
            file: file.into(),
            keys: table.into_iter().map(|(k, v)| (k, value(v))).collect(),
            ..Self::default()
        })
    }

    /// Reads a TOML file from disk.
    pub(crate) fn of_file(file: &Path) -> Result<Self, ConfigError> {
        let text = galleria_files::read_text(file)
            .map_err(|error| ConfigError::new(file, "", error.to_string()))?;
        Self::of_toml(file, &text)
    }

    /// Sets a key to a text. `name` is the source's name of the key.
    pub(crate) fn set(&mut self, key: Key, name: &str, text: &str) {
        insert(&mut self.keys, &key, Value::from(text));
        self.names.insert(key, name.to_owned());
    }

    /// The names of the keys outside of tables.
    pub(crate) fn plain_keys(&self) -> Vec<&str> {
        let plain = self
            .keys
            .iter()
            .filter(|(_, value)| value.as_dict().is_none());
        plain.map(|(name, _)| name.as_str()).collect()
    }

    fn get(&self, key: &[String]) -> Option<&Value> {
        let (first, rest) = key.split_first()?;
        rest.iter()
            .try_fold(self.keys.get(first)?, |value, name| match value {
                Value::Dict(_, dict) => dict.get(name),
                Value::Array(_, items) => items.get(name.parse::<usize>().ok()?),
                _ => None,
            })
    }

    fn error(&self, key: &[String], message: String) -> ConfigError {
        // A whole table can be wrong: then the error names the first variable that sets a key in it.
        let name = self.names.iter().find(|(named, _)| named.starts_with(key));
        let name = name.map_or_else(|| key.join("."), |(_, name)| name.clone());
        ConfigError::new(&self.file, name, message)
    }

    /// Removes a key. An item of an array is replaced by an empty value, so that the indices of the others
    /// stay valid; if it is empty already, the whole array is removed.
    fn remove(&mut self, key: &[String]) {
        remove(&mut self.keys, key);
    }

    /// Replaces the text at a key by the number or array that it contains, if the key needs one. Returns
    /// whether it did.
    fn parse_text(&mut self, key: &Key, error: &Error) -> bool {
        let other_type = matches!(error.kind, Kind::InvalidType(Actual::Str(_), _));
        let Some(Value::String(_, text)) = self.get(key).filter(|_| self.text_only && other_type)
        else {
            return false;
        };
        match text.parse::<Value>() {
            Ok(Value::String(..)) | Err(_) => false,
            Ok(other) => {
                insert(&mut self.keys, key, other);
                true
            }
        }
    }
}

/// Layers; a later one overrides an earlier one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers(pub(crate) Vec<Layer>);

impl Layers {
    /// Reads the merged layers. Reports and removes every key that cannot be read. Returns nothing if
    /// the defaults alone cannot be read.
    pub(crate) fn read<T: DeserializeOwned>(&mut self, errors: &mut Vec<ConfigError>) -> Option<T> {
        loop {
            let mut merged = Dict::new();
            for layer in &self.0 {
                merge(&mut merged, &layer.keys);
            }
            if let Some(data) = self.data() {
                expand_data(&mut merged, &data);
            }
            let error = match T::deserialize(&Value::from(merged)) {
                Ok(read) => return Some(read),
                Err(error) => error,
            };
            let key = error.path.clone();
            let parsed = self
                .top(&key)
                .is_some_and(|layer| layer.parse_text(&key, &error));
            if parsed {
                continue;
            }
            let show = self.top(&key).is_some_and(|layer| !layer.hide_values);
            if !self.reject(&key, message(&error.kind, show), errors) {
                return None;
            }
        }
    }

    /// Reports the problems of a validation and removes their keys. Returns whether it removed any.
    pub(crate) fn reject_all(
        &mut self,
        problems: &[Problem],
        errors: &mut Vec<ConfigError>,
    ) -> bool {
        problems.iter().fold(false, |any, problem| {
            let key: Key = problem.field.split('.').map(str::to_owned).collect();
            self.reject(&key, problem.message.clone(), errors) || any
        })
    }

    /// The value of `data` in the topmost layer in which it is text.
    fn data(&self) -> Option<String> {
        let mut layers = self.0.iter().rev();
        layers.find_map(|layer| layer.keys.get("data")?.as_str().map(str::to_owned))
    }

    fn top(&mut self, key: &[String]) -> Option<&mut Layer> {
        let mut layers = self.0.iter_mut().rev();
        layers.find(|layer| !layer.defaults && layer.get(key).is_some())
    }

    fn reject(&mut self, key: &[String], message: String, errors: &mut Vec<ConfigError>) -> bool {
        let Some(layer) = self.top(key) else {
            // No source sets the key: the first file is the place to set it.
            let first = self.0.iter().find(|layer| !layer.defaults);
            let file = first.map_or(Path::new("host.toml"), |layer| &layer.file);
            let error = ConfigError::new(file, key.join("."), message);
            // A value that was rejected and removed causes no second error.
            if errors.iter().all(|other| other.key != error.key) {
                errors.push(error);
            }
            return false;
        };
        let error = layer.error(key, message);
        // An empty item takes the place of one that was reported.
        let reported = matches!(layer.get(key), Some(Value::Empty(..)));
        layer.remove(key);
        if !reported && !errors.contains(&error) {
            errors.push(error);
        }
        true
    }
}

/// Replaces `{data}` at the beginning of paths by the value of `data`. Other places keep it: a password
/// may contain braces.
fn expand_data(keys: &mut Dict, data: &str) {
    const DATA: &str = "{data}";
    const PREFIXES: [&str; 2] = ["", "sqlite://"];
    fn expand(value: &mut Value, data: &str) {
        match value {
            Value::String(_, text) => {
                let rest = PREFIXES.iter().find_map(|prefix| {
                    let rest = text.strip_prefix(prefix)?.strip_prefix(DATA)?;
                    Some(format!("{prefix}{data}{rest}"))
                });
                if let Some(expanded) = rest {
                    *text = expanded;
                }
            }
            Value::Dict(_, keys) => keys.values_mut().for_each(|value| expand(value, data)),
            _ => {}
        }
    }
    let others = keys.iter_mut().filter(|(name, _)| *name != "data");
    others.for_each(|(_, value)| expand(value, data));
}

fn value(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(truth) => Value::from(truth),
        // JSON has no dates: RFC 3339 text takes their place.
        toml::Value::Datetime(date) => Value::from(date.to_string()),
        toml::Value::Array(items) => {
            Value::Array(Tag::Default, items.into_iter().map(self::value).collect())
        }
        toml::Value::Table(table) => Value::Dict(
            Tag::Default,
            table
                .into_iter()
                .map(|(k, v)| (k, self::value(v)))
                .collect(),
        ),
    }
}

fn insert(dict: &mut Dict, key: &[String], value: Value) {
    match key {
        [] => {}
        [last] => {
            dict.insert(last.clone(), value);
        }
        [first, rest @ ..] => {
            let inner = dict
                .entry(first.clone())
                .or_insert_with(|| Value::Dict(Tag::Default, Dict::new()));
            if !matches!(inner, Value::Dict(..)) {
                *inner = Value::Dict(Tag::Default, Dict::new());
            }
            if let Value::Dict(_, inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

fn remove(dict: &mut Dict, key: &[String]) {
    let Some((first, rest)) = key.split_first() else {
        return;
    };
    match dict.get_mut(first) {
        Some(Value::Dict(_, inner)) if !rest.is_empty() => remove(inner, rest),
        Some(Value::Array(_, items)) if rest.len() > 1 => {
            let item = rest[0]
                .parse::<usize>()
                .ok()
                .and_then(|at| items.get_mut(at));
            if let Some(Value::Dict(_, inner)) = item {
                remove(inner, &rest[1..]);
            } else {
                dict.remove(first);
            }
        }
        Some(Value::Array(_, items)) if rest.len() == 1 => {
            let item = rest[0]
                .parse::<usize>()
                .ok()
                .and_then(|at| items.get_mut(at));
            match item {
                Some(item) if !matches!(item, Value::Empty(..)) => {
                    *item = Value::Empty(Tag::Default, Empty::None);
                }
                _ => {
                    dict.remove(first);
                }
            }
        }
        _ => {
            dict.remove(first);
        }
    }
}

fn merge(under: &mut Dict, over: &Dict) {
    for (key, value) in over {
        match (under.get_mut(key), value) {
            (Some(Value::Dict(_, inner)), Value::Dict(_, more)) => merge(inner, more),
            _ => {
                under.insert(key.clone(), value.clone());
            }
        }
    }
}
