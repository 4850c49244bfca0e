//! Guests that attack the loader: files, imports, exports, instances, the check of settings, and features of
//! WebAssembly that the host refuses.

use super::build::{Module, leb128, section, text, with_modules, words};
use super::{Guest, guest};
use crate::wat::component;
use galleria_domain::plugin::Point;
use std::iter::repeat_n;

pub fn guests() -> Vec<Guest> {
    let mut guests = settings();
    guests.extend(starts());
    guests.extend(sizes());
    guests.extend(exports());
    guests.extend(features());
    guests
}

fn settings() -> Vec<Guest> {
    let check = |name, does, code, text| {
        guest(name, does)
            .attacks(&["loader"])
            .settings(code)
            .refused(text)
    };
    vec![
        check(
            "settings-loop",
            "loops while it checks its settings",
            "(loop (br 0)) (unreachable)",
            "plugins.bad.settings: plugin settings-loop failed to check its settings: more than 100 ms of CPU time",
        ),
        check(
            "settings-trap",
            "traps while it checks its settings",
            "(unreachable)",
            "failed to check its settings: the plugin crashed: wasm trap: wasm `unreachable`",
        ),
        check(
            "settings-endless-problems",
            "returns 2^32-1 problems of its settings",
            "(i32.store (i32.const 20) (i32.const -1)) (i32.const 16)",
            "contract broken: ",
        ),
        // The runner refuses a text of more than 8 KiB, which has room for 50 problems.
        check(
            "settings-many-problems",
            "returns 1,000 different problems of its settings",
            "(local $n i32)
            (drop (memory.grow (i32.const 1)))
            (loop
                (i32.store offset=65552 (i32.mul (local.get $n) (i32.const 32)) (i32.const 2048))
                (i32.store offset=65556 (i32.mul (local.get $n) (i32.const 32)) (local.get $n))
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if 0 (i32.lt_u (local.get $n) (i32.const 1000))))
            (i32.store (i32.const 8) (i32.const 65536)) (i32.store (i32.const 12) (i32.const 1000))
            (i32.const 8)",
            "plugins.bad.settings.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: ",
        )
        .attacks(&["load::MAX_PROBLEMS"])
        .with(text(2048, &"x".repeat(1_000))),
        check(
            "settings-long-problem",
            "returns a problem with a message of 60,000 bytes, which clears the terminal",
            "(i32.const 16)",
            "plugins.bad.settings.: x [2Jxxx",
        )
        .attacks(&["load::PROBLEM_BYTES"])
        .with(
            words(16, &[1024, 1])
                + &words(1024, &[0, 0, 0, 0, 0, 0, 2048, 60_000])
                + &text(2048, &format!("x\\1b[2J{}", "x".repeat(59_995))),
        ),
    ]
}

fn starts() -> Vec<Guest> {
    let start = |name, does, code: &str, text| {
        guest(name, does)
            .attacks(&["loader"])
            .with(format!("(func $start {code}) (start $start)"))
            .refused(text)
    };
    vec![
        start("start-loop", "loops in its start function", "(loop (br 0))", "more than 100 ms of CPU time"),
        start("start-trap", "traps in its start function", "(unreachable)", "`unreachable`"),
        start("start-recursion", "recurses in its start function", "(call $start)", "call stack exhausted").attacks(&["config::WASM_STACK"]),
        start("start-grow", "grows its memory in its start function", "(loop (drop (memory.grow (i32.const 1))) (br 0))", "more than 16777216 bytes of memory")
            .attacks(&["Limits::memory_bytes"]),
        start("start-calls-host", "calls the host in its start function", "(loop (call $write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 16) (i32.const 0)) (br 0))", "wasm trap: uninitialized element")
            .calls(&["log#write"]),
        start("nested-debug-information", "crashes with debug information whose functions are nested 200,000 times", "(unreachable)", "`unreachable`")
            .component(component("", "", &nested_functions(200_000), "0.2.0")),
        guest("data-behind-memory", "writes data behind its memory")
            .attacks(&["loader"])
            .with(text(65_535, "ab"))
            .refused("out of bounds memory access"),
        guest("element-behind-table", "writes an element behind its table")
            .attacks(&["loader"])
            .with("(table 1 funcref) (elem (i32.const 1) $realloc)")
            .refused("out of bounds table access"),
    ]
}

/// A crash in a module with DWARF: a unit and a function that cover all code, and inlined functions in each other.
fn nested_functions(levels: usize) -> String {
    let abbreviations = r"\01\11\01\11\01\12\06\00\00\02\2e\01\11\01\12\06\00\00\03\1d\01\00\00\00";
    let functions = format!(
        r"\01\00\00\00\00\ff\ff\00\00\02\00\00\00\00\ff\ff\00\00{}{}",
        r"\03".repeat(levels),
        r"\00".repeat(levels + 2)
    );
    let length = u32::try_from(2 * levels + 20 + 7)
        .expect("32 bits")
        .to_le_bytes();
    let length: String = length.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!(
        r#"(func $start (unreachable)) (start $start)
        (@custom ".debug_abbrev" "{abbreviations}")
        (@custom ".debug_info" "{length}\04\00\00\00\00\00\04{functions}")"#
    )
}

