//! Generates the world, the main module and the stamp of a component from `plugin.toml`.
//!
//! In these languages a component imports its whole world, so the world contains only the requested
//! capabilities.

use super::Language;
use anyhow::{Context, Result, bail};
use galleria_domain::plugin::{Capability, Point, PointKind};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The name of the generated world.
pub(super) const WORLD: &str = "guest";

/// The version of WASI that componentize-js uses.
const WASI: &str = "0.2.12";

/// The parts of `plugin.toml` that go into a component.
#[derive(Debug, Deserialize)]
pub(super) struct Manifest {
    name: String,
    version: String,
    /// The version of the contract, whose WIT is under `wit/`.
    pub contract: String,
    #[serde(default)]
    points: Vec<Point>,
    #[serde(default)]
    asks: Asks,
}

#[derive(Debug, Default, Deserialize)]
struct Asks {
    #[serde(default)]
    capabilities: BTreeSet<Capability>,
}

impl Manifest {
    pub fn read(folder: &Path) -> Result<Self> {
        let file = folder.join("plugin.toml");
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let manifest: Self = toml::from_str(&text).with_context(|| file.display().to_string())?;
        if manifest.points.is_empty() {
            bail!("plugin.toml: points: must name at least one point, such as [\"on-payment\"]");
        }
        Ok(manifest)
    }

    /// Returns the world: `log`, the requested capabilities, the check of settings, and the points. JavaScript
    /// has no other way to end a call.
    pub fn world(&self, language: Language) -> String {
        let mut world = format!("package galleria:guest;\n\nworld {WORLD} {{\n");
        let retail = |direction: &str, name: &str| {
            format!("  {direction} galleria:retail/{name}@{};\n", self.contract)
        };
        world += &retail("import", Capability::Log.name());
        for capability in &self.asks.capabilities {
            if *capability != Capability::Log {
                world += &retail("import", capability.name());
            }
        }
        if language == Language::JavaScript {
            world += &format!("  import wasi:cli/exit@{WASI};\n");
        }
        world += &retail("export", "settings");
        for point in &self.points {
            world += &retail("export", point.name());
        }
        world + "}\n"
    }

    /// Returns the module with the classes for componentize-py.
    pub fn python(&self) -> Result<String> {
        let mut module = String::from(
            "\"\"\"Generated from plugin.toml.\"\"\"\nimport plugin\nfrom galleria_sdk import glue\n\n\
             Settings = glue.checker(plugin)\n",
        );
        for point in self.react_points()? {
            let class: String = words(point).map(capital).collect();
            let function = point.name().replace('-', "_");
            module += &format!("{class} = glue.react(plugin, plugin.{function})\n");
        }
        Ok(module)
    }

    /// Returns the module with the exports for componentize-js.
    pub fn javascript(&self, plugin: &str) -> Result<String> {
        let contract = &self.contract;
        let mut module = format!(
            "// Generated from plugin.toml.\n\
             import {{ write }} from \"galleria:retail/log@{contract}\";\n\
             import {{ exit }} from \"wasi:cli/exit@{WASI}\";\n\
             import * as plugin from \"./plugins/{plugin}/plugin.js\";\n\
             import {{ connect as connectExit }} from \"./sdk/javascript/crash.js\";\n\
             import {{ checker, react }} from \"./sdk/javascript/glue.js\";\n\
             import {{ connect }} from \"./sdk/javascript/log.js\";\n\n\
             connect(write);\n\
             connectExit(exit);\n\
             export const settings = checker(plugin);\n"
        );
        for point in self.react_points()? {
            let mut parts = words(point);
            let first = parts.next().unwrap_or_default().to_owned();
            let name = first + &parts.map(capital).collect::<String>();
            module += &format!("export const {name} = react(plugin, plugin.{name});\n");
        }
        Ok(module)
    }

