//! Runs all cases under `fixtures/` natively. `host/crates/engine/tests/it/three_languages.rs` runs
//! the same cases as components in all three languages.

use corner_shop_rust::CornerShop;

#[test]
fn fixtures() {
    galleria_sdk::testkit::fixtures::<CornerShop>("fixtures");
}
