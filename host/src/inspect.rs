//! `galleria plugin inspect`: shows the metadata of a component.

use crate::host::ConfigErrors;
use crate::{known, show};
use galleria_domain::JsonText;
use galleria_engine::inspect;
use std::path::Path;
use std::process::ExitCode;

/// Shows the origin, the exports and the imports of a component.
pub fn run(file: &Path) -> anyhow::Result<ExitCode> {
    // The file may be a pipe: it is not opened here.
    std::fs::metadata(file).map_err(|error| known::unopened(file, &error))?;
    let inspection = inspect(file).map_err(|error| ConfigErrors(vec![error]))?;
    let list = |names: Vec<&str>| match names.as_slice() {
        [] => "-".to_owned(),
        names => names.join("\n"),
    };
    let stamp = inspection.stamp.as_ref().map(JsonText::to_value);
    let stamp = stamp.unwrap_or_default();
    let stamped = |key: &str| stamp[key].as_str().unwrap_or("-").to_owned();
    let mut table = show::untitled();
    table
        .add_row(["file", &file.display().to_string()])
        .add_row(["plugin", &stamped("name")])
        .add_row(["version", &stamped("version")])
        .add_row(["contract", &stamped("contract")])
        .add_row(["SDK", &stamped("sdk")])
        .add_row(["SHA-256", inspection.digest.as_str()])
        .add_row(["bytes", &inspection.size.to_string()])
        .add_row([
            "exports",
            &list(
                inspection
                    .exports
                    .iter()
                    .map(|point| point.name())
                    .collect(),
            ),
        ])
        .add_row([
            "imports",
            &list(inspection.imports.iter().map(|used| used.name()).collect()),
        ])
        .add_row([
            "WASI (empty)",
            &list(inspection.wasi.iter().map(String::as_str).collect()),
        ]);
    show::rows(&table);
    Ok(ExitCode::SUCCESS)
}