    /// Returns the stamp that identifies the plugin, in the format of the Rust SDK.
    pub fn stamp(&self, language: Language) -> String {
        let sdk = match language {
            Language::Python => "python 0.1.0",
            Language::JavaScript => "javascript 0.1.0",
        };
        let stamp = serde_json::json!({
            "name": self.name, "version": self.version, "contract": self.contract, "sdk": sdk,
        });
        stamp.to_string()
    }

    /// Returns the points, or an error if the SDKs for these languages do not support one.
    fn react_points(&self) -> Result<impl Iterator<Item = Point>> {
        for point in &self.points {
            if point.kind() != PointKind::React {
                bail!(
                    "plugin.toml: points: `{point}` is for Rust only; Python and JavaScript support \
                     the points that begin with `on-`"
                );
            }
        }
        Ok(self.points.iter().copied())
    }
}

/// Returns the interface of WASI that ends a call.
pub(super) fn exit() -> String {
    format!("package wasi:cli@{WASI};\n\ninterface exit {{\n  exit: func(status: result);\n}}\n")
}

fn words(point: Point) -> impl Iterator<Item = &'static str> {
    point.name().split('-')
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(word.len().min(1));
    first.to_ascii_uppercase() + rest
}

/// Appends a custom section, which the tools cannot add.
pub(super) fn push_section(component: &mut Vec<u8>, name: &str, content: &[u8]) {
    let mut section = Vec::new();
    push_length(&mut section, name.len());
    section.extend_from_slice(name.as_bytes());
    section.extend_from_slice(content);
    component.push(0);
    push_length(component, section.len());
    component.extend_from_slice(&section);
}

/// Unsigned LEB128.
fn push_length(out: &mut Vec<u8>, mut length: usize) {
    loop {
        // Seven bits fit a byte.
        let byte = (length & 0x7f) as u8;
        length >>= 7;
        if length == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(points: &str, capabilities: &str) -> Manifest {
        toml::from_str(&format!(
            "name = \"p\"\nversion = \"1.2.3\"\ncontract = \"0.2.0\"\ncomponent = \"p.wasm\"\n\
             points = [{points}]\n[asks]\ncapabilities = [{capabilities}]\ndirectories = [\"a\"]\n"
        ))
        .expect("a manifest")
    }

    #[test]
    fn the_world_has_only_the_requested_capabilities() {
        let manifest = manifest("\"on-payment\", \"on-shift-end\"", "\"log\", \"secrets\"");
        let world = manifest.world(Language::Python);
        assert_eq!(
            world,
            "package galleria:guest;\n\nworld guest {\n  \
             import galleria:retail/log@0.2.0;\n  \
             import galleria:retail/secrets@0.2.0;\n  \
             export galleria:retail/settings@0.2.0;\n  \
             export galleria:retail/on-payment@0.2.0;\n  \
             export galleria:retail/on-shift-end@0.2.0;\n}\n"
        );
        let imports_exit = |language| manifest.world(language).contains("import wasi:cli/exit@");
        assert!(imports_exit(Language::JavaScript) && !imports_exit(Language::Python));
    }

    #[test]
    fn names_follow_the_conventions_of_each_language() {
        let manifest = manifest("\"on-shift-end\"", "");
        let python = manifest.python().expect("a module");
        assert!(python.contains("OnShiftEnd = glue.react(plugin, plugin.on_shift_end)\n"));
        let javascript = manifest.javascript("p").expect("a module");
        assert!(
            javascript.contains("export const onShiftEnd = react(plugin, plugin.onShiftEnd);\n")
        );
    }

    #[test]
    fn unsupported_points_are_rejected() {
        let error = manifest("\"report\"", "").python().expect_err("no report");
        assert!(
            error.to_string().contains("`report` is for Rust only"),
            "{error}"
        );
    }

    #[test]
    fn sections_have_their_length() {
        let mut component = vec![1];
        push_section(&mut component, "ab", &[7; 200]);
        // The kind, 203 in two bytes, the name's length, the name, the content.
        assert_eq!(component[..7], [1, 0, 0xcb, 0x01, 2, b'a', b'b']);
        assert_eq!(component.len(), 7 + 200);
    }
}
