//! The seam between the SDK and the host: in a component the contract's imports, natively their
//! doubles of the test kit. Nothing else of the SDK asks which of the two it is.

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::bindings::words::{
    activities, http, input, log, output, products, sale_lines, secrets, settlement, statement,
    tokens,
};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testkit::double::{
    activities, http, input, log, output, products, sale_lines, secrets, settlement, statement,
    tokens,
};
