//! `output`: the files of a run, written to its sink in pieces. The sink publishes them only after the
//! run succeeds.

use super::host_failed;
use crate::bindings::output::{Host, HostFile};
use crate::call::Call;
use crate::decision;
use crate::resources::File;
use crate::stop::Stop;
use galleria_contract::{OPEN_FILES, RUN_FILES};
use galleria_domain::{HostFault, names};
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
            let what = format!("directory \"{directory}\"");
            return Err(self.meter.denied(what).into());
        }
        if !names::is_file_name(&name) {
            let rule = "must be one segment of a path, with at most 200 bytes, without a leading dot, control \
                        characters and any of / \\ : * ? \" < > |";
            return Err(refused(&name, rule).into());
        }
        if self.opened_files == RUN_FILES {
            let rule = format!("a run may write at most {RUN_FILES} files");
            return Err(refused(&name, &rule).into());
        }
        if self.open_files == OPEN_FILES {
            let rule = format!(
                "at most {OPEN_FILES} files may be open at once: drop a file when it is complete"
            );
            return Err(refused(&name, &rule).into());
        }
        decision::check_media_type(&media_type).map_err(|rule| refused(&name, &rule))?;
        self.meter.output((name.len() + media_type.len()) as u64)?;
        let Some(sink) = &mut self.streams.output else {
            return Err(self.meter.denied("output outside a run").into());
        };
        let number = match sink.open(&directory, &name, &media_type) {
            Ok(number) => number,
            Err(Error::NameTaken { .. }) => {
                let rule = format!("the run has opened a file of this name in {directory} before");
                return Err(refused(&name, &rule).into());
            }
            Err(error) => return Err(host_failed("opening an output file", &error).into()),
        };
        self.open_files += 1;
        self.opened_files += 1;
        self.meter.deadline()?;
        Ok(self.table.push(File { number })?)
    }
}

fn refused(name: &str, rule: &str) -> Stop {
    let what = format!("output.open: {name:?}: {rule}");
    Stop(HostFault::ContractBroken(what))
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