fn sizes() -> Vec<Guest> {
    let module = |name, does, imports: &str, fields: &str, text| {
        guest(name, does)
            .attacks(&["loader"])
            .component(component(imports, "", fields, "0.2.0"))
            .refused(text)
    };
    let modules = |count: usize, fields: &str| -> String {
        let instances: String = repeat_n("(core instance (instantiate $n))", count).collect();
        format!("(core module $n {fields}) {instances}")
    };
    vec![
        module(
            "large-memory",
            "starts with a memory above the limit",
            "",
            "(memory 300)",
            "more than 16777216 bytes of memory",
        )
        .attacks(&["Limits::memory_bytes"]),
        module(
            "larger-memory",
            "starts with a memory above the limit of the host",
            "",
            "(memory 5000)",
            "the component does not load",
        )
        .attacks(&["Limits::memory_bytes"]),
        module(
            "large-table",
            "starts with a table above the limit",
            "",
            "(table 90000 funcref)",
            "more than 16000 bytes of memory",
        )
        .attacks(&["Limits::table_elements"]),
        module(
            "many-tables",
            "starts with 17 tables",
            "",
            &"(table 1 funcref)".repeat(17),
            "the component does not load",
        )
        .attacks(&["config::TABLES"]),
        module(
            "many-memories",
            "starts with 5 memories, one in each instance",
            &modules(5, "(memory 1)"),
            "",
            "the component does not load",
        )
        .attacks(&["config::MEMORIES"]),
        module(
            "many-instances",
            "starts 65 instances",
            &modules(65, ""),
            "",
            "the component does not load",
        )
        .attacks(&["config::CORE_INSTANCES"]),
        guest("many-globals", "has 300,000 globals")
            .component(with_modules(
                Module::default().component(Point::OnPayment),
                &[globals(300_000)],
            ))
            .refused("the component does not load")
            .attacks(&["config::CORE_INSTANCE_BYTES"]),
        module(
            "long-stamp",
            "has a stamp of 5,000 bytes",
            &format!(r#"(@custom "galleria:plugin" "{}")"#, "1".repeat(5_000)),
            "",
            "must be a line of JSON of at most 4096 bytes",
        )
        .attacks(&["inspect::STAMP_BYTES"]),
        module(
            "stamp-not-json",
            "has a stamp that is no JSON",
            r#"(@custom "galleria:plugin" "{")"#,
            "",
            "must be a line of JSON",
        ),
    ]
}

fn exports() -> Vec<Guest> {
    let other = |name, does, bytes: Vec<u8>, text| {
        guest(name, does)
            .attacks(&["loader"])
            .component(bytes)
            .refused(text)
    };
    let wat = |text: &str| wat::parse_str(text).expect("a component");
    let point = |exports: &str| {
        wat(&format!(
            r#"(component
                (core module $m (func (export "f")))
                (core instance $i (instantiate $m))
                (func $f (canon lift (core func $i "f")))
                {exports})"#
        ))
    };
    let settings = r#"(instance $s (export "check" (func $f))) (export "galleria:retail/settings@0.2.0" (instance $s))"#;
    vec![
        other("no-file", "is an empty file", vec![], "is empty; must be a WebAssembly component"),
        other("other-file", "is a script", b"#!/bin/sh\nexit 0\n".to_vec(), "must be a WebAssembly component"),
        other("core-module", "is a core module", wat("(module)"), "is a core module; must be a WebAssembly component"),
        other("no-exports", "exports nothing", wat("(component)"), "must export at least one extension point"),
        other("no-settings", "exports no settings", point(r#"(instance $p (export "handle" (func $f))) (export "galleria:retail/on-payment@0.2.0" (instance $p))"#),
            "must export galleria:retail/settings@0.2.0"),
        other("unknown-point", "exports an unknown point", point(&format!(r#"{settings} (export "galleria:retail/on-theft@0.2.0" (instance $s))"#)),
            "on-theft@0.2.0, which is not an extension point"),
        other("other-version", "exports a point of another version", point(&format!(r#"{settings} (export "galleria:retail/on-payment@9.0.0" (instance $s))"#)),
            "uses galleria:retail/on-payment@9.0.0, but this host supports galleria:retail@0.2.0"),
        other("point-without-function", "exports a point without its function", point(&format!(r#"{settings} (instance $p) (export "galleria:retail/on-payment@0.2.0" (instance $p))"#)),
            "the component does not load"),
        other("point-as-function", "exports a function by the name of a point", point(&format!(r#"{settings} (export "galleria:retail/on-payment@0.2.0" (func $f))"#)),
            "the component does not load"),
        other("mistyped-point", "exports a point whose function has no parameters", component("", "", "", "0.2.0"), "contract broken"),
        other("long-import", "imports an interface whose name has 50,000 bytes",
            component(&format!(r#"(import "{}" (instance))"#, "n".repeat(50_000)), "", "", "0.2.0"), "imports nnn")
            .attacks(&["inspect::MESSAGE_BYTES"]),
        other("long-core-import", "has a module whose import has a name of 50,000 bytes",
            component(&format!(r#"(core module $a (import "{}" "a" (func))) (core instance (instantiate $a))"#, "n".repeat(50_000)), "", "", "0.2.0"), "the component does not load")
            .attacks(&["load::LOAD_BYTES"]),
        other("unknown-import", "imports an unknown capability", component(r#"(import "galleria:retail/teleport@0.2.0" (instance))"#, "", "", "0.2.0"),
            "teleport@0.2.0, which is not a capability"),
        other("foreign-import", "imports an interface of another package", component(r#"(import "acme:bombs/fuse@1.0.0" (instance))"#, "", "", "0.2.0"),
            "imports acme:bombs/fuse@1.0.0; a plugin may only import WASI and capabilities"),
        other("mistyped-import", "imports a capability with a function that it does not have",
            component(r#"(import "galleria:retail/log@0.2.0" (instance (export "read-everything" (func))))"#, "", "", "0.2.0"), "the component does not load")
            .attacks(&["log#write"]),
        other("import-as-module", "imports a module by the name of WASI", component(r#"(import "wasi:cli/environment@0.2.0" (core module))"#, "", "", "0.2.0"), "the component does not load"),
        other("deep-nesting", "nests 1,000 components", nested(1_000), "must nest at most 100 components in each other")
            .attacks(&["inspect::NESTING"]),
        other("doubling-types", "has a type that doubles 60 times",
            component(&(0..60).fold("(type $t0 (tuple u8 u8))".to_owned(), |text, n| format!("{text} (type $t{} (tuple $t{n} $t{n}))", n + 1)), "", "", "0.2.0"),
            "the component does not load"),
    ]
}

/// A module with this many globals. As text it would take seconds to parse.
fn globals(count: usize) -> Vec<u8> {
    let mut content = leb128(count);
    content.extend(b"\x7f\x00\x41\x00\x0b".repeat(count));
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    module.extend(section(6, &content));
    module
}

/// A component in a component, and so on.
fn nested(levels: usize) -> Vec<u8> {
    (0..levels).fold(Vec::new(), |inner, level| {
        let mut component = b"\0asm\x0d\0\x01\0".to_vec();
        if level > 0 {
            component.extend(section(4, &inner));
        }
        component
    })
}

/// Features of the core language, in a module, and of components.
fn features() -> Vec<Guest> {
    let feature = |name, does, flag: &'static str, text, imports: &str, fields: &str| {
        let mut guest = guest(name, does);
        guest.attacks.push(flag);
        guest
            .component(component(imports, "", fields, "0.2.0"))
            .refused(text)
    };
    let core = |name, does, flag, text, fields: &str| feature(name, does, flag, text, "", fields);
    let part = |name, does, flag, text, part: &str| feature(name, does, flag, text, part, "");
    vec![
        core(
            "memory64",
            "has a memory of 64 bits",
            "WasmFeatures::MEMORY64",
            "memory64 must be enabled",
            "(memory i64 1)",
        ),
        core(
            "multi-memory",
            "has two memories in a module",
            "WasmFeatures::MULTI_MEMORY",
            "multiple memories",
            "(memory 1) (memory 1)",
        ),
        core(
            "threads",
            "has a shared memory",
            "WasmFeatures::THREADS",
            "threads must be enabled",
            "(memory 1 1 shared)",
        ),
        core(
            "shared-everything",
            "has a shared type",
            "WasmFeatures::SHARED_EVERYTHING_THREADS",
            "shared-everything-threads proposal",
            "(type (shared (func)))",
        ),
        core(
            "tail-call",
            "calls in tail position",
            "WasmFeatures::TAIL_CALL",
            "tail calls support is not enabled",
            "(func $f) (func (return_call $f))",
        ),
        core(
            "exceptions",
            "has a tag",
            "WasmFeatures::EXCEPTIONS",
            "exceptions proposal not enabled",
            "(tag)",
        ),
        core(
            "legacy-exceptions",
            "catches exceptions of the old form",
            "WasmFeatures::LEGACY_EXCEPTIONS",
            "legacy_exceptions feature required",
            "(func try catch_all end)",
        ),
        core(
            "gc",
            "has a struct",
            "WasmFeatures::GC",
            "without the gc feature",
            "(type (struct (field i32)))",
        ),
        core(
            "function-references",
            "has a typed reference",
            "WasmFeatures::FUNCTION_REFERENCES",
            "function references required",
            "(type $t (func)) (func (param (ref $t)))",
        ),
        core(
            "relaxed-simd",
            "uses relaxed SIMD",
            "WasmFeatures::RELAXED_SIMD",
            "relaxed SIMD support is not enabled",
            "(func (param v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 0)))",
        ),
        core(
            "wide-arithmetic",
            "multiplies to 128 bits",
            "WasmFeatures::WIDE_ARITHMETIC",
            "wide arithmetic support is not enabled",
            "(func (param i64 i64) (result i64 i64) (i64.mul_wide_u (local.get 0) (local.get 1)))",
        ),
        core(
            "custom-page-sizes",
            "has a memory with pages of one byte",
            "WasmFeatures::CUSTOM_PAGE_SIZES",
            "custom page sizes proposal must be enabled",
            "(memory 1 (pagesize 1))",
        ),
        core(
            "memory-control",
            "discards pages of its memory",
            "WasmFeatures::MEMORY_CONTROL",
            "memory control support is not enabled",
            "(memory 1) (func (memory.discard (i32.const 0) (i32.const 0)))",
        ),
        core(
            "stack-switching",
            "has a continuation",
            "WasmFeatures::STACK_SWITCHING",
            "stack switching is disabled",
            "(type $f (func)) (type (cont $f))",
        ),
        core(
            "custom-descriptors",
            "has a type with a descriptor",
            "WasmFeatures::CUSTOM_DESCRIPTORS",
            "requires `gc` proposal",
            "(rec (type $a (descriptor $b) (struct)) (type $b (describes $a) (struct)))",
        ),
        part(
            "values",
            "has a value",
            "WasmFeatures::CM_VALUES",
            "`value`s is not enabled",
            r#"(import "wasi:a/b@0.2.0" (value string))"#,
        ),
        part(
            "nested-names",
            "imports a nested name",
            "WasmFeatures::CM_NESTED_NAMES",
            "is not a valid extern name",
            r#"(import "wasi:a:b/c/d" (instance))"#,
        ),
        part(
            "async",
            "has a future",
            "WasmFeatures::CM_ASYNC",
            "requires the component model async feature",
            "(type (future))",
        ),
        part(
            "async-stackful",
            "lifts an asynchronous function without a callback",
            "WasmFeatures::CM_ASYNC_STACKFUL",
            "require the component model async feature",
            r#"(core module $a (func (export "f"))) (core instance $a (instantiate $a)) (type $t (func async)) (func (type $t) (canon lift (core func $a "f") async))"#,
        ),
        part(
            "async-builtins",
            "reads a stream asynchronously",
            "WasmFeatures::CM_MORE_ASYNC_BUILTINS",
            "requires the component model async feature",
            "(core func (canon subtask.cancel async))",
        ),
        part(
            "threading",
            "starts a thread",
            "WasmFeatures::CM_THREADING",
            "requires the component model threading feature",
            "(core func (canon thread.index))",
        ),
        part(
            "error-context",
            "has an error context",
            "WasmFeatures::CM_ERROR_CONTEXT",
            "requires the component model error-context feature",
            "(core func (canon error-context.drop))",
        ),
        part(
            "fixed-length-lists",
            "has a list of fixed length",
            "WasmFeatures::CM_FIXED_LENGTH_LISTS",
            "require the component model fixed-length lists feature",
            "(type (list u8 4))",
        ),
        part(
            "map",
            "has a map",
            "WasmFeatures::CM_MAP",
            "require the component model map feature",
            "(type (map string u32))",
        ),
        part(
            "implements",
            "imports an interface that implements another",
            "WasmFeatures::CM_IMPLEMENTS",
            "`cm-implements` feature is not active",
            r#"(import "wasi:a/b@0.2.0" (implements "wasi:c/d@0.2.0") (instance))"#,
        ),
        feature(
            "compact-imports",
            "imports with the compact form",
            "WasmFeatures::COMPACT_IMPORTS",
            "compact imports proposal disabled",
            r#"(core module $a (import "a" (item "b" (func)) (item "c" (func))))"#,
            "",
        ),
        part(
            "component-gc",
            "lifts with garbage collection",
            "WasmFeatures::CM_GC",
            "requires the `cm-gc` feature",
            r#"(core module $a (func (export "f"))) (core instance $a (instantiate $a)) (type $t (func)) (func (type $t) (canon lift (core func $a "f") gc))"#,
        ),
    ]
}
