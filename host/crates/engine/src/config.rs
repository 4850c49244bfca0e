//! Configuration of wasmtime: memory reservation, pool sizes and stack, each with its reason.

use galleria_domain::plugin::Limits;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use wasmtime::{
    Config, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails, WasmFeatures,
};

/// The WebAssembly features that guests may use: those that the toolchains of the SDKs use. All others are
/// refused: each one adds code that a hostile guest can attack, and some, such as relaxed SIMD, have different
/// results on different processors.
const FEATURES: WasmFeatures = WasmFeatures::COMPONENT_MODEL
    .union(WasmFeatures::MUTABLE_GLOBAL)
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::SIMD)
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::EXTENDED_CONST)
    // No proposal: the parser's own switch for the types of references.
    .union(WasmFeatures::GC_TYPES);

/// Address space of one linear memory, in bytes. If all 4 GiB of a 32-bit memory are reserved, compiled
/// code needs no bounds checks. Only pages that a guest touches are backed by memory.
const MEMORY_RESERVATION: u64 = 4 << 30;

/// Bytes of a linear memory that stay mapped after a call and are cleared by writing zeros. The rest
/// returns to the system and causes page faults in the next call. A Rust guest with its 64 KiB stack
/// starts with two pages of 64 KiB and grows by a few, so it causes no page faults.
const RESIDENT_MEMORY: usize = 512 << 10;

/// The same for a table, in bytes: 8,192 elements. Rust guests have some hundred, Python guests 5,000.
const RESIDENT_TABLE: usize = 64 << 10;

/// Bytes of the thread's stack that wasm frames may use. Deeper recursion traps. Threads that run guests
/// have 2 MiB; the rest is for the host's own frames.
const WASM_STACK: usize = 1 << 20;

/// Core instances in a component. Rust's tools create a handful; Python's standard library consists of
/// shared modules, and each of them is one instance.
const CORE_INSTANCES: u32 = 64;

/// Linear memories in a component: known tools create one; composed components have one per module.
/// `meter` limits their total size.
const MEMORIES: u32 = 4;

/// Tables in a component: one for each core module that declares a table.
const TABLES: u32 = 16;

/// Bookkeeping for one core instance, in bytes: functions, imports, globals. Far above what known
/// components need; it is allocated on demand.
const CORE_INSTANCE_BYTES: usize = 4 << 20;

/// Bookkeeping for one component instance, in bytes.
const COMPONENT_INSTANCE_BYTES: usize = 4 << 20;

/// Configuration of an engine.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The directory of compiled components. Must belong to the host alone: its files run as machine code.
    pub artifacts: PathBuf,
    /// Upper bounds for the limits of every slot. They also size the pool.
    pub ceiling: Limits,
    /// Calls that may run at the same time. A further call ends with `HostFailed`.
    pub calls_at_once: u32,
    /// Where components are compiled.
    pub compiler: Compiler,
}

/// Where components are compiled.
#[derive(Clone, Debug, Default)]
pub enum Compiler {
    /// In this process, without limits: for trusted components, such as those of tests.
    #[default]
    InProcess,
    /// In child processes.
    Child(ChildCompiler),
}

/// A program that calls [`compile_child`](crate::compile_child), and its limits.
#[derive(Clone, Debug)]
pub struct ChildCompiler {
    /// The program. It must contain the same version of the engine.
    pub program: PathBuf,
    /// Arguments of the program, before the one that [`compile_child`](crate::compile_child) reads.
    pub arguments: Vec<OsString>,
    /// Limits of each child.
    pub limits: CompileLimits,
    /// Children that may run at the same time; at least one.
    pub at_once: usize,
}

/// Limits of one compilation.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct CompileLimits {
    /// CPU time, rounded up to seconds.
    pub cpu: Duration,
    /// Elapsed time.
    pub wall: Duration,
    /// Memory that the child may allocate, in bytes. Files, stacks and address space that it only reserves do not
    /// count.
    pub memory_bytes: u64,
    /// Size of the artifact.
    pub artifact_bytes: u64,
}

impl CompileLimits {
    /// CPU time in the unit of the system's limit.
    pub(crate) fn cpu_seconds(&self) -> u64 {
        self.cpu.as_secs() + u64::from(self.cpu.subsec_nanos() > 0)
    }
}

impl EngineConfig {
    /// The defaults: four times the memory and tables of an ordinary call, hours for a run, and 128
    /// concurrent calls, which is more than the number of threads that make calls. Components are compiled in
    /// this process.
    pub fn new(artifacts: impl Into<PathBuf>) -> Self {
        Self {
            artifacts: artifacts.into(),
            ceiling: Limits {
                cpu_ms: 3_600_000,
                wall_ms: 4 * 3_600_000,
                memory_bytes: 256 << 20,
                table_elements: 100_000,
                output_bytes: 16 << 30,
                items: 10_000,
                attributes: 10_000,
                log_bytes: 16 << 20,
                host_calls: 1_000_000_000,
            },
            calls_at_once: 128,
            compiler: Compiler::InProcess,
        }
    }

    pub(crate) fn wasmtime(&self) -> Config {
        let mut config = compilation();
        config
            .allocation_strategy(InstanceAllocationStrategy::Pooling(self.pool()))
            .max_wasm_stack(WASM_STACK);
        config
    }

    fn pool(&self) -> PoolingAllocationConfig {
        let calls = self.calls_at_once.max(1);
        let bounded = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let mut pool = PoolingAllocationConfig::new();
        // These count slots of the pool: as many as the largest components need in all calls, so that one
        // plugin cannot use up the slots of the others. An unused slot costs address space only.
        pool.total_component_instances(calls)
            .total_core_instances(calls.saturating_mul(CORE_INSTANCES))
            .total_memories(calls.saturating_mul(MEMORIES))
            .total_tables(calls.saturating_mul(TABLES))
            .max_core_instances_per_component(CORE_INSTANCES)
            .max_memories_per_component(MEMORIES)
            .max_memories_per_module(1)
            .max_tables_per_component(TABLES)
            .max_tables_per_module(TABLES)
            .max_core_instance_size(CORE_INSTANCE_BYTES)
            .max_component_instance_size(COMPONENT_INSTANCE_BYTES)
            .max_memory_size(bounded(self.ceiling.memory_bytes))
            .table_elements(bounded(self.ceiling.table_elements))
            .linear_memory_keep_resident(RESIDENT_MEMORY)
            .table_keep_resident(RESIDENT_TABLE);
        // `pagemap_scan` stays off: it resets only the pages that are present, so a dirty page that
        // was swapped out could reach the next guest.
        pool
    }
}

/// The settings that compiled code depends on. Without the pool, whose address space would count as memory of a
/// process that only compiles.
pub(crate) fn compilation() -> Config {
    let mut config = Config::new();
    config
        .memory_reservation(MEMORY_RESERVATION)
        .concurrency_support(false)
        .epoch_interruption(true)
        // A guest's DWARF is parsed recursively: nested entries would overflow the host's stack. The names
        // of functions come from the name section, and panic messages contain file and line.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        // A replay on another processor must return the same bytes.
        .cranelift_nan_canonicalization(true)
        .wasm_features(FEATURES.complement(), false);
    config
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};

    #[test]
    fn engine_loads_what_a_child_compiles() {
        let hash = |config: Config| {
            let engine = wasmtime::Engine::new(&config).expect("an engine");
            let mut hasher = DefaultHasher::new();
            engine.precompile_compatibility_hash().hash(&mut hasher);
            hasher.finish()
        };
        assert_eq!(hash(compilation()), hash(EngineConfig::new("").wasmtime()));
    }
}
