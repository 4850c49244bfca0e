//! Guests that break the ABI: results, allocations, handles, traps.

use super::build::{text, words};
use super::{Guest, guest};
use galleria_domain::plugin::Point;

const BROKEN: &str = "contract_broken";

/// Address of the result, which is zero everywhere: an accepted event with an empty decision.
const RESULT: &str = "(i32.const 16)";

pub fn guests() -> Vec<Guest> {
    let mut guests = results();
    guests.extend(traps());
    guests.extend(allocations());
    guests.extend(handles());
    guests
}

/// Results that no SDK returns. At 16 is the tag of the result, at 20 its value.
fn results() -> Vec<Guest> {
    let broken = |name, does, data: String, text| {
        guest(name, does)
            .attacks(&["abi"])
            .with(data)
            .fault(BROKEN, text)
    };
    vec![
        guest(
            "result-behind-memory",
            "returns a pointer behind its memory",
        )
        .attacks(&["abi"])
        .executes("(i32.const -16)")
        .fault(BROKEN, "pointer out of bounds"),
        guest(
            "result-across-end",
            "returns a pointer to the last bytes of its memory",
        )
        .attacks(&["abi"])
        .executes("(i32.const 65532)")
        .fault(BROKEN, "pointer out of bounds"),
        guest("result-misaligned", "returns a misaligned pointer")
            .attacks(&["abi"])
            .executes("(i32.const 17)")
            .fault(BROKEN, "aligned"),
        broken(
            "unknown-result",
            "returns an unknown tag of a result",
            words(16, &[2]),
            "discriminant",
        ),
        broken(
            "unknown-fault",
            "returns an unknown kind of fault",
            words(16, &[1, 200]),
            "discriminant",
        ),
        broken(
            "unknown-option",
            "returns an unknown tag of an option",
            words(16, &[1, 1, 9]),
            "discriminant",
        ),
        broken(
            "endless-list",
            "returns a list of 2^32-1 documents",
            words(16, &[0, 0, u32::MAX]),
            "out of bounds",
        ),
        broken(
            "list-behind-memory",
            "returns a list that starts behind its memory",
            words(16, &[0, 0x7fff_0000, 1]),
            "out of bounds",
        ),
        broken(
            "list-misaligned",
            "returns a misaligned list",
            words(16, &[0, 1025, 1]),
            "aligned",
        ),
        broken(
            "text-behind-memory",
            "returns a document whose name is behind its memory",
            words(16, &[0, 1024, 1]) + &words(1024, &[0, 0, 65_530, 100]),
            "out of bounds",
        ),
        broken(
            "text-not-utf8",
            "returns a document whose name is not UTF-8",
            words(16, &[0, 1024, 1]) + &words(1024, &[0, 0, 2048, 2]) + &text(2048, "\\ff\\fe"),
            "utf-8",
        ),
        broken(
            "text-surrogate",
            "returns a note with an encoded surrogate",
            words(52, &[1024, 1]) + &words(1024, &[2048, 3]) + &text(2048, "\\ed\\a0\\80"),
            "utf-8",
        ),
    ]
}

