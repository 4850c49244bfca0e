//! The boundary between SDK and host: the contract's imports in a component, and the test kit's doubles
//! natively. No other module distinguishes the two.

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
