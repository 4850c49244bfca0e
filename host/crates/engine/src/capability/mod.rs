//! What a guest may ask of the host while it decides: one module for each capability.
//!
//! A capability that a component imports is linked once its slot asked for it and was granted it;
//! what it may name - a directory - is checked at each call.

pub(crate) mod activities;
pub(crate) mod log;
pub(crate) mod output;
pub(crate) mod sale_lines;

use crate::bindings;
use crate::call::Call;
use galleria_domain::plugin::Capability;
use wasmtime::component::{HasSelf, Linker};

/// Rows in a batch at most: enough that crossing costs little, few enough that a batch stays below a MiB.
pub(crate) const BATCH_ROWS: u32 = 4096;

/// Links a capability. False where this version of the host does not offer it.
pub(crate) fn link(linker: &mut Linker<Call>, capability: Capability) -> wasmtime::Result<bool> {
    type Own = HasSelf<Call>;
    match capability {
        Capability::Log => bindings::log::add_to_linker::<Call, Own>(linker, |c| c)?,
        Capability::Activities => {
            bindings::activities::add_to_linker::<Call, Own>(linker, |c| c)?;
        }
        Capability::SaleLines => {
            bindings::sale_lines::add_to_linker::<Call, Own>(linker, |c| c)?;
        }
        Capability::Output => bindings::output::add_to_linker::<Call, Own>(linker, |c| c)?,
        Capability::Secrets
        | Capability::Tokens
        | Capability::Http
        | Capability::Input
        | Capability::Products
        | Capability::Settlement
        | Capability::Statement => return Ok(false),
    }
    Ok(true)
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
