//! Reads a component's digest, exports, imports and stamp before anything in it runs.

use crate::printable::printable;
use galleria_domain::Digest;
use galleria_domain::JsonText;
use galleria_domain::contract::{self, PACKAGE as CONTRACT, VERSION as CONTRACT_VERSION};
use galleria_domain::plugin::{Capability, ConfigError, Inspection, Point};
use std::collections::BTreeSet;
use std::path::Path;
use wasmparser::{Encoding, Parser, Payload};

/// Largest accepted file, in bytes. Components from Python and JavaScript have 10 to 20 MB.
const FILE_BYTES: u64 = 128 << 20;

/// Components and modules in each other. Known tools nest a few; each level takes memory to parse, and the time
/// to compile grows with the square of their number.
const NESTING: u32 = 100;

/// Name of the custom section that the SDKs write.
const STAMP: &str = "galleria:plugin";

/// Largest accepted stamp, which is a line of JSON.
const STAMP_BYTES: usize = 4 << 10;

/// Maximum bytes of an error's message.
const MESSAGE_BYTES: usize = 2 << 10;

/// A component's file. It is read once, so the inspected bytes are the compiled bytes.
pub(crate) struct ComponentFile {
    pub bytes: Vec<u8>,
    pub inspection: Inspection,
}

/// Reads and inspects a file.
pub(crate) fn inspect(path: &Path) -> Result<ComponentFile, ConfigError> {
    // A message quotes names of the component, which can be of any length.
    let error = |message: String| ConfigError::new(path, "", printable(&message, MESSAGE_BYTES));
    let bytes = galleria_files::read(path, FILE_BYTES).map_err(|why| error(why.to_string()))?;
    let inspection = parse(&bytes).map_err(error)?;
    Ok(ComponentFile { bytes, inspection })
}

fn parse(bytes: &[u8]) -> Result<Inspection, String> {
    const EXPECTED: &str =
        "must be a WebAssembly component, as `cargo build --target wasm32-wasip2` creates it";
    if bytes.is_empty() {
        return Err(format!("is empty; {EXPECTED}"));
    }
    let mut inspection = Inspection {
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
        exports: BTreeSet::new(),
        imports: BTreeSet::new(),
        wasi: Vec::new(),
        stamp: None,
    };
    let mut exports_settings = false;
    let mut depth = 0_u32;
    let broken = |error: wasmparser::BinaryReaderError| format!("{EXPECTED}: {error}");
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(broken)? {
            Payload::Version { encoding, .. } => {
                if depth == 0 && encoding == Encoding::Module {
                    return Err(format!(
                        "is a core module; {EXPECTED} (wasm32-wasip1 creates modules)"
                    ));
                }
                depth += 1;
                if depth > NESTING {
                    return Err(format!(
                        "must nest at most {NESTING} components in each other"
                    ));
                }
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    add_import(&mut inspection, import.map_err(broken)?.name.name)?;
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    add_export(
                        &mut inspection,
                        &mut exports_settings,
                        export.map_err(broken)?.name.name,
                    )?;
                }
            }
            Payload::CustomSection(section)
                if section.name() == STAMP && inspection.stamp.is_none() =>
            {
                inspection.stamp = Some(read_stamp(section.data())?);
            }
            _ => {}
        }
    }
    if inspection.exports.is_empty() {
        return Err(format!(
            "must export at least one extension point of {CONTRACT}@{CONTRACT_VERSION}"
        ));
    }
    if !exports_settings {
        return Err(format!(
            "must export {CONTRACT}/settings@{CONTRACT_VERSION}"
        ));
    }
    Ok(inspection)
}

/// Returns the interface if the name belongs to our contract.
fn contract_interface(name: &str) -> Result<Option<&str>, String> {
    let Some(rest) = name
        .strip_prefix(CONTRACT)
        .and_then(|rest| rest.strip_prefix('/'))
    else {
        return Ok(None);
    };
    match rest.split_once('@') {
        Some((interface, version)) if contract::is_supported(version) => Ok(Some(interface)),
        _ => Err(format!(
            "uses {name}, but this host supports {CONTRACT}@{CONTRACT_VERSION}: \
             rebuild it with the SDK of this version"
        )),
    }
}

fn add_import(inspection: &mut Inspection, name: &str) -> Result<(), String> {
    match contract_interface(name)? {
        Some("types") => {}
        Some(interface) => {
            let capability = Capability::by_name(interface).ok_or_else(|| {
                format!(
                    "imports {name}, which is not a capability of {CONTRACT}@{CONTRACT_VERSION}"
                )
            })?;
            inspection.imports.insert(capability);
        }
        None if name.starts_with("wasi:") => inspection.wasi.push(name.to_owned()),
        None => {
            return Err(format!(
                "imports {name}; a plugin may only import WASI and capabilities of {CONTRACT}"
            ));
        }
    }
    Ok(())
}

fn add_export(inspection: &mut Inspection, settings: &mut bool, name: &str) -> Result<(), String> {
    match contract_interface(name)? {
        Some("settings") => *settings = true,
        Some(interface) => {
            let point = Point::by_name(interface).ok_or_else(|| {
                format!(
                    "exports {name}, which is not an extension point of {CONTRACT}@{CONTRACT_VERSION}"
                )
            })?;
            inspection.exports.insert(point);
        }
        // Other exports are never called.
        None => {}
    }
    Ok(())
}

fn read_stamp(data: &[u8]) -> Result<JsonText, String> {
    let text = (data.len() <= STAMP_BYTES)
        .then(|| std::str::from_utf8(data).ok())
        .flatten()
        .and_then(|text| JsonText::parse(text).ok());
    text.ok_or_else(|| {
        format!(
            "the custom section `{STAMP}` must be a line of JSON of at most {STAMP_BYTES} bytes"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(path: &Path) -> String {
        inspect(path).err().expect("an error").message
    }

    #[test]
    fn only_files_of_limited_size_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let large = folder.path().join("large.wasm");
        let file = std::fs::File::create(&large).expect("a file");
        file.set_len(FILE_BYTES + 1).expect("a sparse file");
        assert_eq!(message(&large), "must be at most 128 MiB");
        let rule = "must be a regular file";
        assert!(message(folder.path()).starts_with(rule));
    }
}
