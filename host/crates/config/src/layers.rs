//! Reading: layers of keys, merged, into a raw type - with every error, not only the first.
//!
//! A key that cannot be read is noted and taken out of the layer it stands in, and reading starts
//! again with what the layer below says. So each error is found once and hides no other. Messages
//! name kinds of values, never a value: it may be a secret.

use crate::suggest;
use figment::error::{Actual, Error, Kind};
use figment::value::{Dict, Tag, Value};
use galleria_domain::Problem;
use galleria_domain::plugin::ConfigError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The way to a key, one name each.
pub(crate) type Key = Vec<String>;

/// Keys from one source.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layer {
    /// The file, or what else to call the source.
    file: PathBuf,
    keys: Dict,
    /// What the source itself calls a key, where that is not the dotted way.
    names: BTreeMap<Key, String>,
    /// The source knows only text: what should be a number or a list is read from it.
    text_only: bool,
    /// The defaults: never to blame.
    blameless: bool,
}

impl Layer {
    /// A source that only knows text: the environment, the command line.
    pub(crate) fn of_text(source: &str) -> Self {
        Self {
            file: source.into(),
            text_only: true,
            ..Self::default()
        }
    }

    /// What holds where nothing is said.
    pub(crate) fn of_defaults<Raw: Serialize>(raw: &Raw) -> Self {
        let keys = match Value::serialize(raw) {
            Ok(Value::Dict(_, keys)) => keys,
            // A raw type is a struct of text, numbers and tables: it serialises.
            _ => Dict::new(),
        };
        Self {
            keys,
            blameless: true,
            ..Self::default()
        }
    }

    /// A TOML file. What is no TOML is one error, with line and column.
    pub(crate) fn of_toml(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let table: toml::Table = toml::from_str(text).map_err(|error| {
            let place = error
                .span()
                .map_or(String::new(), |span| place(text, span.start));
            ConfigError::new(
                file,
                "",
                format!("{place}this is no TOML: {}", error.message()),
            )
        })?;
        Ok(Self {
            file: file.into(),
            keys: table.into_iter().map(|(k, v)| (k, value(v))).collect(),
            ..Self::default()
        })
    }

    /// Reads a TOML file from disk.
    pub(crate) fn of_file(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| ConfigError::new(file, "", format!("cannot be read: {error}")))?;
        Self::of_toml(file, &text)
    }

    /// Sets a key to a text that the source calls `name`.
    pub(crate) fn set(&mut self, key: Key, name: &str, text: &str) {
        insert(&mut self.keys, &key, Value::from(text));
        self.names.insert(key, name.to_owned());
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
        // A whole table can be wrong: then the first name that reaches into it is to blame.
        let name = self.names.iter().find(|(named, _)| named.starts_with(key));
        let name = name.map_or_else(|| key.join("."), |(_, name)| name.clone());
        ConfigError::new(&self.file, name, message)
    }

    /// Takes a key out; for an item of a list the whole list, so that the others keep their places.
    fn remove(&mut self, key: &[String]) {
        remove(&mut self.keys, key);
    }

    /// Whether the text at a key turned out to be something else, which now stands there.
    fn understood(&mut self, key: &Key, error: &Error) -> bool {
        let wants_more = matches!(error.kind, Kind::InvalidType(Actual::Str(_), _));
        let Some(Value::String(_, text)) = self.get(key).filter(|_| self.text_only && wants_more)
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

/// Layers, the later over the earlier.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers(pub(crate) Vec<Layer>);

impl Layers {
    /// The raw type of what the layers say. Every key that could not be read is an error and left out.
    pub(crate) fn read<Raw: DeserializeOwned + Default>(
        &mut self,
        errors: &mut Vec<ConfigError>,
    ) -> Raw {
        loop {
            let mut merged = Dict::new();
            for layer in &self.0 {
                merge(&mut merged, &layer.keys);
            }
            let error = match Raw::deserialize(&Value::from(merged)) {
                Ok(raw) => return raw,
                Err(error) => error,
            };
            let key = error.path.clone();
            if self
                .top(&key)
                .is_some_and(|layer| layer.understood(&key, &error))
            {
                continue;
            }
            if !self.blame(&key, message(&error.kind), errors) {
                return Raw::default();
            }
        }
    }

    /// Notes what validation found wrong, and takes those keys out. Whether anything was taken out.
    pub(crate) fn refuse(&mut self, problems: &[Problem], errors: &mut Vec<ConfigError>) -> bool {
        problems.iter().fold(false, |any, problem| {
            let key: Key = problem.field.split('.').map(str::to_owned).collect();
            self.blame(&key, problem.message.clone(), errors) || any
        })
    }

    fn top(&mut self, key: &[String]) -> Option<&mut Layer> {
        let mut layers = self.0.iter_mut().rev();
        layers.find(|layer| !layer.blameless && layer.get(key).is_some())
    }

    fn blame(&mut self, key: &[String], message: String, errors: &mut Vec<ConfigError>) -> bool {
        let (error, removed) = match self.top(key) {
            Some(layer) => {
                let error = layer.error(key, message);
                layer.remove(key);
                (error, true)
            }
            // Said nowhere: the first file is where it can be said.
            None => {
                let said = self.0.iter().find(|layer| !layer.blameless);
                let file = said.map_or(Path::new("host.toml"), |layer| &layer.file);
                (ConfigError::new(file, key.join("."), message), false)
            }
        };
        if !errors.contains(&error) {
            errors.push(error);
        }
        removed
    }
}

fn value(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(truth) => Value::from(truth),
        // JSON has no dates; RFC 3339 text is what everybody else writes.
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

fn message(kind: &Kind) -> String {
    match kind {
        Kind::UnknownField(name, known) => match suggest::closest(name, known) {
            Some(meant) => format!("there is no such key; did you mean `{meant}`?"),
            None => format!(
                "there is no such key; there are {}",
                suggest::list(name, known)
            ),
        },
        Kind::InvalidType(actual, expected) => {
            format!("{}, not {}", wanted(expected), found(actual))
        }
        Kind::InvalidValue(_, expected) => format!("{} that fits", wanted(expected)),
        other => other.to_string(),
    }
}

fn wanted(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a string" => "text in quotes",
        "a sequence" => "a list",
        "a boolean" => "true or false",
        "a map" => "a table",
        text if text.starts_with("struct ") => "a table",
        text => text,
    }
}

fn found(actual: &Actual) -> &'static str {
    match actual {
        Actual::Bool(_) => "true or false",
        Actual::Unsigned(_) | Actual::Signed(_) => "a number",
        Actual::Float(_) => "a fraction",
        Actual::Char(_) | Actual::Str(_) => "text",
        Actual::Seq => "a list",
        Actual::Map => "a table",
        _ => "that",
    }
}

fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |tail| tail.chars().count())
        + 1;
    format!("line {line}, column {column}: ")
}
