//! What a guest may ask of the host while it decides: one module for each capability.
//!
//! A capability that a component imports is linked once its slot asked for it and was granted it;
//! what it may name - a directory, a secret - is checked at each call.

pub(crate) mod activities;
mod columns;
mod input;
pub(crate) mod log;
pub(crate) mod output;
mod products;
pub(crate) mod sale_lines;
pub(crate) mod secrets;
mod settlement;
mod statement;

use crate::bindings;
use crate::call::Call;
use galleria_domain::plugin::Capability;
use wasmtime::component::{HasSelf, Linker};

/// Rows in a batch at most: enough that crossing costs little, few enough that a batch stays below a MiB.
pub(crate) const BATCH_ROWS: u32 = 4096;

/// The one list of what this host has: what is not in it is refused when a plugin is loaded.
macro_rules! offered {
    ($($capability:ident: $module:ident,)*) => {
        /// Whether this version of the host has it.
        pub(crate) fn is_offered(capability: Capability) -> bool {
            matches!(capability, $(Capability::$capability)|*)
        }

        /// Links a capability; nothing, where it is not offered.
        pub(crate) fn link(
            linker: &mut Linker<Call>,
            capability: Capability,
        ) -> wasmtime::Result<()> {
            match capability {
                $(Capability::$capability => {
                    bindings::$module::add_to_linker::<Call, HasSelf<Call>>(linker, |call| call)
                })*
                _ => Ok(()),
            }
        }
    };
}

offered! {
    Log: log,
    Secrets: secrets,
    Input: input,
    Activities: activities,
    SaleLines: sale_lines,
    Products: products,
    Settlement: settlement,
    Statement: statement,
    Output: output,
}

/// A guest's wish for a batch's rows, bounded by us.
pub(crate) fn batch_rows(wish: u32) -> u32 {
    wish.clamp(1, BATCH_ROWS)
}

/// A feed or sink failed: our trouble, told to the operator in full and to no one else.
pub(crate) fn host_failed(what: &str, error: &galleria_app::Error) -> crate::stop::Stop {
    tracing::error!(error = error.chain(), "{what} failed during a run");
    crate::stop::Stop(galleria_domain::HostFault::HostFailed(format!(
        "{what} failed"
    )))
}
