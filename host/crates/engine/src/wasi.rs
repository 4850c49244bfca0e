//! A WASI without access to the machine: no arguments, environment, files or network. The clock shows
//! the time of the event, randomness derives from the event's id, and standard streams go to the
//! plugin's log.
//!
//! Components import WASI whether or not they use it, so all of it is linked. Waiting and sockets are
//! denied: a guest that sleeps would block a worker, and there is nothing to wait for.

use crate::call::Call;
use crate::plugin_log::{Log, Printed};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasSelf, Linker, Resource, ResourceType};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, DynPollable, IoError, OutputStream, Pollable, StreamError,
    StreamResult, subscribe,
};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx};
use wasmtime_wasi_io::bytes::Bytes;

/// The version of WASI that this wasmtime links. The stubs must shadow exactly these names. With another
/// version, sockets would return "access denied" instead of ending the call; a test covers this.
const VERSION: &str = "0.2.12";

/// Bytes that a guest may print in one call of `write`.
const PRINT_BYTES: usize = 64 << 10;

/// Random bytes in one request: the host allocates them before the guest does.
const RANDOM_BYTES: u64 = 1 << 20;

/// Creates the WASI context of one call.
pub(crate) fn context(event_id: &str, occurred_at: &str, log: &Log) -> WasiCtx {
    // Not secret: the event's id determines the random bytes.
    let seed: [u8; 32] = Sha256::digest(event_id.as_bytes()).into();
    let mut insecure_seed = [0; 16];
    insecure_seed.copy_from_slice(&seed[..16]);
    let secure = ChaCha8Rng::from_seed(seed);
    let mut insecure = secure.clone();
    insecure.set_stream(1);
    WasiCtx::builder()
        .secure_random(secure)
        .insecure_random(insecure)
        .insecure_random_seed(u128::from_le_bytes(insecure_seed))
        .max_random_size(RANDOM_BYTES)
        .wall_clock(EventTime(occurred_at.to_owned()))
        .monotonic_clock(StoppedClock)
        .stdout(Stream(log.clone(), Printed::Out))
        .stderr(Stream(log.clone(), Printed::Err))
        .allow_tcp(false)
        .allow_udp(false)
        .build()
}

/// The time of the event, parsed only when a guest reads the clock.
struct EventTime(String);

impl HostWallClock for EventTime {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        // The time was validated when the event was accepted. If it does not parse, 1970 keeps the
        // call running.
        let at: jiff::Timestamp = self.0.parse().unwrap_or_default();
        Duration::try_from(at.duration_since(jiff::Timestamp::UNIX_EPOCH)).unwrap_or_default()
    }
}

/// A monotonic clock that stays at zero.
struct StoppedClock;

impl HostMonotonicClock for StoppedClock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        0
    }
}

/// A pollable that is always ready.
struct Ready;

#[wasmtime_wasi::async_trait]
impl Pollable for Ready {
    async fn ready(&mut self) {}
}

/// Only a time that has passed can be waited for. Every other pollable that a guest can get is ready at
/// once, so `wasi:io/poll` never blocks.
impl monotonic_clock::Host for Call {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(0)
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1)
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.subscribe_duration(when)
    }

    fn subscribe_duration(&mut self, wait: u64) -> wasmtime::Result<Resource<DynPollable>> {
        if wait > 0 {
            return Err(self.meter.denied("waiting for a future time").into());
        }
        let ready = self.table.push(Ready)?;
        subscribe(&mut self.table, ready)
    }
}

/// Standard output or error.
#[derive(Clone)]
struct Stream(Log, Printed);

impl IsTerminal for Stream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stream {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // Only WASI 0.3 calls this, and it is not linked.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Stream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > PRINT_BYTES {
            return Err(StreamError::trap(&format!(
                "standard output and error take at most {PRINT_BYTES} bytes in one call, got {}",
                bytes.len()
            )));
        }
        self.0.print(self.1, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PRINT_BYTES)
    }
}

/// Links all of WASI, with waiting denied.
pub(crate) fn link(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_sync(linker)?;
    linker.allow_shadowing(true);
    monotonic_clock::add_to_linker::<Call, HasSelf<Call>>(linker, |call| call)
}

/// Links functions that deny and count: in place of the sockets that a component imports, and of every
/// WASI interface that is not linked.
pub(crate) fn link_denials(
    linker: &mut Linker<Call>,
    component: &Component,
) -> wasmtime::Result<()> {
    let engine = component.engine();
    for (import, item) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(instance) = item.ty else {
            continue;
        };
        let (name, is_linked) = match import.split_once('@') {
            Some((name, _)) if name.starts_with("wasi:sockets/") => {
                (format!("{name}@{VERSION}"), true)
            }
            Some((name, _)) if !is_linked_elsewhere(name) => (import.to_owned(), false),
            _ => continue,
        };
        let mut interface = linker.instance(&name)?;
        for (item, kind) in instance.exports(engine) {
            match kind.ty {
                ComponentItem::ComponentFunc(_) => {
                    let what = format!("{}#{item}", import.split('@').next().unwrap_or(import));
                    interface.func_new(item, move |mut store, _, _, _| {
                        Err(store.data_mut().meter.denied(what.clone()).into())
                    })?;
                }
                // A linked interface has its own types. A stub needs some, which no guest ever receives.
                ComponentItem::Resource(_) if !is_linked => {
                    interface.resource(item, resource_type(item), |_, _| Ok(()))?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Whether the contract or WASI links the interface.
fn is_linked_elsewhere(interface: &str) -> bool {
    [
        "galleria:retail/",
        "wasi:cli/",
        "wasi:clocks/",
        "wasi:filesystem/",
        "wasi:io/",
        "wasi:random/",
    ]
    .iter()
    .any(|package| interface.starts_with(package))
}

/// The type of a stub's resource. Stubs use the types of `wasi:io`, which is linked.
fn resource_type(name: &str) -> ResourceType {
    struct Unused;
    match name {
        "pollable" => ResourceType::host::<DynPollable>(),
        "input-stream" => ResourceType::host::<DynInputStream>(),
        "output-stream" => ResourceType::host::<DynOutputStream>(),
        "error" | "io-error" => ResourceType::host::<IoError>(),
        _ => ResourceType::host::<Unused>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin_log::Author;

    #[test]
    fn a_call_prints_a_limited_number_of_bytes() {
        let author = Author {
            retailer: "r".into(),
            slot: "s".into(),
            event: "e".into(),
            store: String::new(),
        };
        let mut stream = Stream(Log::new(author, 1_000, false), Printed::Out);
        let lines = |bytes| stream.write(vec![b'\n'; bytes].into());
        let [most, more] = [PRINT_BYTES, PRINT_BYTES + 1].map(lines);
        most.expect("printed");
        let error = more.expect_err("refused").to_string();
        assert!(
            error.contains("at most 65536 bytes in one call, got 65537"),
            "{error}"
        );
    }
}
