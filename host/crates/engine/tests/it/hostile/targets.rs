//! What the hostile guests attack, compared with the real definitions: the limits, the constants of the engine and the
//! contract, the functions of the contract, the features of WebAssembly, the faults. Writes `HOSTILE.md`.

use super::{Ends, Guest, Source, catalogue};
use crate::kit::LIMITS;
use engine_guests::Behaviour;
use galleria_domain::CallFault;
use galleria_domain::guest_values::TEXTS;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The guests in Rust, each with what it attacks. Their tests are in `behaviours`.
const SDK: &[(Behaviour, &str)] = &[
    (Behaviour::Loop, "Limits::cpu_ms"),
    (Behaviour::Loop, "Limits::wall_ms"),
    (Behaviour::AllocateMemory, "Limits::memory_bytes"),
    (Behaviour::DecideTooMuch, "Limits::output_bytes"),
    (Behaviour::FaultTooMuch, "Limits::output_bytes"),
    (Behaviour::TotalTooMuch, "Limits::output_bytes"),
    (Behaviour::DecideTooMany, "Limits::items"),
    (Behaviour::NoteTooMany, "Limits::attributes"),
    (Behaviour::TotalTooMany, "Limits::attributes"),
    (Behaviour::AnswerTooMany, "Limits::attributes"),
    (Behaviour::LongKey, "texts::publication.key"),
    (Behaviour::AnswerTooMuch, "Limits::output_bytes"),
    (Behaviour::LogTooMuch, "Limits::log_bytes"),
    (Behaviour::CallTooOften, "Limits::host_calls"),
    (Behaviour::Recurse, "config::WASM_STACK"),
    (Behaviour::KeepKeys, "invoke::RESOURCES"),
    (Behaviour::DecryptBroken, "secrets#[method]key.decrypt"),
    (Behaviour::ExceedGrant, "secrets#[method]key.encrypt"),
    (Behaviour::EncryptTooMuch, "secrets::TEXT_BYTES"),
    (Behaviour::PullForever, "sale-lines#next"),
    (Behaviour::PullSingly, "sale-lines#next"),
    (Behaviour::PullTooMany, "plugins::BATCH_ROWS"),
    (Behaviour::ReadForever, "input#read"),
    (Behaviour::PushMany, "statement::MAX_PUSHED_LINES"),
    (Behaviour::PushLongText, "statement::TEXT_BYTES"),
    (Behaviour::PushBadRate, "statement::SCALE"),
    (Behaviour::DescribeTwice, "statement#describe"),
    (Behaviour::OpenOther, "output#open"),
    (Behaviour::WriteTooMuch, "output#[method]file.write"),
];

/// Constants of the engine that bound no guest, and those that no guest can reach, each with its reason.
const NO_LIMIT: &[(&str, &str)] = &[
    (
        "compiler::MESSAGE_BYTES",
        "a compiler that writes more; `compilation` of the host's tests covers it",
    ),
    ("compiler::POLL", "precision of a limit of time"),
    (
        "config::COMPONENT_INSTANCE_BYTES",
        "only some 100,000 calls between modules fill it, whose compilation takes minutes",
    ),
    ("config::MEMORY_RESERVATION", "address space"),
    ("config::RESIDENT_MEMORY", "speed"),
    ("config::RESIDENT_TABLE", "speed"),
    (
        "crash::MESSAGE_BYTES",
        "a unit test of `printable` covers the cut",
    ),
    (
        "inspect::FILE_BYTES",
        "a file of 128 MiB; a unit test of `inspect` covers it",
    ),
    ("meter::ELEMENT_BYTES", "a size"),
    (
        "output::PIECE_BYTES",
        "interval between checks of the deadline",
    ),
    (
        "statement::PIECE_LINES",
        "interval between checks of the deadline",
    ),
    ("ticker::IDLE_TICKS", "speed"),
    ("ticker::TICK", "precision of the limits of time"),
];

/// Features without a guest, each with its reason.
const NO_GUEST: &[(&str, &str)] = &[
    ("BULK_MEMORY_OPT", "part of BULK_MEMORY"),
    ("CALL_INDIRECT_OVERLONG", "part of REFERENCE_TYPES"),
    ("CM64", "wasmparser does not implement it"),
    ("CM_CANON_NAMES", "encoded like CM_IMPLEMENTS"),
];

/// Targets that are no definition.
const KINDS: &[&str] = &["abi", "decision", "fault", "loader", "sensitive"];

