//! The one place where the host trusts bytes as machine code.

use std::path::Path;
use wasmtime::component::Component;

/// Loads a compiled component. `path` must be a file that `artifacts` wrote.
#[expect(
    unsafe_code,
    reason = "machine code is not checked when it is loaded: the file is the host's own, in a \
              directory that no one else can write to"
)]
pub(crate) fn thaw(engine: &wasmtime::Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: `artifacts` wrote the file whole from this engine's own compiler, under a name that
    // holds the compiler's compatibility hash, in a directory of mode 0700.
    unsafe { Component::deserialize_file(engine, path) }
}
