//! Hand-written components, for cases that no SDK produces.

use std::path::{Path, PathBuf};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Builds a component from imports, the body of a core module, and exports of a contract version. Every
/// export is the module's function `f` without parameters and result. It exports `on-payment`.
pub fn component(imports: &str, linked: &str, module: &str, version: &str) -> Vec<u8> {
    component_of("on-payment", imports, linked, module, version)
}

/// Builds a component that exports this point.
pub fn component_of(
    point: &str,
    imports: &str,
    linked: &str,
    module: &str,
    version: &str,
) -> Vec<u8> {
    let text = format!(
        r#"(component
            {imports}
            (core module $m
                {module}
                (func (export "f")))
            (core instance $i (instantiate $m {linked}))
            (func $f (canon lift (core func $i "f")))
            (instance $settings (export "check" (func $f)))
            (export "galleria:retail/settings@{version}" (instance $settings))
            (instance $point (export "handle" (func $f)))
            (export "galleria:retail/{point}@{version}" (instance $point)))"#
    );
    wat::parse_str(&text).expect("a component")
}

/// Wraps a core module, which exports the functions of `settings` and of this point.
pub fn module_component(point: &str, module: &str) -> Vec<u8> {
    let mut module = wat::parse_str(module).expect("a module");
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../wit/v0.2.0");
    resolve.push_dir(wit).expect("the contract");
    let world = format!(
        "package test:guest;
         world guest {{
             export galleria:retail/settings@0.2.0;
             export galleria:retail/{point}@0.2.0;
         }}"
    );
    let package = resolve.push_str("guest.wit", &world).expect("a world");
    let world = resolve.select_world(&[package], None).expect("the world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("a module with metadata");
    let encoder = ComponentEncoder::default().module(&module);
    encoder
        .expect("a module of this world")
        .validate(true)
        .encode()
        .expect("a component")
}

/// Writes a component into a folder.
pub fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("a file");
    path
}
