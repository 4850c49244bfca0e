//! `log`: log lines for people.

use crate::bindings::log::{Host, Level};
use crate::call::Call;

impl Host for Call {
    fn write(
        &mut self,
        level: Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        self.meter.host_call()?;
        self.log.write(level, &message, &fields);
        Ok(())
    }
}
