//! Guests that exceed a limit of a call or of a decision.

use super::build::{text, words};
use super::{Guest, TIGHT, guest};
use galleria_domain::plugin::{Limits, Point};

const BROKEN: &str = "contract_broken";

pub fn guests() -> Vec<Guest> {
    let mut guests = calls();
    guests.extend(decisions());
    guests.extend(texts());
    guests.extend(faults());
    guests
}

fn calls() -> Vec<Guest> {
    const LOG: &str =
        "(call $write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 16) (i32.const 0))";
    vec![
        guest("endless-loop", "loops without end")
            .attacks(&["Limits::cpu_ms"])
            .executes("(loop (br 0)) (unreachable)")
            .fault("out_of_cpu", "more than 100 ms of CPU time")
            .checked(|observed| assert!(observed.usage.cpu.as_millis() >= 100)),
        guest("loop-beyond-wall-time", "loops beyond the wall time, within its CPU time")
            .attacks(&["Limits::wall_ms"])
            .within(Limits { cpu_ms: 60_000, wall_ms: 30, ..TIGHT })
            .executes("(loop (br 0)) (unreachable)")
            .fault("timed_out", "no answer within 30 ms"),
        guest("endless-recursion", "recurses without end")
            .attacks(&["config::WASM_STACK"])
            .executes("(call $function (local.get 0))")
            .fault("trapped", "call stack exhausted"),
        guest("memory-step", "grows its memory by one page without end")
            .attacks(&["Limits::memory_bytes"])
            .executes("(loop (drop (memory.grow (i32.const 1))) (br 0)) (unreachable)")
            .fault("out_of_memory", "more than 16777216 bytes of memory")
            .checked(|observed| assert!(observed.usage.memory_bytes <= 16 << 20)),
        guest("memory-leap", "grows its memory by 4 GiB")
            .attacks(&["Limits::memory_bytes"])
            .executes("(drop (memory.grow (i32.const 65535))) (i32.const 16)")
            .fault("out_of_memory", "more than 16777216 bytes of memory"),
        guest("table-step", "grows its table without end")
            .attacks(&["Limits::table_elements"])
            .with("(table $t 1 funcref)")
            .executes("(loop (drop (table.grow $t (ref.null func) (i32.const 100))) (br 0)) (unreachable)")
            .fault("out_of_memory", "more than 16000 bytes of memory"),
        guest("table-leap", "grows its table by 2^32-1 elements")
            .attacks(&["Limits::table_elements"])
            .with("(table $t 1 funcref)")
            .executes("(drop (table.grow $t (ref.null func) (i32.const -1))) (i32.const 16)")
            .fault("out_of_memory", "more than 16000 bytes of memory"),
        guest("log-forever", "logs without end")
            .attacks(&["Limits::host_calls"])
            .calls(&["log#write"])
            .within(Limits { cpu_ms: 5_000, ..TIGHT })
            .executes(format!("(loop {LOG} (br 0)) (unreachable)"))
            .fault("too_many_calls", "more than 1000 calls of the host"),
        guest(
            "log-at-every-depth",
            "recurses without end and logs at every depth, so that the host runs at the end of the stack",
        )
        .attacks(&["config::WASM_STACK"])
        .calls(&["log#write"])
        .within(Limits {
            cpu_ms: 20_000,
            host_calls: 1_000_000,
            log_bytes: 0,
            ..TIGHT
        })
        .executes(format!("{LOG} (call $function (local.get 0))"))
        .fault("trapped", "call stack exhausted")
        .checked(|observed| assert!(observed.usage.host_calls > 5_000, "{:?}", observed.usage)),
        guest("log-flood", "logs 900 empty lines")
            .attacks(&["Limits::log_bytes", "plugin_log::LINE_OVERHEAD"])
            .calls(&["log#write"])
            .within(Limits { cpu_ms: 5_000, ..TIGHT })
            .executes(format!(
                "(local $n i32)
                (loop {LOG}
                    (local.set $n (i32.add (local.get $n) (i32.const 1)))
                    (br_if 0 (i32.lt_u (local.get $n) (i32.const 900))))
                (i32.const 16)"
            ))
            .succeeds(900)
            .checked(|observed| {
                let last = observed.log.last().expect("a line");
                let dropped: u64 = last.fields["dropped"].parse().expect("a number");
                let printed = observed.log.len() as u64 - 1;
                assert_eq!(printed + dropped, 900);
                // 64 KiB, and at least 140 bytes for each line.
                assert!((1..=468).contains(&printed), "{printed}");
            }),
        guest("many-keys", "opens keys and never drops one")
            .attacks(&["invoke::RESOURCES"])
            .calls(&["secrets#open"])
            .within(Limits { cpu_ms: 5_000, host_calls: 20_000, ..TIGHT })
            .with(text(2048, "codes"))
            .executes("(loop (call $open (i32.const 2048) (i32.const 5) (i32.const 64)) (br 0)) (unreachable)")
            .fault(BROKEN, "resource table has no free keys")
            .checked(|observed| assert_eq!(observed.usage.host_calls, 1_025)),
        guest("value-of-gigabytes", "returns 5,000 documents that share a name of 30,000 bytes, with an output limit of 1 GiB")
            .attacks(&["invoke::TRANSFER_BYTES"])
            .within(Limits { cpu_ms: 5_000, output_bytes: 1 << 30, ..TIGHT })
            .executes(shared(5_000, 30_000))
            .fault("output_too_large", "of output"),
    ]
}

