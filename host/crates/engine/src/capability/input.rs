//! `input`: the file that a run reads, in pieces.

use super::host_failed;
use crate::bindings::input::Host;
use crate::call::Call;

/// Maximum bytes in a piece: the host has two copies of it during the call.
const PIECE_BYTES: u32 = 1 << 20;

impl Host for Call {
    fn name(&mut self) -> wasmtime::Result<String> {
        self.meter.host_call()?;
        match &self.streams.input {
            Some(source) => Ok(source.name()),
            None => Err(self.meter.denied("input outside a run").into()),
        }
    }

    fn read(&mut self, max: u32) -> wasmtime::Result<Vec<u8>> {
        self.meter.host_call()?;
        let Some(source) = &mut self.streams.input else {
            return Err(self.meter.denied("input outside a run").into());
        };
        let piece = source
            .read(max.clamp(1, PIECE_BYTES))
            .map_err(|error| host_failed("reading the input", &error))?;
        self.meter.deadline()?;
        Ok(piece)
    }
}
