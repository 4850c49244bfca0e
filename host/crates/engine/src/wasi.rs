//! The WASI that offers nothing: no arguments, environment, files or network; a clock that stands at
//! the event's moment, randomness that is the event's, and standard streams that are the plugin's log.
//!
//! Components carry WASI imports whatever they use, so all of it is linked. Waiting and sockets are
//! denied: a guest that sleeps blocks a worker, and nothing it could wait for exists.

use crate::call::Call;
use crate::capability::log::{Log, Printed};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasSelf, Linker, Resource, ResourceType};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, DynPollable, IoError, OutputStream, Pollable, StreamResult,
    subscribe,
};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx};
use wasmtime_wasi_io::bytes::Bytes;

/// The version of WASI that this wasmtime links. Stubs have to be put over exactly its names; were
/// another one linked, sockets would answer "access denied" instead of ending the call, and the test
/// of that would fail.
const VERSION: &str = "0.2.12";

/// What a guest may print at once; it may go on after.
const PRINT_BYTES: usize = 64 << 10;

/// Randomness for one question: the host makes it before the guest has room for it.
const RANDOM_BYTES: u64 = 1 << 20;

/// WASI for one call.
pub(crate) fn context(event_id: &str, occurred_at: &str, log: &Log) -> WasiCtx {
    // Public: anyone who knows the event's id knows what a guest was given.
    let seed: [u8; 32] = Sha256::digest(event_id.as_bytes()).into();
    let mut words = [0; 16];
    words.copy_from_slice(&seed[..16]);
    let secure = ChaCha8Rng::from_seed(seed);
    let mut insecure = secure.clone();
    insecure.set_stream(1);
    WasiCtx::builder()
        .secure_random(secure)
        .insecure_random(insecure)
        .insecure_random_seed(u128::from_le_bytes(words))
        .max_random_size(RANDOM_BYTES)
        .wall_clock(At(occurred_at.to_owned()))
        .monotonic_clock(Still)
        .stdout(Stream(log.clone(), Printed::Out))
        .stderr(Stream(log.clone(), Printed::Err))
        .allow_tcp(false)
        .allow_udp(false)
        .build()
}

/// The moment of the event. Read only when a guest asks.
struct At(String);

impl HostWallClock for At {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        // A host that hands out no instant here has been caught long before; 1970 is then as good
        // as anything that does not stop the call.
        let at: jiff::Timestamp = self.0.parse().unwrap_or_default();
        Duration::try_from(at.duration_since(jiff::Timestamp::UNIX_EPOCH)).unwrap_or_default()
    }
}

/// Begins at nothing and never moves.
struct Still;

impl HostMonotonicClock for Still {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        0
    }
}

/// A moment that has come.
struct Now;

#[wasmtime_wasi::async_trait]
impl Pollable for Now {
    async fn ready(&mut self) {}
}

/// Only what is over can be waited for. Every other pollable a guest can get is ready at once, so
/// that `wasi:io/poll` never blocks.
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
            return Err(self.meter.denied("waiting for a time to come").into());
        }
        let now = self.table.push(Now)?;
        subscribe(&mut self.table, now)
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
        // Asked for by WASI 0.3 alone, which is not linked.
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

/// Everything of WASI, with waiting denied.
pub(crate) fn link(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_sync(linker)?;
    linker.allow_shadowing(true);
    monotonic_clock::add_to_linker::<Call, HasSelf<Call>>(linker, |call| call)
}

/// Puts functions that deny and count over the sockets a component imports, and in the place of
/// every interface of WASI that is not linked.
pub(crate) fn link_denials(
    linker: &mut Linker<Call>,
    component: &Component,
) -> wasmtime::Result<()> {
    let engine = component.engine();
    for (import, item) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(instance) = item.ty else {
            continue;
        };
        let (name, known) = match import.split_once('@') {
            Some((name, _)) if name.starts_with("wasi:sockets/") => {
                (format!("{name}@{VERSION}"), true)
            }
            Some((name, _)) if !is_offered(name) => (import.to_owned(), false),
            _ => continue,
        };
        let mut place = linker.instance(&name)?;
        for (item, kind) in instance.exports(engine) {
            match kind.ty {
                ComponentItem::ComponentFunc(_) => {
                    let what = format!("{}#{item}", import.split('@').next().unwrap_or(import));
                    place.func_new(item, move |mut store, _, _, _| {
                        Err(store.data_mut().meter.denied(what.clone()).into())
                    })?;
                }
                // What WASI linked keeps its types; stand-ins need some, which no guest ever holds.
                ComponentItem::Resource(_) if !known => {
                    place.resource(item, stand_in(item), |_, _| Ok(()))?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Whether something else links it: the contract, or the WASI above.
fn is_offered(interface: &str) -> bool {
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

/// Interfaces that are not linked use the types of `wasi:io`, which are.
fn stand_in(name: &str) -> ResourceType {
    struct Nothing;
    match name {
        "pollable" => ResourceType::host::<DynPollable>(),
        "input-stream" => ResourceType::host::<DynInputStream>(),
        "output-stream" => ResourceType::host::<DynOutputStream>(),
        "error" | "io-error" => ResourceType::host::<IoError>(),
        _ => ResourceType::host::<Nothing>(),
    }
}
