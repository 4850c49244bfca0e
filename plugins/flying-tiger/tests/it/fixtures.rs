//! Runs all cases under `fixtures/` natively.

use flying_tiger::FlyingTiger;
use galleria_sdk::testkit;

#[test]
fn every_case_equals_its_golden_files() {
    testkit::fixtures::<FlyingTiger>(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"));
}
