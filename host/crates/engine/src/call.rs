//! The host's state during one call of a guest. Nothing outlives the call.

use crate::meter::Meter;
use crate::plugin_log::Log;
use galleria_domain::SecretKey;
use galleria_domain::plugin::Rights;
use galleria_ports::plugins::Streams;
use std::collections::BTreeMap;
use std::sync::Arc;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// Keys by the name the grant gives them.
pub(crate) type Keys = Arc<BTreeMap<String, Arc<SecretKey>>>;

/// The host's state while a guest runs.
pub(crate) struct Call {
    pub meter: Meter,
    pub log: Log,
    pub rights: Arc<Rights>,
    pub keys: Keys,
    pub streams: Streams,
    pub table: ResourceTable,
    /// Number of output files that the guest has open.
    pub open_files: usize,
    /// Number of output files that the guest has opened.
    pub opened_files: usize,
    /// The event's id.
    pub event: String,
    /// Number of texts that the guest has encrypted.
    pub encryptions: u64,
    /// Whether the guest has sent the statement's header.
    pub header_sent: bool,
    pub wasi: WasiCtx,
}

impl WasiView for Call {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}
