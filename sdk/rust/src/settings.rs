//! Checks settings for `settings.check`: reports all unknown keys, and the first value of a wrong type,
//! with dotted path and correction.
//!
//! A call parses its settings with plain `serde_json`, which is faster but reports less.

use crate::{Plugin, Problem, RunSchedule};
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::fmt;

/// Returns the problems of a settings text without schedules. An empty list means that the plugin accepts it.
pub fn check<P: Plugin>(text: &str) -> Vec<Problem> {
    check_scheduled::<P>(text, &[])
}

/// Returns the problems of a settings text with the schedules of its slot.
pub fn check_scheduled<P: Plugin>(text: &str, schedules: &[RunSchedule]) -> Vec<Problem> {
    let value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return vec![Problem::new("settings", format!("is not JSON: {error}"))],
    };
    let unknown = RefCell::new(Vec::new());
    let node = Node {
        value: &value,
        path: &Path::Root,
        unknown: &unknown,
    };
    let read = <P::Settings as de::Deserialize>::deserialize(node);
    let mut problems = unknown.into_inner();
    match read {
        Ok(settings) => {
            problems.extend(P::check(&settings));
            problems.extend(P::check_schedules(&settings, schedules));
        }
        Err(wrong) => problems.push(wrong.problem()),
    }
    problems
}

/// The path from the root to a value.
enum Path<'a> {
    Root,
    Key(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Key(Path::Root, key) => f.write_str(key),
            Path::Key(parent, key) => write!(f, "{parent}.{key}"),
            Path::Index(Path::Root, index) => write!(f, "{index}"),
            Path::Index(parent, index) => write!(f, "{parent}.{index}"),
        }
    }
}

/// An error of serde. The path leads to the innermost value that was being read.
#[derive(Debug)]
struct Wrong {
    path: Option<String>,
    /// A missing key below `path`.
    missing: Option<&'static str>,
    message: String,
}

impl Wrong {
    fn at(mut self, path: &Path<'_>) -> Self {
        self.path.get_or_insert_with(|| path.to_string());
        self
    }

    fn problem(self) -> Problem {
        let path = self.path.unwrap_or_default();
        let field = match self.missing {
            Some(key) if path.is_empty() => key.to_owned(),
            Some(key) => [&path, ".", key].concat(),
            None if path.is_empty() => "settings".to_owned(),
            None => path,
        };
        Problem::new(field, self.message)
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            path: None,
            missing: None,
            message: message.to_string(),
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            path: None,
            missing: Some(field),
            message: "is missing".to_owned(),
        }
    }
}

/// A value and its path.
#[derive(Clone, Copy)]
struct Node<'a> {
    value: &'a Value,
    path: &'a Path<'a>,
    unknown: &'a RefCell<Vec<Problem>>,
}

impl<'a> Node<'a> {
    fn visit<'de, V: Visitor<'de>>(
        self,
        fields: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => visitor.visit_u64(value),
                (None, Some(value)) => visitor.visit_i64(value),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_str(text),
            Value::Array(items) => visitor.visit_seq(Items {
                node: self,
                items: items.iter().enumerate(),
            }),
            Value::Object(map) => visitor.visit_map(Keys::new(self, map, fields)),
        }
        .map_err(|wrong| wrong.at(self.path))
    }
}

impl<'de> Deserializer<'de> for Node<'_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.visit(None, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor
            .visit_newtype_struct(self)
            .map_err(|wrong| wrong.at(self.path))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.visit(Some(fields), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let case = match self.value {
            Value::String(name) => Case {
                node: self,
                name,
                content: None,
            },
            Value::Object(map) if map.len() == 1 => {
                let (name, content) = map.iter().next().unwrap_or_else(|| unreachable!());
                Case {
                    node: self,
                    name,
                    content: Some(content),
                }
            }
            _ => return self.visit(None, visitor),
        };
        visitor
            .visit_enum(case)
            .map_err(|wrong| wrong.at(self.path))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

struct Items<'a> {
    node: Node<'a>,
    items: std::iter::Enumerate<std::slice::Iter<'a, Value>>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Wrong> {
        let Some((index, value)) = self.items.next() else {
            return Ok(None);
        };
        let path = Path::Index(self.node.path, index);
        let node = Node {
            value,
            path: &path,
            unknown: self.node.unknown,
        };
        let element = seed.deserialize(node).map_err(|wrong| wrong.at(&path));
        element.map(Some)
    }
}

struct Keys<'a> {
    node: Node<'a>,
    rest: serde_json::map::Iter<'a>,
    fields: Option<&'static [&'static str]>,
    current: Option<(&'a str, &'a Value)>,
}

impl<'a> Keys<'a> {
    /// For a struct, unknown keys are reported here, and serde does not see them.
    fn new(
        node: Node<'a>,
        map: &'a Map<String, Value>,
        fields: Option<&'static [&'static str]>,
    ) -> Self {
        if let Some(known) = fields {
            for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
                let message = match known {
                    [] => "unknown key; there are no keys here".to_owned(),
                    _ => format!("unknown key; known keys: {}", known.join(", ")),
                };
                let field = Path::Key(node.path, key).to_string();
                node.unknown.borrow_mut().push(Problem::new(field, message));
            }
        }
        Self {
            node,
            rest: map.iter(),
            fields,
            current: None,
        }
    }
}

impl<'de> MapAccess<'de> for Keys<'_> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Wrong> {
        for (key, value) in self.rest.by_ref() {
            if self
                .fields
                .is_some_and(|known| !known.contains(&key.as_str()))
            {
                continue;
            }
            self.current = Some((key, value));
            let path = Path::Key(self.node.path, key);
            let key = de::value::StrDeserializer::new(key);
            return seed
                .deserialize(key)
                .map(Some)
                .map_err(|wrong: Wrong| wrong.at(&path));
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let Some((key, value)) = self.current.take() else {
            return Err(de::Error::custom("a value was read before its key"));
        };
        let path = Path::Key(self.node.path, key);
        let node = Node {
            value,
            path: &path,
            unknown: self.node.unknown,
        };
        seed.deserialize(node).map_err(|wrong| wrong.at(&path))
    }
}

struct Case<'a> {
    node: Node<'a>,
    name: &'a str,
    content: Option<&'a Value>,
}

impl<'a> Case<'a> {
    /// Reads the value of the case, under the case's name.
    fn content<R>(self, read: impl FnOnce(Node<'_>) -> Result<R, Wrong>) -> Result<R, Wrong> {
        let path = Path::Key(self.node.path, self.name);
        let node = Node {
            value: self.content.unwrap_or(&Value::Null),
            path: &path,
            unknown: self.node.unknown,
        };
        read(node).map_err(|wrong| wrong.at(&path))
    }
}

impl<'de> EnumAccess<'de> for Case<'_> {
    type Error = Wrong;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Wrong> {
        let name = de::value::StrDeserializer::<Wrong>::new(self.name);
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Case<'_> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        match self.content {
            None => Ok(()),
            Some(_) => self.content(|node| de::Deserialize::deserialize(node)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Wrong> {
        self.content(|node| seed.deserialize(node))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.content(|node| node.deserialize_tuple(len, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.content(|node| node.visit(Some(fields), visitor))
    }
}

#[cfg(test)]
mod tests;
