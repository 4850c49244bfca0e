//! The boundary between SDK and host: the contract's imports in a component, and the test kit's doubles
//! natively. No other module distinguishes the two.

macro_rules! capabilities {
    ($($(#[$doc:meta])* $variant:ident $module:ident $name:literal $status:ident;)*) => {
        #[cfg(target_arch = "wasm32")]
        pub(crate) use crate::bindings::words::{$($module),*};
        #[cfg(not(target_arch = "wasm32"))]
        pub(crate) use crate::testkit::double::{$($module),*};
    };
}
galleria_contract::capabilities!(capabilities);
