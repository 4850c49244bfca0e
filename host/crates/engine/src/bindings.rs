//! Bindings generated from the contract. Only `convert`, `points` and `capability` use its types.

wasmtime::component::bindgen!({
    path: "../../../wit/v0.2.0",
    world: "host",
    imports: { default: trappable },
    with: {
        "galleria:retail/output.file": crate::resources::File,
        "galleria:retail/secrets.key": crate::resources::Key,
    },
});

pub use exports::galleria::retail as points;
pub use galleria::retail::*;
