//! Hand-written components, for cases that no SDK produces.

use std::path::{Path, PathBuf};

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

/// Writes a component into a folder.
pub fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("a file");
    path
}
