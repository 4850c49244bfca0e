//! `output`: the files of a run, written to its sink in pieces. The sink publishes them only after the
//! run succeeds.

use super::host_failed;
use crate::bindings::output::{Host, HostFile};
use crate::call::Call;
use crate::resources::File;
use crate::stop::Stop;
use galleria_contract::OPEN_FILES;
use galleria_domain::{HostFault, guest_values};
use galleria_ports::Error;
use wasmtime::component::Resource;

/// Bytes that are written between two checks of the deadline.
const PIECE_BYTES: usize = 1 << 20;

impl Host for Call {
    fn open(
        &mut self,
        directory: String,
        name: String,
        media_type: String,
    ) -> wasmtime::Result<Resource<File>> {
        self.meter.host_call()?;
        if !self.rights.directories.contains(&directory) {
            let what = format!("directory {}", guest_values::quoted(&directory));
            return Err(self.meter.denied(what).into());
        }
        guest_values::check_output_file(&name, &media_type).map_err(Stop)?;
        self.meter
            .output(guest_values::size_of_output_file(&name, &media_type))?;
        let limit = self.meter.limits().items;
        guest_values::check_output_count(&name, self.opened_files, limit).map_err(Stop)?;
        if self.open_files == OPEN_FILES {
            let what = format!(
                "output.open: {name:?}: at most {OPEN_FILES} files may be open at once: drop a file when it is complete"
            );
            return Err(Stop(HostFault::ContractBroken(what)).into());
        }
        let Some(sink) = &mut self.streams.output else {
            return Err(self.meter.denied("output outside a run").into());
        };
        let number = match sink.open(&directory, &name, &media_type) {
            Ok(number) => number,
            Err(Error::NameTaken { .. }) => {
                return Err(Stop(guest_values::repeated_output(&directory, &name)).into());
            }
            Err(error) => return Err(host_failed("opening an output file", &error).into()),
        };
        self.open_files += 1;
        self.opened_files += 1;
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
        for piece in chunk.chunks(PIECE_BYTES) {
            sink.write(number, piece)
                .map_err(|error| host_failed("writing an output file", &error))?;
            self.meter.deadline()?;
        }
        Ok(())
    }

    fn drop(&mut self, file: Resource<File>) -> wasmtime::Result<()> {
        let File { number } = self.table.delete(file)?;
        self.open_files -= 1;
        if let Some(sink) = &mut self.streams.output {
            sink.close(number)
                .map_err(|error| host_failed("closing an output file", &error))?;
        }
        self.meter.deadline()?;
        Ok(())
    }
}
