//! The host's functions for guests: one module for each capability.
//!
//! A component gets a capability if its slot requests it and the retailer grants it. Names in a call, such
//! as a directory or a secret, are checked against the grant at each call.

mod activities;
mod columns;
mod feed;
mod input;
mod log;
mod output;
mod products;
mod sale_lines;
mod secrets;
mod settlement;
mod statement;

pub(crate) use feed::read_ahead;

use crate::bindings;
use crate::call::Call;
use galleria_domain::plugin::Capability;
use wasmtime::component::{HasSelf, Linker};

macro_rules! link_capability {
    (served $module:ident $linker:ident) => {
        bindings::$module::add_to_linker::<Call, HasSelf<Call>>($linker, |call| call)
    };
    (planned $module:ident $linker:ident) => {
        Ok(())
    };
}

macro_rules! capabilities {
    ($($(#[$doc:meta])* $variant:ident $module:ident $name:literal $status:ident;)*) => {
        /// Links a capability; does nothing if it is not served.
        pub(crate) fn link(
            linker: &mut Linker<Call>,
            capability: Capability,
        ) -> wasmtime::Result<()> {
            match capability {
                $(Capability::$variant => link_capability!($status $module linker),)*
            }
        }
    };
}
galleria_contract::capabilities!(capabilities);

/// A feed or sink failed. The log gets the whole error; the fault names only the operation.
pub(crate) fn host_failed(what: &str, error: &galleria_ports::Error) -> crate::stop::Stop {
    tracing::error!(error = error.chain(), "{what} failed");
    crate::stop::Stop(galleria_domain::HostFault::HostFailed(format!(
        "{what} failed"
    )))
}
