//! `output`: the files of a run, written to its sink in pieces. The sink publishes them only after the
//! run succeeds.

use super::host_failed;
use crate::bindings::output::{Host, HostFile};
use crate::call::Call;
use crate::resources::File;
use crate::stop::Stop;
use galleria_domain::{HostFault, names};
use wasmtime::component::Resource;

impl Host for Call {
    fn open(
        &mut self,
        directory: String,
        name: String,
        media_type: String,
    ) -> wasmtime::Result<Resource<File>> {
        self.meter.host_call()?;
        if !self.rights.directories.contains(&directory) {
            let what = format!("directory \"{directory}\"");
            return Err(self.meter.denied(what).into());
        }
        if !names::is_file_name(&name) {
            let what = format!("output.open: {name:?} is not a valid file name");
            return Err(Stop(HostFault::ContractBroken(what)).into());
        }
        self.meter.output((name.len() + media_type.len()) as u64)?;
        let Some(sink) = &mut self.streams.output else {
            return Err(self.meter.denied("output outside a run").into());
        };
        let number = sink
            .open(&directory, &name, &media_type)
            .map_err(|error| host_failed("opening an output file", &error))?;
        self.meter.deadline()?;
        Ok(self.table.push(File { number })?)
    }
}

impl HostFile for Call {
    fn write(&mut self, file: Resource<File>, chunk: Vec<u8>) -> wasmtime::Result<()> {
        self.meter.host_call()?;
        self.meter.output(chunk.len() as u64)?;
        let number = self.table.get(&file)?.number;
        let Some(sink) = &mut self.streams.output else {
            return Err(self.meter.denied("output outside a run").into());
        };
        sink.write(number, &chunk)
            .map_err(|error| host_failed("writing an output file", &error))?;
        self.meter.deadline()?;
        Ok(())
    }

    fn drop(&mut self, file: Resource<File>) -> wasmtime::Result<()> {
        self.table.delete(file)?;
        Ok(())
    }
}