/// Everything that a guest attacks. A function of the contract counts if the module imports it.
pub fn of(guest: &Guest) -> BTreeSet<String> {
    let imports = match &guest.source {
        Source::Module(module) => module.imports.as_slice(),
        Source::Component(_) => &[],
    };
    let names = guest.attacks.iter().chain(imports);
    names.map(|name| (*name).to_owned()).collect()
}

/// The guests of each target.
fn attacked() -> BTreeMap<String, BTreeSet<String>> {
    let mut attacked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for guest in catalogue() {
        for target in of(guest) {
            attacked
                .entry(target)
                .or_default()
                .insert(guest.name.into());
        }
    }
    for (behaviour, target) in SDK {
        let guests = attacked.entry((*target).to_owned()).or_default();
        guests.insert(format!("{behaviour:?}"));
    }
    attacked
}

fn limits() -> BTreeSet<String> {
    let limits = serde_json::to_value(LIMITS).expect("JSON");
    let fields = limits.as_object().expect("an object").keys();
    fields.map(|field| format!("Limits::{field}")).collect()
}

fn crate_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => sources(&path, found),
            false => found.push(path),
        }
    }
}

/// The rules for texts.
fn texts() -> impl Iterator<Item = String> {
    TEXTS.iter().map(|rule| format!("texts::{}", rule.wit))
}

/// The numeric constants of the engine, of the contract and of its checks, as `file::NAME`.
fn constants() -> BTreeSet<String> {
    let mut files = Vec::new();
    sources(&crate_folder().join("src"), &mut files);
    sources(&crate_folder().join("../contract/src"), &mut files);
    sources(
        &crate_folder().join("../domain/src/guest_values"),
        &mut files,
    );
    files.push(crate_folder().join("../domain/src/json_text.rs"));
    files.push(crate_folder().join("../ports/src/plugins.rs"));
    let mut found = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("text");
        // `lib.rs` and `mod.rs` have the name of their folder or crate.
        let named_file = match file.ends_with("lib.rs") || file.ends_with("mod.rs") {
            true => file.parent().expect("a folder"),
            false => &file,
        };
        let named_file = match named_file.ends_with("src") {
            true => named_file.parent().expect("a crate"),
            false => named_file,
        };
        let stem = named_file.file_stem().and_then(|stem| stem.to_str());
        let stem = stem.expect("a name");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for line in code.lines() {
            let Some((_, constant)) = line.split_once("const ") else {
                continue;
            };
            let Some((name, kind)) = constant.split_once(": ") else {
                continue;
            };
            let numeric = ["u8", "u32", "u64", "usize", "Duration"];
            let kind = kind.split([' ', ';']).next().unwrap_or_default();
            if numeric.contains(&kind) && name.chars().all(|c| c.is_ascii_uppercase() || c == '_') {
                found.insert(format!("{stem}::{name}"));
            }
        }
    }
    found
}

/// The functions of the contract that a guest may import.
fn functions() -> BTreeSet<String> {
    let resolve = super::build::contract();
    let mut worlds = resolve.worlds.iter().map(|(_, world)| world);
    let world = worlds.find(|world| world.name == "capabilities");
    let world = world.expect("the world of all capabilities");
    let mut found = BTreeSet::new();
    for key in world.imports.keys() {
        let full = resolve.name_world_key(key);
        let name = full
            .strip_prefix("galleria:retail/")
            .and_then(|name| name.strip_suffix("@0.2.0"));
        let name = name.expect("an interface of the contract");
        let wit_parser::WorldKey::Interface(id) = key else {
            panic!("{full} is an interface");
        };
        let interface = &resolve.interfaces[*id];
        found.extend(
            interface
                .functions
                .keys()
                .map(|function| format!("{name}#{function}")),
        );
        for (kind, id) in &interface.types {
            if matches!(resolve.types[*id].kind, wit_parser::TypeDefKind::Resource) {
                found.insert(format!("{name}#[resource-drop]{kind}"));
            }
        }
    }
    found
}

