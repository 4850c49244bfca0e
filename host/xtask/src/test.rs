//! `cargo xtask test`: every test of the workspace, components built first.

use crate::process::{cargo, run, strict};
use crate::{plugins, prepare, show};
use anyhow::Result;

/// Prepares, builds the components, tests the host and the SDK, then the plugins natively.
pub fn test() -> Result<()> {
    prepare::prepare()?;
    plugins::stage()?;
    show::step("testing host and SDK");
    if !strict() {
        show::line(
            "    what cannot run on this machine says SKIPPED; GALLERIA_STRICT=1 fails instead",
        );
    }
    run(cargo().arg("test"))?;
    show::step("testing the plugins");
    let mut test = cargo();
    test.arg("test");
    for package in plugins::packages()? {
        test.args(["-p", &package]);
    }
    run(&mut test)
}
