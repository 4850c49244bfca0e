//! `cargo xtask test`: builds the components and runs all tests.

use crate::check::GUESTS;
use crate::process::{cargo, run, strict};
use crate::{guests, plugins, prepare, show, up};
use anyhow::Result;

/// Builds the components, then runs the tests in Rust, Python and JavaScript.
pub fn test() -> Result<()> {
    prepare::prepare()?;
    plugins::stage()?;
    fetch_broker()?;
    show::step("testing host, SDK and plugins");
    if !strict() {
        show::line(
            "    without PostgreSQL or Kafka their tests are ignored; with GALLERIA_STRICT=1 this fails",
        );
    }
    // One command for all packages, so that dependencies are compiled once, with one set of features.
    run(cargo().args(["test", "--workspace", "--exclude", GUESTS]))?;
    show::step("testing the SDKs for Python and JavaScript");
    guests::test()
}

/// Downloads the broker that tests start.
fn fetch_broker() -> Result<()> {
    show::step("looking for Kafka, which tests start");
    match up::fetch_kafka() {
        Err(error) if !strict() => {
            show::warn(&format!("{error:#}: its tests are ignored"));
            Ok(())
        }
        result => result,
    }
}
