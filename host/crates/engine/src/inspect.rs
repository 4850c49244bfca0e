//! What a file is before anything of it runs: digest, exports, imports, stamp.

use galleria_domain::Digest;
use galleria_domain::plugin::{Capability, Inspection, Mistake, Point};
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;
use wasmparser::{Encoding, Parser, Payload};

/// The contract this host speaks. Interfaces of a later patch of it are compatible by its own rules.
const CONTRACT: &str = "galleria:retail";
const CONTRACT_LINE: &str = "0.1.";
pub(crate) const CONTRACT_VERSION: &str = "0.1.0";

/// Components from Python and JavaScript have 10 to 20 MB; what is beyond this is no plugin.
const FILE_BYTES: u64 = 128 << 20;

/// The custom section that an SDK writes.
const STAMP: &str = "galleria:plugin";

/// A stamp is a line of JSON.
const STAMP_BYTES: usize = 4 << 10;

/// A component's file, read once: what is inspected is what is compiled.
pub(crate) struct Inspected {
    pub bytes: Vec<u8>,
    pub inspection: Inspection,
}

/// Reads and inspects a file.
pub(crate) fn inspect(path: &Path) -> Result<Inspected, Mistake> {
    let bytes = read(path).map_err(|message| Mistake::new(path, "", message))?;
    let inspection = look(&bytes).map_err(|message| Mistake::new(path, "", message))?;
    Ok(Inspected { bytes, inspection })
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(format!(
            "is larger than {} MiB; a plugin is a component of a few megabytes",
            FILE_BYTES >> 20
        ));
    }
    Ok(bytes)
}

fn look(bytes: &[u8]) -> Result<Inspection, String> {
    const WANTED: &str =
        "a WebAssembly component, as `cargo build --target wasm32-wasip2` makes it";
    if bytes.is_empty() {
        return Err(format!("is empty; it should be {WANTED}"));
    }
    let mut found = Inspection {
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
        exports: BTreeSet::new(),
        imports: BTreeSet::new(),
        wasi: Vec::new(),
        stamp: None,
    };
    let mut checks_settings = false;
    let mut depth = 0_u32;
    let broken = |error: wasmparser::BinaryReaderError| format!("is not {WANTED}: {error}");
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(broken)? {
            Payload::Version { encoding, .. } => {
                if depth == 0 && encoding == Encoding::Module {
                    return Err(format!(
                        "is a core module; it should be {WANTED} (wasm32-wasip1 makes modules)"
                    ));
                }
                depth += 1;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    import_of(&mut found, import.map_err(broken)?.name.name)?;
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    export_of(
                        &mut found,
                        &mut checks_settings,
                        export.map_err(broken)?.name.name,
                    )?;
                }
            }
            Payload::CustomSection(section) if section.name() == STAMP && found.stamp.is_none() => {
                found.stamp = Some(stamp_of(section.data())?);
            }
            _ => {}
        }
    }
    if found.exports.is_empty() {
        return Err(format!(
            "exports no extension point of {CONTRACT}@{CONTRACT_VERSION}: nothing would ever be sent to it"
        ));
    }
    if !checks_settings {
        return Err(format!(
            "does not export {CONTRACT}/settings@{CONTRACT_VERSION}, which every plugin has"
        ));
    }
    Ok(found)
}

/// The interface of ours that a name means, if it is one.
fn ours(name: &str) -> Result<Option<&str>, String> {
    let Some(rest) = name
        .strip_prefix(CONTRACT)
        .and_then(|rest| rest.strip_prefix('/'))
    else {
        return Ok(None);
    };
    match rest.split_once('@') {
        Some((interface, version)) if version.starts_with(CONTRACT_LINE) => Ok(Some(interface)),
        _ => Err(format!(
            "was made for {name}; this host speaks {CONTRACT}@{CONTRACT_VERSION}: \
             build it again with the SDK of this version"
        )),
    }
}

fn import_of(found: &mut Inspection, name: &str) -> Result<(), String> {
    match ours(name)? {
        Some("types") => {}
        Some(interface) => {
            let capability = Capability::by_name(interface).ok_or_else(|| {
                format!("imports {name}, which is no capability of {CONTRACT}@{CONTRACT_VERSION}")
            })?;
            found.imports.insert(capability);
        }
        None if name.starts_with("wasi:") => found.wasi.push(name.to_owned()),
        None => {
            return Err(format!(
                "imports {name}; a plugin can import capabilities of {CONTRACT} and WASI, nothing else"
            ));
        }
    }
    Ok(())
}

fn export_of(found: &mut Inspection, settings: &mut bool, name: &str) -> Result<(), String> {
    match ours(name)? {
        Some("settings") => *settings = true,
        Some(interface) => {
            let point = Point::by_name(interface).ok_or_else(|| {
                format!(
                    "exports {name}, which is no extension point of {CONTRACT}@{CONTRACT_VERSION}"
                )
            })?;
            found.exports.insert(point);
        }
        // What it exports besides is never called.
        None => {}
    }
    Ok(())
}

fn stamp_of(data: &[u8]) -> Result<String, String> {
    let text = (data.len() <= STAMP_BYTES)
        .then(|| std::str::from_utf8(data).ok())
        .flatten()
        .filter(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok());
    text.map(str::to_owned)
        .ok_or_else(|| format!("has a section `{STAMP}` that is no line of JSON"))
}
