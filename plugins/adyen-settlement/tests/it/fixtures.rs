//! Runs all cases under `fixtures/`.

#[test]
fn fixtures() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
    galleria_sdk::testkit::fixtures::<adyen_settlement::AdyenSettlement>(folder);
}
