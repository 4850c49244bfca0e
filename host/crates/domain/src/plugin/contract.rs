//! Extension points and capabilities, as enums derived from the tables of `galleria-contract`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How an extension point works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointKind {
    /// An event in, a decision out.
    React,
    /// A question in, an answer out. Personal data passes through, so no text of the plugin is stored.
    Answer,
    /// A run: the plugin pulls from feeds and pushes to an output.
    Stream,
}

macro_rules! named_enum {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $case:ident = $text:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$doc])* $case,)* }

        impl $name {
            /// All variants, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$case,)*];

            /// Returns the name in the contract and in configuration.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$case => $text,)* }
            }

            /// Finds a variant by its name.
            pub fn by_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|variant| variant.name() == name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}
pub(super) use named_enum;

macro_rules! is_served {
    (served) => {
        true
    };
    (planned) => {
        false
    };
}

macro_rules! points {
    (
        react { $($(#[$react_doc:meta])* $react:ident $react_module:ident $react_name:literal $react_world:literal
            $argument:ident $fields:tt, $react_status:ident;)* }
        answer { $($(#[$answer_doc:meta])* $answer:ident $answer_module:ident $answer_name:literal $answer_world:literal
            $function:ident ($code:ident: $code_type:ty) -> $answer_type:ty, $answer_status:ident;)* }
        stream { $($(#[$stream_doc:meta])* $stream:ident $stream_module:ident $stream_name:literal $stream_world:literal
            $run:ident $window:tt, $stream_status:ident;)* }
    ) => {
        named_enum! {
            /// An extension point: where the host calls a plugin.
            Point {
                $($(#[$react_doc])* $react = $react_name,)*
                $($(#[$answer_doc])* $answer = $answer_name,)*
                $($(#[$stream_doc])* $stream = $stream_name,)*
            }
        }

        impl Point {
            /// Returns how the point works.
            pub const fn kind(self) -> PointKind {
                match self {
                    $(Self::$react => PointKind::React,)*
                    $(Self::$answer => PointKind::Answer,)*
                    $(Self::$stream => PointKind::Stream,)*
                }
            }

            /// Whether this host calls the point. It rejects a plugin that exports another one.
            pub const fn is_served(self) -> bool {
                match self {
                    $(Self::$react => is_served!($react_status),)*
                    $(Self::$answer => is_served!($answer_status),)*
                    $(Self::$stream => is_served!($stream_status),)*
                }
            }
        }
    };
}
galleria_contract::extension_points!(points);

impl Point {
    /// Whether personal data passes through, so that no text of the plugin is stored.
    pub const fn is_sensitive(self) -> bool {
        matches!(self.kind(), PointKind::Answer)
    }

    /// Whether the point is executed as a run over feeds.
    pub const fn is_stream(self) -> bool {
        matches!(self.kind(), PointKind::Stream)
    }
}

macro_rules! capability_enum {
    ($($(#[$doc:meta])* $variant:ident $module:ident $name:literal $status:ident;)*) => {
        named_enum! {
            /// A capability: functions of the host that a plugin may call.
            Capability {
                $($(#[$doc])* $variant = $name,)*
            }
        }

        impl Capability {
            /// Whether this host implements the capability. It rejects a plugin that needs another one.
            pub const fn is_served(self) -> bool {
                match self {
                    $(Self::$variant => is_served!($status),)*
                }
            }
        }
    };
}
galleria_contract::capabilities!(capability_enum);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_uses_the_names_of_the_contract() {
        for point in Point::ALL {
            assert_eq!(
                serde_json::to_value(point).expect("JSON"),
                serde_json::Value::from(point.name())
            );
            assert_eq!(Point::by_name(point.name()), Some(*point));
        }
        for capability in Capability::ALL {
            assert_eq!(
                serde_json::to_value(capability).expect("JSON"),
                serde_json::Value::from(capability.name())
            );
            assert_eq!(Capability::by_name(capability.name()), Some(*capability));
        }
    }
}
