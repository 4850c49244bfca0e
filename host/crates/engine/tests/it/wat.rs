//! Components written by hand, for what no SDK would build.

use std::path::{Path, PathBuf};

/// A component: `imports` as they stand, a core module's body, and exports of this contract version.
/// Every export is the module's function `f`, which takes and gives nothing.
pub fn component(imports: &str, linked: &str, module: &str, version: &str) -> Vec<u8> {
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
            (export "galleria:retail/on-payment@{version}" (instance $point)))"#
    );
    wat::parse_str(&text).expect("a component")
}

/// Writes it into a folder.
pub fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("a file");
    path
}