/// Returns documents of 32 bytes from 131,072, whose names are the same NUL bytes.
fn shared(documents: u32, bytes: u32) -> String {
    let end = 131_072 + documents * 32;
    format!(
        "(local $at i32)
        (drop (memory.grow (i32.const 8)))
        (local.set $at (i32.const 131072))
        (loop
            (i32.store offset=8 (local.get $at) (i32.const 1024))
            (i32.store offset=12 (local.get $at) (i32.const {bytes}))
            (local.set $at (i32.add (local.get $at) (i32.const 32)))
            (br_if 0 (i32.lt_u (local.get $at) (i32.const {end}))))
        (i32.store (i32.const 20) (i32.const 131072)) (i32.store (i32.const 24) (i32.const {documents}))
        (i32.const 16)"
    )
}

/// Decisions that cannot be applied. A granted directory is at 2048, a granted topic at 2064.
fn decisions() -> Vec<Guest> {
    let names = || text(2048, "poslog") + &text(2064, "sales");
    let decision = |name, does, data: String| {
        guest(name, does)
            .attacks(&["decision"])
            .with(names() + &data)
    };
    // A publication with these places and lengths of its key and data.
    let publication = |key: [u32; 3], data: [u32; 2]| {
        words(28, &[1024, 1]) + &words(1024, &[2064, 5, key[0], key[1], key[2], data[0], data[1]])
    };
    let document = |name: [u32; 2], media: [u32; 2]| {
        words(20, &[1024, 1]) + &words(1024, &[2048, 6, name[0], name[1], media[0], media[1], 0, 0])
    };
    let json = |name, does, data: &str, length: u32| {
        decision(
            name,
            does,
            publication([0, 0, 0], [4096, length]) + &text(4096, data),
        )
        .fault(
            BROKEN,
            "contract broken: decision.publications.0.data: must be valid JSON: ",
        )
    };
    let nested = format!("{}{}", "[".repeat(65), "]".repeat(65));
    vec![
        decision("empty-documents", "returns 80,000 empty documents that share one place in memory",
            words(20, &[65_536, 80_000]))
            .attacks(&["guest_values::ITEM_BYTES", "Limits::output_bytes"])
            .within(Limits { cpu_ms: 5_000, ..TIGHT })
            .executes("(drop (memory.grow (i32.const 45))) (i32.const 16)")
            .fault("output_too_large", "more than 1048576 bytes of output"),
        decision("rows", "returns 1,001 empty documents", words(20, &[65_536, 1_001]))
            .attacks(&["Limits::items"])
            .executes("(drop (memory.grow (i32.const 1))) (i32.const 16)")
            .fault(BROKEN, "decision: must have at most 100 items (limit `items`), got 1001 documents"),
        decision("rows-of-publications", "returns 1,001 empty publications", words(28, &[65_536, 1_001]))
            .attacks(&["Limits::items"])
            .executes("(drop (memory.grow (i32.const 1))) (i32.const 16)")
            .fault(BROKEN, "decision: must have at most 100 items (limit `items`), got 0 documents, 1001 publications"),
        decision("notes", "returns 101 notes without name and value", words(52, &[65_536, 101]))
            .attacks(&["Limits::attributes"])
            .executes("(drop (memory.grow (i32.const 1))) (i32.const 16)")
            .fault(BROKEN, "decision: must have at most 100 attributes (limit `attributes`), got 101 notes"),
        decision("long-note-name", "returns a note whose name has 257 bytes",
            words(52, &[1024, 1]) + &words(1024, &[4096, 257, 0, 0]))
            .attacks(&["texts::attribute.name"])
            .fault(BROKEN, "decision.notes.0.name: must have at most 256 bytes, got 257"),
        decision("long-note", "returns a note of 8,193 bytes",
            words(52, &[1024, 1]) + &words(1024, &[0, 0, 4096, 8_193]))
            .attacks(&["texts::attribute.value"])
            .fault(BROKEN, "decision.notes.0.value: must have at most 8192 bytes, got 8193"),
        decision("note-with-nul", "returns a note that contains NUL",
            words(52, &[1024, 1]) + &words(1024, &[0, 0, 4096, 1]))
            .attacks(&["texts::attribute.value"])
            .fault(BROKEN, r#"decision.notes.0.value: must not contain the character NUL, got "\0""#),
        decision("empty-notes", "returns 5,000 notes without name and value", words(52, &[65_536, 5_000]))
            .attacks(&["guest_values::ITEM_BYTES"])
            .executes("(drop (memory.grow (i32.const 4))) (i32.const 16)")
            .fault("output_too_large", "more than 1048576 bytes of output"),
        decision("shared-text", "returns 1,000 documents that share a name of 30,000 bytes", String::new())
            .attacks(&["Limits::output_bytes"])
            .executes(shared(1_000, 30_000))
            .fault("output_too_large", "more than 1048576 bytes of output"),
        decision("long-key", "publishes with a key of 1,025 bytes",
            publication([1, 4096, 1_025], [2112, 2]) + &text(2112, "{}") + &text(4096, &"k".repeat(1_025)))
            .attacks(&["texts::publication.key"])
            .fault(BROKEN, "decision.publications.0.key: must have at most 1024 bytes, got 1025"),
        decision("key-with-nul", "publishes with a key that contains NUL",
            publication([1, 4096, 3], [2112, 2]) + &text(2112, "{}"))
            .fault(BROKEN, r#"decision.publications.0.key: must have no control character, got "\0\0\0""#),
        decision("long-media-type", "returns a document whose media type has 513 bytes",
            document([2064, 5], [4096, 513]) + &text(4096, &"m".repeat(513)))
            .attacks(&["texts::document.media-type"])
            .fault(BROKEN, "decision.documents.0.media-type: must have at most 512 bytes, got 513"),
        decision("document-above", "returns a document in the directory above",
            document([4096, 9], [0, 0]) + &text(4096, "../up.txt"))
            .fault(BROKEN, r#""../up.txt" is not a valid file name"#),
        decision("document-long-name", "returns a document whose name has 28,000 bytes",
            document([4096, 28_000], [0, 0]))
            .attacks(&["stop::FAULT_BYTES"])
            .fault(BROKEN, r#""\0\0"#),
        decision("document-without-directory", "returns a document without a directory", words(20, &[1024, 1]))
            .fault("denied", r#"denied: directory """#),
        decision("publication-without-topic", "returns a publication without a topic", words(28, &[1024, 1]))
            .fault("denied", r#"denied: topic """#),
        decision("request-without-target", "returns a request without a target", words(36, &[1024, 1]))
            .fault("denied", r#"denied: target """#),
        decision("receipt-without-grant", "returns a receipt without a grant", words(44, &[1024, 1]))
            .fault("denied", "denied: receipts"),
        json("json-deep", "publishes JSON of 65 levels", &nested, 130).attacks(&["json_text::MAX_LEVELS"]),
        json("json-repeated-key", "publishes an object with a key twice", "{\\22a\\22:1,\\22a\\22:2}", 13),
        json("json-infinite", "publishes the number 1e999", "1e999", 5),
        json("json-surrogate", "publishes a lone surrogate", "\\22\\5cud800\\22", 8),
        json("json-nul", "publishes a text with NUL", "\\22\\00\\22", 3),
        json("json-empty", "publishes nothing", "", 0),
        json("json-two", "publishes two values", "{} {}", 5),
    ]
}

/// Requests, receipts and members with a text above its length. Bytes from 4096 are NUL.
fn texts() -> Vec<Guest> {
    let names = || text(2064, "erp") + &text(2080, "1/") + &text(2096, "x");
    let too_long =
        |name, does, rule, data: String| guest(name, does).attacks(&[rule]).with(names() + &data);
    // A request with these places and lengths of its method, its path and its headers.
    let request = |method: [u32; 2], path: [u32; 2], headers: [u32; 2]| {
        let start = words(36, &[1024, 1]) + &words(1024, &[2080, 1, 2064, 3]);
        start + &words(1040, &method) + &words(1048, &path) + &words(1056, &headers)
    };
    let receipt = |template: [u32; 2], locale: [u32; 2]| {
        words(44, &[1024, 1]) + &words(1024, &template) + &words(1032, &locale)
    };
    let member = |id: [u32; 2], programme: [u32; 2]| {
        words(20, &[1]) + &words(24, &id) + &words(32, &programme)
    };
    vec![
        too_long(
            "long-method",
            "sends a request whose method has 33 bytes",
            "texts::outgoing.method",
            request([4096, 33], [2081, 1], [0, 0]),
        )
        .fault(
            BROKEN,
            "decision.requests.0.method: must have at most 32 bytes, got 33",
        ),
        too_long(
            "long-path",
            "sends a request whose path has 8,193 bytes",
            "texts::outgoing.path",
            request([2096, 1], [4096, 8_193], [0, 0]),
        )
        .fault(
            BROKEN,
            "decision.requests.0.path: must have at most 8192 bytes, got 8193",
        ),
        too_long(
            "long-header",
            "sends a request with a header of 8,193 bytes",
            "texts::outgoing.headers",
            request([2096, 1], [2081, 1], [1200, 1]) + &words(1200, &[2096, 1, 4096, 8_193]),
        )
        .fault(
            BROKEN,
            "decision.requests.0.headers.0.value: must have at most 8192 bytes, got 8193",
        ),
        too_long(
            "long-template",
            "returns a receipt whose template has 257 bytes",
            "texts::receipt.template",
            receipt([4096, 257], [2096, 1]),
        )
        .fault(
            BROKEN,
            "decision.receipts.0.template: must have at most 256 bytes, got 257",
        ),
        too_long(
            "long-locale",
            "returns a receipt whose locale has 65 bytes",
            "texts::receipt.locale",
            receipt([2096, 1], [4096, 65]),
        )
        .fault(
            BROKEN,
            "decision.receipts.0.locale: must have at most 64 bytes, got 65",
        ),
        too_long(
            "long-member",
            "identifies a member whose id has 257 bytes",
            "texts::member.id",
            member([4096, 257], [2096, 1]),
        )
        .at(Point::IdentifyMember)
        .fault(BROKEN, ""),
        too_long(
            "long-programme",
            "identifies a member whose programme has 257 bytes",
            "texts::member.programme",
            member([2096, 1], [4096, 257]),
        )
        .at(Point::IdentifyMember)
        .fault(BROKEN, ""),
    ]
}

/// Faults that the guest returns.
fn faults() -> Vec<Guest> {
    let fault = |name, does, data: String| guest(name, does).attacks(&["fault"]).with(data);
    vec![
        fault(
            "fail-without-reason",
            "fails without a reason",
            words(16, &[1, 3]),
        )
        .fault("failed", ""),
        fault(
            "retry-far",
            "requests a retry after 2^32-1 seconds",
            words(16, &[1, 1, 1, u32::MAX]),
        )
        .fault("retry", ""),
        fault(
            "retry-at-once",
            "requests a retry after 0 seconds",
            words(16, &[1, 1, 1, 0]),
        )
        .fault("retry", ""),
        fault(
            "invalid-without-problems",
            "calls its input invalid without a problem",
            words(16, &[1, 0]),
        )
        .fault("invalid", ""),
        fault(
            "misconfigured-without-problems",
            "calls its settings wrong without a problem",
            words(16, &[1, 2]),
        )
        .fault("misconfigured", ""),
        fault(
            "problems",
            "returns 5,000 empty problems",
            words(16, &[1, 0, 65_536, 5_000]),
        )
        .attacks(&["guest_values::ITEM_BYTES", "Limits::output_bytes"])
        .executes("(drop (memory.grow (i32.const 4))) (i32.const 16)")
        .fault("output_too_large", "more than 1048576 bytes of output"),
        fault(
            "secret-in-fault",
            "fails at a sensitive point with the scanned code",
            words(16, &[1, 3, 2048, 16]) + &text(2048, "6299103355770001"),
        )
        .attacks(&["sensitive"])
        .at(Point::IdentifyMember)
        .fault(
            "failed",
            "withheld: this extension point handles personal data",
        )
        .checked(|observed| {
            let text = format!("{:?}", observed.outcome);
            assert!(!text.contains("6299103355770001"), "{text}");
        }),
    ]
}
