//! Loading of machine code. This is the only place where the host trusts bytes as machine code.

use std::path::Path;
use wasmtime::component::Component;

/// Loads a compiled component. `path` must name a file that `artifacts` wrote.
#[expect(
    unsafe_code,
    reason = "wasmtime does not validate machine code: the file is the host's own, in a directory \
              that no other user can write to"
)]
pub(crate) fn deserialize(engine: &wasmtime::Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: `artifacts` wrote the complete file from the result of this version's compiler, in a directory of mode
    // 0700. Artifacts of earlier starts have the compiler's compatibility hash in their names.
    unsafe { Component::deserialize_file(engine, path) }
}
