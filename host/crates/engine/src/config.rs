//! How the engine is set up: what it keeps, how much it has room for, and why.

use galleria_domain::plugin::Limits;
use std::path::PathBuf;
use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails};

/// Address space of one linear memory. With all of a 32-bit memory's 4 GiB reserved, compiled code
/// needs no bounds checks; only what a guest touches is backed by memory.
const MEMORY_RESERVATION: u64 = 4 << 30;

/// Of a linear memory, kept and cleared by writing zeros when a call has ended; the rest goes back to
/// the system and faults in again. A Rust guest with its 64 KiB stack has two pages of 64 KiB and
/// grows by a few while it renders, so nothing of it faults.
const MEMORY_KEPT: usize = 512 << 10;

/// The same for a table: 8,192 elements. Rust guests have some hundred, Python's 5,000.
const TABLE_KEPT: usize = 64 << 10;

/// wasm frames on the thread's stack. Deep recursion ends in a trap at this depth; threads that run
/// guests have 2 MiB, the rest is for the host's own frames.
const WASM_STACK: usize = 1 << 20;

/// Core instances in a component. Rust's tools make a handful; Python's standard library is made of
/// shared modules, each of which is one.
const CORE_INSTANCES: u32 = 64;

/// Linear memories in a component: one each from the tools we know, and room for composed ones. That
/// they stay within the limit together is counted in `meter`.
const MEMORIES: u32 = 4;

/// Tables in a component: one for each core module that has its own.
const TABLES: u32 = 16;

/// Of bookkeeping for one core instance: functions, imports, globals. A bound that no component we
/// know comes near; it is allocated as needed.
const CORE_INSTANCE_BYTES: usize = 4 << 20;

/// Of bookkeeping for one component instance.
const COMPONENT_INSTANCE_BYTES: usize = 4 << 20;

/// How the engine is set up.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Where compiled components are kept. The host's own: whoever can write there runs code in it.
    pub artifacts: PathBuf,
    /// No slot gets more than this, whatever its limits say. Also sizes the pool.
    pub ceiling: Limits,
    /// Calls that run at the same time. One more is answered with a fault of the host.
    pub calls_at_once: u32,
}

impl EngineConfig {
    /// With the defaults: four times the memory and tables of an ordinary call, hours for a run, and
    /// 128 calls at once, more than the threads that make them.
    pub fn new(artifacts: impl Into<PathBuf>) -> Self {
        Self {
            artifacts: artifacts.into(),
            ceiling: Limits {
                cpu_ms: 3_600_000,
                wall_ms: 4 * 3_600_000,
                memory_bytes: 256 << 20,
                table_elements: 100_000,
                output_bytes: 16 << 30,
                log_bytes: 16 << 20,
                host_calls: 1_000_000_000,
            },
            calls_at_once: 128,
        }
    }

    pub(crate) fn wasmtime(&self) -> Config {
        let mut config = Config::new();
        config
            .allocation_strategy(InstanceAllocationStrategy::Pooling(self.pool()))
            .memory_reservation(MEMORY_RESERVATION)
            .concurrency_support(false)
            .epoch_interruption(true)
            .max_wasm_stack(WASM_STACK)
            .wasm_backtrace_details(WasmBacktraceDetails::Enable);
        config
    }

    fn pool(&self) -> PoolingAllocationConfig {
        let calls = self.calls_at_once.max(1);
        let bounded = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let mut pool = PoolingAllocationConfig::new();
        // Counts are of slots, which cost address space until they are used.
        pool.total_component_instances(calls)
            .total_core_instances(calls.saturating_mul(CORE_INSTANCES))
            .total_memories(calls)
            .total_tables(calls.saturating_mul(4))
            .max_core_instances_per_component(CORE_INSTANCES)
            .max_memories_per_component(MEMORIES)
            .max_memories_per_module(MEMORIES)
            .max_tables_per_component(TABLES)
            .max_tables_per_module(TABLES)
            .max_core_instance_size(CORE_INSTANCE_BYTES)
            .max_component_instance_size(COMPONENT_INSTANCE_BYTES)
            .max_memory_size(bounded(self.ceiling.memory_bytes))
            .table_elements(bounded(self.ceiling.table_elements))
            .linear_memory_keep_resident(MEMORY_KEPT)
            .table_keep_resident(TABLE_KEPT);
        // `pagemap_scan` stays off: it resets only pages reported present, and a page that is dirty
        // but swapped out could reach the next guest.
        pool
    }
}

/// The smaller of both, limit by limit.
pub(crate) fn clamped(limits: &Limits, ceiling: &Limits) -> Limits {
    let Limits {
        cpu_ms,
        wall_ms,
        memory_bytes,
        table_elements,
        output_bytes,
        log_bytes,
        host_calls,
    } = *limits;
    Limits {
        cpu_ms: cpu_ms.min(ceiling.cpu_ms),
        wall_ms: wall_ms.min(ceiling.wall_ms),
        memory_bytes: memory_bytes.min(ceiling.memory_bytes),
        table_elements: table_elements.min(ceiling.table_elements),
        output_bytes: output_bytes.min(ceiling.output_bytes),
        log_bytes: log_bytes.min(ceiling.log_bytes),
        host_calls: host_calls.min(ceiling.host_calls),
    }
}
