//! `cargo xtask test`: every test of the workspace, components built first.

use crate::process::{cargo, run, strict};
use crate::{guests, plugins, prepare, show, up};
use anyhow::Result;

/// Prepares, builds the components, tests the host and the SDK, then the plugins natively, then the other SDKs.
pub fn test() -> Result<()> {
    prepare::prepare()?;
    plugins::stage()?;
    broker()?;
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
    run(&mut test)?;
    show::step("testing the SDKs for Python and JavaScript");
    guests::test()
}

/// The tests' broker, fetched where it is not there yet.
fn broker() -> Result<()> {
    show::step("looking for Kafka, which tests start");
    match up::fetch_kafka() {
        Err(error) if !strict() => {
            show::warn(&format!("{error:#}: its tests are skipped"));
            Ok(())
        }
        fetched => fetched,
    }
}