/// The features of WebAssembly that the engine refuses.
fn refused_features() -> BTreeSet<String> {
    let config = std::fs::read_to_string(crate_folder().join("src/config.rs")).expect("text");
    let uses = |name: &str| {
        config.lines().any(|line| {
            let feature = line.split_once("WasmFeatures::").map(|(_, rest)| rest);
            feature.is_some_and(|rest| rest.trim_end_matches([')', ';']) == name)
        })
    };
    let all = wasmparser::WasmFeatures::all();
    let names = all.iter_names().map(|(name, _)| name);
    let listed = |name: &&str| !NO_GUEST.iter().any(|(other, _)| other == name);
    names
        .filter(|name| !uses(name))
        .filter(listed)
        .map(|name| format!("WasmFeatures::{name}"))
        .collect()
}

#[test]
fn every_limit_and_capability_has_a_hostile_guest() {
    let names: Vec<&str> = catalogue().iter().map(|guest| guest.name).collect();
    let unique: BTreeSet<_> = names.iter().collect();
    assert_eq!(unique.len(), names.len(), "two guests have the same name");
    assert!(names.len() >= 40, "{}", names.len());

    let mut defined = limits();
    assert!(defined.len() >= 7, "{defined:?}");
    let constants = constants();
    for (name, _) in NO_LIMIT {
        assert!(
            constants.contains(*name),
            "NO_LIMIT lists {name}, which does not exist"
        );
    }
    defined.extend(texts());
    let no_limit = |name: &String| NO_LIMIT.iter().any(|(other, _)| other == name);
    defined.extend(constants.into_iter().filter(|name| !no_limit(name)));
    defined.extend(functions());
    defined.extend(refused_features());
    defined.extend(KINDS.iter().map(|kind| (*kind).to_owned()));

    let attacked: BTreeSet<String> = attacked()
        .into_keys()
        .filter(|target| !(target.starts_with("wasi:") && target.contains('#')))
        .collect();
    let missing: Vec<_> = defined.difference(&attacked).collect();
    assert!(
        missing.is_empty(),
        "no hostile guest attacks {missing:?}: add one to tests/it/hostile"
    );
    let unknown: Vec<_> = attacked.difference(&defined).collect();
    assert!(
        unknown.is_empty(),
        "guests attack {unknown:?}, which is not defined"
    );
}

#[test]
fn every_fault_ends_a_hostile_guest() {
    let guests = catalogue();
    let ends = |code: &str| {
        guests
            .iter()
            .any(|guest| matches!(guest.ends, Ends::Fault(other, _) if other == code))
    };
    // A missing point is never called, and the tests of the feeds make the host fail.
    let elsewhere = ["not_served", "host_failed"];
    for code in CallFault::CODES {
        assert_eq!(ends(code), !elsewhere.contains(&code), "{code}");
    }
}

#[test]
fn the_list_of_hostile_guests_is_current() {
    let mut text = String::from(
        "# Hostile guests\n\n\
         Tests load and call each of these components, and call a good one afterwards. Names in lower case are\n\
         components written by hand (`tests/it/hostile`), which may break the ABI; other names are behaviours of the\n\
         guest in Rust (`guests/`, `tests/it/behaviours.rs`). A test fails if a limit, a function of the contract or a\n\
         refused feature of WebAssembly has no guest. Rewritten by `GALLERIA_BLESS=1 cargo test -p galleria-engine`.\n\n\
         ## Targets\n\n| target | guests |\n|---|---|\n",
    );
    for (target, guests) in attacked() {
        let guests: Vec<String> = guests.iter().map(|guest| format!("`{guest}`")).collect();
        writeln!(text, "| `{target}` | {} |", guests.join(", ")).expect("a string");
    }
    text += "\n## Constants and features without a guest\n\n| name | reason |\n|---|---|\n";
    for (name, reason) in NO_LIMIT.iter().chain(NO_GUEST) {
        writeln!(text, "| `{name}` | {reason} |").expect("a string");
    }
    text += "\n## Components written by hand\n\n| guest | what it does | how it ends |\n|---|---|---|\n";
    for guest in catalogue() {
        let end = match guest.ends {
            Ends::Fault(code, _) => format!("fault `{code}`"),
            Ends::Refused(_) => "refused when it is loaded".to_owned(),
            Ends::Succeeds(_) => "harms nobody".to_owned(),
        };
        writeln!(text, "| `{}` | {} | {end} |", guest.name, guest.does).expect("a string");
    }
    let path = crate_folder().join("HOSTILE.md");
    if std::env::var_os("GALLERIA_BLESS").is_some() {
        std::fs::write(&path, &text).expect("the list");
    }
    let current = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        current, text,
        "HOSTILE.md: rewrite it with GALLERIA_BLESS=1"
    );
}
