//! The guest's fixtures, natively. The engine's own tests run the same folders on the component.

#[test]
fn fixtures() {
    galleria_sdk::testkit::fixtures::<engine_guests::Guest>("fixtures");
}
