//! Compares the tables of extension points and capabilities with the WIT files and with `sdk/GUIDE.md`.

mod guide;
mod wit;

/// An extension point, as its row in the table declares it.
struct Point {
    kind: &'static str,
    variant: &'static str,
    name: &'static str,
    world: &'static str,
    description: &'static str,
    function: &'static str,
    /// Name and type of each argument.
    arguments: Vec<(&'static str, &'static str)>,
    answer: &'static str,
    planned: bool,
}

macro_rules! points {
    (
        react { $($(#[doc = $react_doc:literal])* $react:ident $react_module:ident
            $react_name:literal $react_world:literal $argument:ident ($($field:ident: $field_type:ident),+), $react_status:ident;)* }
        answer { $($(#[doc = $answer_doc:literal])* $answer:ident $answer_module:ident
            $answer_name:literal $answer_world:literal $function:ident ($code:ident: $code_type:ident)
            -> Option<$answer_type:ident>, $answer_status:ident;)* }
        stream { $($(#[doc = $stream_doc:literal])* $stream:ident $stream_module:ident
            $stream_name:literal $stream_world:literal $run:ident ($($window:ident: $window_type:ident)?), $stream_status:ident;)* }
    ) => {
        vec![
            $(Point {
                kind: "react",
                variant: stringify!($react),
                name: $react_name,
                world: $react_world,
                description: concat!($($react_doc),*),
                function: "handle",
                arguments: vec![$((stringify!($field), stringify!($field_type))),+],
                answer: "Decision",
                planned: stringify!($react_status) == "planned",
            },)*
            $(Point {
                kind: "answer",
                variant: stringify!($answer),
                name: $answer_name,
                world: $answer_world,
                description: concat!($($answer_doc),*),
                function: stringify!($function),
                arguments: vec![(stringify!($code), stringify!($code_type))],
                answer: concat!("Option<", stringify!($answer_type), ">"),
                planned: stringify!($answer_status) == "planned",
            },)*
            $(Point {
                kind: "stream",
                variant: stringify!($stream),
                name: $stream_name,
                world: $stream_world,
                description: concat!($($stream_doc),*),
                function: "run",
                arguments: vec![$((stringify!($window), stringify!($window_type)))?],
                answer: "Totals",
                planned: stringify!($stream_status) == "planned",
            },)*
        ]
    };
}

fn points() -> Vec<Point> {
    galleria_contract::extension_points!(points)
}

/// A capability, as its row in the table declares it.
struct Capability {
    variant: &'static str,
    name: &'static str,
    description: &'static str,
    planned: bool,
}

macro_rules! capabilities {
    ($($(#[doc = $doc:literal])* $variant:ident $module:ident $name:literal $status:ident;)*) => {
        vec![$(Capability {
            variant: stringify!($variant),
            name: $name,
            description: concat!($($doc),*),
            planned: stringify!($status) == "planned",
        }),*]
    };
}

fn capabilities() -> Vec<Capability> {
    galleria_contract::capabilities!(capabilities)
}

/// Reads a file of the repository.
fn read(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

/// `FiscalMark` as `fiscal-mark`.
fn kebab(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text.replace('_', "-")
}

#[test]
fn variants_and_names_agree() {
    for point in points() {
        assert_eq!(kebab(point.variant), point.name);
    }
    for capability in capabilities() {
        assert_eq!(kebab(capability.variant), capability.name);
    }
}