fn traps() -> Vec<Guest> {
    let trapped = |name, does, code: &str, text| {
        guest(name, does)
            .attacks(&["abi"])
            .executes(code)
            .fault("trapped", text)
    };
    // As C++ it would be demangled to 9 GB: each level repeats the level below twice.
    let levels = "0123456789ABCDEFGHIJKLMNOPQR".chars();
    let cpp: String = levels
        .map(|level| format!("S_IS{level}_S{level}_E"))
        .collect();
    let long = "n".repeat(60_000);
    vec![
        trapped(
            "unreachable",
            "executes an unreachable instruction",
            "(unreachable)",
            "wasm trap: wasm `unreachable` instruction executed\n  in function at 0x",
        ),
        trapped(
            "divide-by-zero",
            "divides by zero",
            "(i32.div_u (i32.const 1) (i32.const 0))",
            "integer divide by zero",
        ),
        trapped(
            "divide-overflow",
            "divides the smallest number by -1",
            "(i32.div_s (i32.const 0x80000000) (i32.const -1))",
            "integer overflow",
        ),
        trapped(
            "nan-to-integer",
            "converts NaN to an integer",
            "(i32.trunc_f32_s (f32.const nan))",
            "invalid conversion to integer",
        ),
        trapped(
            "read-behind-memory",
            "reads behind its memory",
            "(i32.load (i32.const -4))",
            "out of bounds memory access",
        ),
        trapped(
            "copy-behind-memory",
            "copies behind its memory",
            "(memory.copy (i32.const 0) (i32.const 65000) (i32.const 1000)) (i32.const 16)",
            "out of bounds memory access",
        ),
        trapped(
            "call-empty-table",
            "calls an empty element of its table",
            "(call_indirect (type $none) (i32.const 0)) (i32.const 16)",
            "uninitialized element",
        )
        .with("(table 1 funcref) (type $none (func))"),
        trapped(
            "call-outside-table",
            "calls an element outside its table",
            "(call_indirect (type $none) (i32.const 9)) (i32.const 16)",
            "undefined element",
        )
        .with("(table 1 funcref) (type $none (func))"),
        trapped(
            "call-other-type",
            "calls a function of another type through its table",
            "(call_indirect (type $none) (i32.const 0)) (i32.const 16)",
            "indirect call type mismatch",
        )
        .with("(table 1 funcref) (elem (i32.const 0) $realloc) (type $none (func))"),
        trapped(
            "expanding-name",
            "crashes in a function whose name grows to gigabytes if it is demangled as C++",
            "(call $crash) (i32.const 16)",
            "in _Z1f1AIiiES_IS0_S0_E",
        )
        .attacks(&["crash::NAME_BYTES"])
        .with(format!(
            r#"(func $crash (@name "_Z1f1AIiiE{cpp}") (unreachable))"#
        )),
        trapped(
            "long-name",
            "crashes in a function whose name has 60,000 bytes",
            "(call $crash) (i32.const 16)",
            "in nnnn",
        )
        .attacks(&["crash::NAME_BYTES"])
        .with(format!(r#"(func $crash (@name "{long}") (unreachable))"#)),
        trapped(
            "name-with-escapes",
            "crashes in a function whose name clears the terminal",
            "(call $crash) (i32.const 16)",
            "in  [2J forged line at 0x",
        )
        .with(r#"(func $crash (@name "\1b[2J\nforged line") (unreachable))"#),
        // Trap if the payload or the sign of another NaN reaches a result, so that processors differ.
        guest("nan-bits", "crashes if a result is another NaN than the canonical one")
            .attacks(&["abi"])
            .executes(
                "(call $single (i32.reinterpret_f32 (f32.add (f32.const nan:0x600001) (f32.const 1))))
                (call $single (i32.reinterpret_f32 (f32.div (f32.const 0) (f32.const 0))))
                (call $single (i32.reinterpret_f32 (f32.sqrt (f32.const -1))))
                (call $single (i32.reinterpret_f32 (f32.demote_f64 (f64.const -nan:0xc000000000001))))
                (call $single (i32x4.extract_lane 2 (f32x4.mul
                    (v128.const f32x4 0 0 -nan:0x600001 0) (v128.const f32x4 1 1 1 1))))
                (call $double (i64.reinterpret_f64 (f64.sub (f64.const -nan:0xc000000000001) (f64.const 1))))
                (i32.const 16)",
            )
            .with(
                "(func $single (param i32)
                    (if (i32.ne (local.get 0) (i32.const 0x7fc00000)) (then (unreachable))))
                (func $double (param i64)
                    (if (i64.ne (local.get 0) (i64.const 0x7ff8000000000000)) (then (unreachable))))",
            )
            .succeeds(0),
        guest("post-return-trap", "traps after its result was read")
            .attacks(&["abi"])
            .after("(unreachable)")
            .fault("trapped", "`unreachable`"),
        guest("post-return-loop", "loops after its result was read")
            .attacks(&["abi", "Limits::cpu_ms"])
            .after("(loop (br 0))")
            .fault("out_of_cpu", "more than 100 ms of CPU time"),
        guest(
            "post-return-call",
            "calls the host after its result was read",
        )
        .attacks(&["abi"])
        .calls(&["log#write"])
        .after(
            "(call $write (i32.const 1) (i32.const 16) (i32.const 0) (i32.const 16) (i32.const 0))",
        )
        .fault("trapped", "cannot leave component instance"),
        guest(
            "crash-with-card",
            "crashes at a sensitive point and prints the scanned code as an address",
        )
        .attacks(&["sensitive"])
        .at(Point::IdentifyMember)
        .executes("(i32.load (i32.const 0x49291234))")
        .fault(
            "trapped",
            "wasm trap: out of bounds memory access\n  in function at 0x",
        )
        .checked(|observed| {
            let text = format!("{:?}", observed.outcome);
            assert!(!text.contains("49291234"), "{text}");
        }),
    ]
}

fn allocations() -> Vec<Guest> {
    // The check of settings receives text as well, so such a component does not even load.
    let realloc = |name, does, code, text| {
        guest(name, does)
            .attacks(&["abi"])
            .realloc(code)
            .refused(text)
    };
    vec![
        realloc("realloc-misaligned", "allocates misaligned memory", "(i32.const 32769)", "aligned"),
        realloc("realloc-behind-memory", "allocates behind its memory", "(i32.const -8)", "realloc return: beyond end of memory"),
        realloc("realloc-loop", "loops while it allocates", "(loop (br 0)) (unreachable)", "more than 100 ms of CPU time"),
        realloc("realloc-trap", "traps while it allocates", "(unreachable)", "`unreachable`"),
        guest("realloc-one-place", "allocates everything at one place")
            .attacks(&["abi"])
            .realloc("(i32.const 65528)")
            .refused("realloc return: beyond end of memory"),
        guest("realloc-calls-host", "calls the host while the host writes into its memory")
            .attacks(&["abi"])
            .calls(&["log#write"])
            .realloc("(call $write (i32.const 1) (i32.const 16) (i32.const 0) (i32.const 16) (i32.const 0)) (i32.const 32768)")
            .refused("cannot leave component instance"),
        guest("realloc-in-import", "allocates behind its memory for the result of a call")
            .attacks(&["abi"])
            .at(Point::ReadStatement)
            .calls(&["input#read"])
            .with("(global $reading (mut i32) (i32.const 0))")
            .realloc("(local $at i32)
                (if (global.get $reading) (then (return (i32.const -8))))
                (local.set $at (global.get $top))
                (global.set $top (i32.and (i32.add (i32.add (global.get $top) (local.get 3)) (i32.const 7)) (i32.const -8)))
                (local.get $at)")
            .executes("(global.set $reading (i32.const 1)) (call $read (i32.const 8) (i32.const 64)) (i32.const 16)")
            .fault(BROKEN, "realloc return: beyond end of memory"),
        guest("realloc-grows", "grows its memory to the limit while it allocates")
            .attacks(&["abi", "Limits::memory_bytes"])
            .realloc("(loop (drop (memory.grow (i32.const 16))) (br 0)) (unreachable)")
            .refused("more than 16777216 bytes of memory"),
    ]
}

/// Handles of resources. The secret's name is at 2048.
fn handles() -> Vec<Guest> {
    const KEY: &[&str] = &[
        "secrets#open",
        "secrets#[resource-drop]key",
        "secrets#[method]key.mac",
    ];
    const OPEN: &str = "(call $open (i32.const 2048) (i32.const 5) (i32.const 64))";
    const OPENED: &str = "(i32.load (i32.const 68))";
    let key = |name, does, code: String, text| {
        guest(name, does)
            .attacks(&["abi"])
            .calls(KEY)
            .with(self::text(2048, "codes"))
            .executes(code + RESULT)
            .fault(BROKEN, text)
    };
    let mac = |handle: &str| {
        format!("(call $key.mac {handle} (i32.const 0) (i32.const 0) (i32.const 128))")
    };
    vec![
        key(
            "drop-forged-handle",
            "drops a handle that it never got",
            "(call $drop-key (i32.const 7))".into(),
            "unknown handle index 7",
        ),
        key(
            "drop-zero",
            "drops handle zero",
            "(call $drop-key (i32.const 0))".into(),
            "unknown handle index 0",
        ),
        key(
            "drop-last-handle",
            "drops handle 2^32-1",
            "(call $drop-key (i32.const -1))".into(),
            "unknown handle index 4294967295",
        ),
        key(
            "use-forged-handle",
            "uses a handle that it never got",
            mac("(i32.const 3)"),
            "unknown handle index 3",
        ),
        key(
            "double-drop",
            "drops a handle twice",
            format!("{OPEN} (call $drop-key {OPENED}) (call $drop-key {OPENED})"),
            "unknown handle index",
        ),
        key(
            "use-after-drop",
            "uses a handle after its drop",
            format!("{OPEN} (call $drop-key {OPENED}) {}", mac(OPENED)),
            "unknown handle index",
        ),
        key(
            "result-pointer-behind-memory",
            "lets the host write a result behind its memory",
            "(call $open (i32.const 2048) (i32.const 5) (i32.const -8))".into(),
            "out of bounds",
        ),
        key(
            "result-pointer-misaligned",
            "lets the host write a result at a misaligned address",
            "(call $open (i32.const 2048) (i32.const 5) (i32.const 65))".into(),
            "aligned",
        ),
        guest("key-as-file", "writes to a key as if it were a file")
            .attacks(&["abi"])
            .at(Point::Report)
            .calls(&["secrets#open", "output#[method]file.write"])
            .with(self::text(2048, "codes"))
            .executes(format!(
                "{OPEN} (call $file.write {OPENED} (i32.const 0) (i32.const 4)) {RESULT}"
            ))
            .fault(BROKEN, "handle index 1 used with the wrong type"),
    ]
}
