//! Guests that misuse a capability or WASI.

use super::build::{text, words};
use super::{Guest, TIGHT, guest};
use galleria_domain::plugin::{Limits, Point};

const BROKEN: &str = "contract_broken";

pub fn guests() -> Vec<Guest> {
    let mut guests = log();
    guests.extend(secrets());
    guests.extend(feeds());
    guests.extend(statements());
    guests.extend(files());
    guests.extend(unserved());
    guests.extend(wasi());
    guests
}

fn log() -> Vec<Guest> {
    let log = |name, does, code: &str| {
        guest(name, does)
            .calls(&["log#write"])
            .executes(format!("{code} (i32.const 16)"))
    };
    vec![
        log("log-unknown-level", "logs with an unknown level",
            "(call $write (i32.const 77) (i32.const 0) (i32.const 0) (i32.const 16) (i32.const 0))")
            .fault(BROKEN, "discriminant"),
        log("log-behind-memory", "logs text behind its memory",
            "(call $write (i32.const 1) (i32.const 65530) (i32.const 100) (i32.const 16) (i32.const 0))")
            .fault(BROKEN, "out of bounds"),
        log("log-not-utf8", "logs bytes that are not UTF-8",
            "(call $write (i32.const 1) (i32.const 2048) (i32.const 2) (i32.const 16) (i32.const 0))")
            .with(text(2048, "\\c3\\28"))
            .fault(BROKEN, "utf-8"),
        log("log-long-line", "logs 32,000 bytes of NUL as one line",
            "(call $write (i32.const 1) (i32.const 0) (i32.const 32000) (i32.const 16) (i32.const 0))")
            .attacks(&["plugin_log::LINE_BYTES"])
            .succeeds(1)
            .checked(|observed| {
                let message = &observed.log[0].fields["message"];
                assert_eq!(message.len(), 8 << 10);
                assert!(!message.contains(char::is_control));
            }),
        log("log-empty-fields", "logs 1,500 fields without name and value",
            "(call $write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 1500))")
            .attacks(&["plugin_log::LINE_BYTES"])
            .succeeds(1)
            .checked(|observed| {
                let fields = &observed.log[0].fields["fields"];
                assert!((1_000..=8 << 10).contains(&fields.len()), "{}", fields.len());
            }),
        log("log-escape-sequence", "logs an escape sequence and a forged line",
            "(call $write (i32.const 3) (i32.const 2048) (i32.const 17) (i32.const 16) (i32.const 0))")
            .with(text(2048, "a\\1b[2J\\nERROR forged"))
            .succeeds(1)
            .checked(|observed| assert_eq!(observed.log[0].fields["message"], "a [2J ERROR forge")),
        log("log-from-deep-stack", "recurses almost to the end of its stack and logs there",
            "(call $deep (i32.const 9000))")
            .with("(func $deep (param i32)
                (if (i32.eqz (local.get 0))
                    (then (call $write (i32.const 1) (i32.const 0) (i32.const 8) (i32.const 16) (i32.const 0)))
                    (else (call $deep (i32.sub (local.get 0) (i32.const 1))))))")
            .attacks(&["config::WASM_STACK"])
            .succeeds(1),
    ]
}

/// The name of a secret is at 2048, the result of `open` at 64.
fn secrets() -> Vec<Guest> {
    let open = |name, does, data: String, code: String| {
        guest(name, does)
            .calls(&[
                "secrets#open",
                "secrets#[method]key.decrypt",
                "secrets#[method]key.encrypt",
                "secrets#[method]key.mac",
            ])
            .with(data)
            .executes(format!("{code} (i32.const 16)"))
    };
    let named =
        |length: u32| format!("(call $open (i32.const 2048) (i32.const {length}) (i32.const 64))");
    let handle = "(i32.load (i32.const 68))";
    // Returns the address of a fault if the byte at this address is not 1, which is an error.
    let must_fail = |at: u32| {
        format!("(if (i32.ne (i32.load8_u (i32.const {at})) (i32.const 1)) (then (unreachable)))")
    };
    vec![
        open("secret-without-name", "opens a secret without a name", String::new(), named(0))
            .fault("denied", r#"denied: secret """#),
        open("secret-endless-name", "opens a secret whose name has 2^32-1 bytes", String::new(), named(u32::MAX))
            .fault(BROKEN, "out of bounds"),
        open("secret-long-name", "opens a secret whose name has 30,000 bytes", String::new(), named(30_000))
            .attacks(&["stop::FAULT_BYTES"])
            .fault("denied", r#"denied: secret "\0\0"#),
        open("secret-of-another", "opens the secret of another retailer by its path", text(2048, "../other/loyalty"), named(16))
            .fault("denied", r#"denied: secret "../other/loyalty""#),
        open("secret-by-variable", "opens a secret by the name of its environment variable",
            text(2048, "LOYALTY_KEY"), named(11))
            .fault("denied", r#"denied: secret "LOYALTY_KEY""#),
        open("secret-with-nul", "opens a granted secret with NUL after its name", text(2048, "codes\\00"), named(6))
            .fault("denied", "denied: secret \"codes\\0\""),
        open("secret-other-operation", "decrypts with a key that may only authenticate", text(2048, "codes"),
            named(5) + &format!(
                "(call $key.decrypt {handle} (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                    (i32.const 0) (i32.const 16) (i32.const 0) (i32.const 0) (i32.const 128))")
            + &must_fail(128))
            .succeeds(2)
            .checked(|observed| assert_eq!(observed.usage.denied_calls, 1)),
        open("secret-oracle", "decrypts 500 guesses and looks for a difference between the failures", text(2048, "notes"),
            format!(
                "(local $n i32) {open}
                (loop
                    (i32.store (i32.const 4096) (local.get $n))
                    (call $key.decrypt {handle} (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 12)
                        (i32.const 4096) (i32.const 32) (i32.const 0) (i32.const 0) (i32.const 128))
                    {failed}
                    (local.set $n (i32.add (local.get $n) (i32.const 1)))
                    (br_if 0 (i32.lt_u (local.get $n) (i32.const 500))))",
                open = named(5), failed = must_fail(128)))
            .within(Limits { cpu_ms: 5_000, ..TIGHT })
            .succeeds(501),
        open("secret-large-text", "authenticates a text above the limit of 1 MiB", text(2048, "codes"),
            format!("(drop (memory.grow (i32.const 20))) {} (call $key.mac {handle} (i32.const 0) (i32.const 1048577) (i32.const 128)) {}",
                named(5), must_fail(128)))
            .attacks(&["secrets::TEXT_BYTES"])
            .succeeds(2),
        open("secret-endless-cpu", "encrypts 40,000 bytes without end", text(2048, "notes"),
            format!("(drop (memory.grow (i32.const 20))) {}
                (loop (global.set $top (i32.const 1200000))
                    (call $key.encrypt {handle} (i32.const 0) (i32.const 40000) (i32.const 0) (i32.const 0) (i32.const 128))
                    (br 0)) (unreachable)", named(5)))
            .attacks(&["Limits::cpu_ms"])
            .within(Limits { host_calls: 1_000_000, ..TIGHT })
            .fault("out_of_cpu", "more than 100 ms of CPU time"),
    ]
}

/// The extremes of a batch's size, in a run and outside of one.
fn feeds() -> Vec<Guest> {
    const CALLS: [(&str, &str, [&str; 2]); 5] = [
        (
            "input#read",
            "input",
            ["input-extreme-sizes", "input-outside-run"],
        ),
        (
            "activities#next",
            "activities",
            ["activities-extreme-sizes", "activities-outside-run"],
        ),
        (
            "sale-lines#next",
            "sale-lines",
            ["sale-lines-extreme-sizes", "sale-lines-outside-run"],
        ),
        (
            "products#next",
            "products",
            ["products-extreme-sizes", "products-outside-run"],
        ),
        (
            "settlement#next",
            "settlement",
            ["settlement-extreme-sizes", "settlement-outside-run"],
        ),
    ];
    let mut guests = Vec::new();
    for (import, interface, [extreme, outside]) in CALLS {
        let function = import.split_once('#').map_or("", |(_, function)| function);
        let call = |size: i64| format!("(call ${function} (i32.const {size}) (i32.const 256))");
        let input = interface == "input";
        guests.push(
            guest(extreme, "requests batches of 0 and of 2^32-1")
                .attacks(match input {
                    true => &["input::PIECE_BYTES"],
                    false => &["plugins::BATCH_ROWS"],
                })
                .at(Point::Report)
                .calls(std::slice::from_ref(&import))
                .executes(format!("{} {} (i32.const 16)", call(0), call(-1)))
                .succeeds(2)
                .checked(match input {
                    true => |observed| assert_eq!(observed.requested, [1, 1 << 20]),
                    false => |observed| assert_eq!(observed.requested, [4_096]),
                }),
        );
        guests.push(
            guest(outside, "pulls 2^32-1 rows outside a run")
                .calls(std::slice::from_ref(&import))
                .executes(format!("{} (i32.const 16)", call(-1)))
                .fault("denied", "outside a run")
                .checked(|observed| assert_eq!(observed.usage.denied_calls, 1)),
        );
    }
    guests.push(
        guest(
            "input-name-outside-run",
            "reads the name of its input outside a run",
        )
        .calls(&["input#name"])
        .executes("(call $name (i32.const 64)) (i32.const 16)")
        .fault("denied", "denied: input outside a run"),
    );
    guests.push(
        guest("input-forever", "reads its input without end")
            .at(Point::ReadStatement)
            .calls(&["input#read"])
            .attacks(&["Limits::host_calls"])
            .executes("(loop (global.set $top (i32.const 32768)) (call $read (i32.const 8) (i32.const 64)) (br 0)) (unreachable)")
            .fault("too_many_calls", "more than 1000 calls of the host"),
    );
    guests
}

/// A statement's line has 136 bytes.
fn statements() -> Vec<Guest> {
    let statement = |name, does, data: String, code: &str| {
        guest(name, does)
            .at(Point::ReadStatement)
            .calls(&["statement#push", "statement#describe"])
            .with(data)
            .executes(format!("{code} (i32.const 16)"))
    };
    const ONE: &str = "(call $push (i32.const 1024) (i32.const 1))";
    // The position of a text and of the other parts in a line.
    let line = |at: u32, values: &[u32]| words(1024 + at, values);
    vec![
        statement(
            "statement-endless-lines",
            "pushes 2^32-1 lines",
            String::new(),
            "(call $push (i32.const 0) (i32.const -1))",
        )
        .fault(BROKEN, "out of bounds"),
        statement(
            "statement-many-lines",
            "pushes 4,097 lines that share one place in memory",
            String::new(),
            "(drop (memory.grow (i32.const 20))) (call $push (i32.const 65536) (i32.const 4097))",
        )
        .attacks(&["statement::MAX_PUSHED_LINES"])
        .within(Limits {
            output_bytes: 16 << 20,
            ..TIGHT
        })
        .fault(
            BROKEN,
            "statement.push: must have at most 4096 lines, got 4097",
        ),
        statement(
            "statement-empty-lines",
            "pushes 4,096 empty lines until its output is too large",
            String::new(),
            "(drop (memory.grow (i32.const 20)))
            (loop (call $push (i32.const 65536) (i32.const 4096)) (br 0)) (unreachable)",
        )
        .attacks(&["Limits::output_bytes", "statement::NUMBERS_BYTES"])
        .within(Limits {
            cpu_ms: 5_000,
            ..TIGHT
        })
        .fault("output_too_large", "more than 1048576 bytes of output"),
        statement(
            "statement-unknown-kind",
            "pushes a line of an unknown kind",
            line(8, &[99]),
            ONE,
        )
        .fault(BROKEN, "discriminant"),
        statement(
            "statement-long-text",
            "pushes a line whose id has 5,000 bytes",
            line(20, &[8192, 5_000]),
            ONE,
        )
        .attacks(&["statement::TEXT_BYTES"])
        .fault(
            BROKEN,
            "row 0 of the statement: a text must have at most 4096 bytes, got 5000",
        ),
        statement(
            "statement-many-digits",
            "pushes a line whose currency has 7 minor digits",
            line(68, &[7]),
            ONE,
        )
        .attacks(&["statement::MINOR_DIGITS"])
        .fault(
            BROKEN,
            "row 0 of the statement: minor-digits must be at most 6, got 7",
        ),
        statement(
            "statement-many-attributes",
            "pushes a line with 65 attributes",
            line(128, &[8192, 65]),
            ONE,
        )
        .attacks(&["statement::ATTRIBUTES"])
        .fault(
            BROKEN,
            "row 0 of the statement: must have at most 64 attributes, got 65",
        ),
        statement(
            "statement-large-scale",
            "pushes a line whose rate has the scale 19",
            line(80, &[1]) + &line(96, &[19]),
            ONE,
        )
        .attacks(&["statement::SCALE"])
        .fault(
            BROKEN,
            "row 0 of the statement: the rate's scale must be at most 18, got 19",
        ),
        statement(
            "statement-two-headers",
            "sends the header twice",
            String::new(),
            &format!("{0} {0}", describe()),
        )
        .fault(BROKEN, "statement.describe was called twice"),
        statement(
            "statement-after-fault",
            "pushes a line and then fails",
            words(16, &[1, 0, 3]),
            ONE,
        )
        .fault("failed", "")
        .checked(|observed| assert_eq!(observed.statement, (0, 1))),
    ]
}

/// A call with an empty header: 14 numbers.
fn describe() -> String {
    let i32s = |count: usize| "(i32.const 0) ".repeat(count);
    format!(
        "(call $describe {} (i32.const 0) (i64.const 0) {})",
        i32s(11),
        i32s(2)
    )
}

fn files() -> Vec<Guest> {
    let output = |name, does, data: String, code: String| {
        guest(name, does)
            .at(Point::Report)
            .calls(&[
                "output#open",
                "output#[method]file.write",
                "output#[resource-drop]file",
            ])
            .with(text(2048, "poslog") + &data)
            .executes(format!("{code} (i32.const 16)"))
    };
    let open = |length: u32, media: u32| {
        format!(
            "(call $open (i32.const 2048) (i32.const 6) (i32.const 3000) (i32.const {length}) (i32.const 4000) (i32.const {media}))"
        )
    };
    let named = |name, does, file: &str, length| {
        output(
            name,
            does,
            text(3000, file),
            format!("(drop {})", open(length, 0)),
        )
        .fault(BROKEN, "must be one segment of a path")
        .checked(|observed| assert!(observed.files.is_empty(), "{:?}", observed.files))
    };
    vec![
        named("file-parent", "opens a file in the directory above", "../a.txt", 8),
        named("file-dots", "opens the directory above as a file", "..", 2),
        named("file-absolute", "opens a file by its absolute path", "/etc/passwd", 11),
        named("file-backslash", "opens a file in the directory above on Windows", "..\\5ca.txt", 8),
        named("file-nul", "opens a file whose name contains NUL", "a\\00.txt", 6),
        named("file-hidden", "opens a hidden file", ".galleria.tmp", 13),
        named("file-long-name", "opens a file whose name has 201 bytes", &"x".repeat(201), 201),
        named("file-no-name", "opens a file without a name", "", 0),
        output("file-other-directory", "opens a file in a directory by its path", text(2048, "poslog/../reports"),
            "(drop (call $open (i32.const 2048) (i32.const 17) (i32.const 3000) (i32.const 1) (i32.const 0) (i32.const 0)))".into())
            .fault("denied", "denied: directory \"poslog/../reports\""),
        output("file-media-type", "opens a file whose media type contains NUL", text(3000, "a.txt") + &text(4000, "text/\\00"),
            format!("(drop {})", open(5, 6)))
            .fault(BROKEN, r#"output.open: "a.txt": media-type: must have no control character"#),
        output("file-long-media-type", "opens a file whose media type has 513 bytes", text(3000, "a.txt") + &text(4000, &"x".repeat(513)),
            format!("(drop {})", open(5, 513)))
            .attacks(&["texts::document.media-type"])
            .fault(BROKEN, r#"output.open: "a.txt": media-type: must have at most 512 bytes, got 513"#),
        output("file-after-drop", "writes to a file after its drop", text(3000, "a.txt"),
            format!("(local $file i32) (local.set $file {}) (call $drop-file (local.get $file))
                (call $file.write (local.get $file) (i32.const 0) (i32.const 4))", open(5, 0)))
            .fault(BROKEN, "unknown handle index"),
        output("file-endless-write", "writes the same piece without end", text(3000, "a.txt"),
            format!("(local $file i32) (local.set $file {})
                (loop (call $file.write (local.get $file) (i32.const 0) (i32.const 60000)) (br 0)) (unreachable)", open(5, 0)))
            .attacks(&["Limits::output_bytes"])
            .fault("output_too_large", "more than 1048576 bytes of output")
            .checked(|observed| assert!(observed.files[0].1.len() <= 1 << 20)),
        output("many-open-files", "opens files and never drops one", text(3000, "a00.txt"), each_file(&format!("(drop {})", open(7, 0))))
            .attacks(&["contract::OPEN_FILES"])
            .fault(BROKEN, r#"output.open: "B00.txt": at most 64 files may be open at once"#)
            .checked(|observed| assert_eq!(observed.files.len(), 64)),
        output("many-files", "opens and drops files without end", text(3000, "a00.txt"), each_file(&format!("(call $drop-file {})", open(7, 0))))
            .attacks(&["Limits::items"])
            .fault(BROKEN, "a run may write at most 100 files (limit `items`)")
            .within(Limits { cpu_ms: 5_000, host_calls: 10_000, ..TIGHT })
            .checked(|observed| assert_eq!(observed.files.len(), 100)),
        output("same-file", "opens a file twice", text(3000, "a.txt"), format!("(drop {0}) (drop {0})", open(5, 0)))
            .fault(BROKEN, "the run has opened a file of this name in poslog before"),
        output("file-outside-run", "opens a file outside a run", text(3000, "a.txt"), format!("(drop {})", open(5, 0)))
            .at(Point::OnPayment)
            .fault("denied", "denied: output outside a run"),
    ]
}

/// Executes code without end, each time with another name at 3000: its first three letters count.
fn each_file(code: &str) -> String {
    format!(
        "(local $n i32)
        (loop
            (i32.store8 (i32.const 3000) (i32.add (i32.const 65) (i32.shr_u (local.get $n) (i32.const 6))))
            (i32.store8 (i32.const 3001) (i32.add (i32.const 48) (i32.and (local.get $n) (i32.const 7))))
            (i32.store8 (i32.const 3002) (i32.add (i32.const 48) (i32.shr_u (i32.and (local.get $n) (i32.const 63)) (i32.const 3))))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            {code}
            (br 0))
        (unreachable)"
    )
}

fn unserved() -> Vec<Guest> {
    vec![
        guest("tokens", "verifies a login token, which the host does not serve")
            .calls(&["tokens#verify"])
            .executes("(call $verify (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64)) (i32.const 16)")
            .refused("needs capability \"tokens\", which this version of the host does not serve"),
        guest("http", "sends a request, which the host does not serve")
            .calls(&["http#send"])
            .refused("needs capability \"http\", which this version of the host does not serve"),
        guest("on-reply", "exports `on-reply`, which the host does not call")
            .attacks(&["loader"])
            .at(Point::OnReply)
            .refused("exports \"on-reply\", which this version of the host does not call"),
        guest("verify-login", "exports `verify-login`, which the host does not call")
            .attacks(&["loader"])
            .at(Point::VerifyLogin)
            .refused("exports \"verify-login\", which this version of the host does not call"),
    ]
}

fn wasi() -> Vec<Guest> {
    let wasi = |name, does, imports: &[&'static str], code: &str| {
        guest(name, does)
            .calls(imports)
            .executes(format!("{code} (i32.const 16)"))
    };
    const PRINT: &[&str] = &[
        "wasi:cli/stderr#get-stderr",
        "wasi:io/streams#[method]output-stream.write",
    ];
    vec![
        wasi("random-endless", "requests 2^64-1 random bytes", &["wasi:random/random#get-random-bytes"],
            "(call $get-random-bytes (i64.const -1) (i32.const 64))")
            .attacks(&["wasi::RANDOM_BYTES"])
            .fault(BROKEN, "requested len 18446744073709551615 exceeds limit 1048576"),
        wasi("insecure-random-endless", "requests 2^64-1 insecure random bytes", &["wasi:random/insecure#get-insecure-random-bytes"],
            "(call $get-insecure-random-bytes (i64.const -1) (i32.const 64))")
            .attacks(&["wasi::RANDOM_BYTES"])
            .fault(BROKEN, "requested len 18446744073709551615 exceeds limit 1048576"),
        wasi("stopped-clock", "crashes if the monotonic clock moves", &["wasi:clocks/monotonic-clock#now"],
            "(if (i64.ne (call $now) (i64.const 0)) (then (unreachable)))")
            .succeeds(0),
        wasi("clock-of-event", "crashes if the clock shows another time than the event's", &["wasi:clocks/wall-clock#now"],
            "(call $now (i32.const 64))
            (if (i64.ne (i64.load (i32.const 64)) (i64.const 1795511472)) (then (unreachable)))
            (if (i32.ne (i32.load (i32.const 72)) (i32.const 345000000)) (then (unreachable)))")
            .succeeds(0),
        wasi("exit-success", "exits as if it had succeeded", &["wasi:cli/exit#exit"], "(call $exit (i32.const 0))")
            .fault("trapped", "exited with code 0"),
        wasi("environment", "crashes if the environment has a variable", &["wasi:cli/environment#get-environment"],
            "(call $get-environment (i32.const 64)) (if (i32.load (i32.const 68)) (then (unreachable)))")
            .succeeds(0),
        wasi("preopens", "crashes if a directory is open", &["wasi:filesystem/preopens#get-directories"],
            "(call $get-directories (i32.const 64)) (if (i32.load (i32.const 68)) (then (unreachable)))")
            .succeeds(0),
        wasi("network", "opens the network", &["wasi:sockets/instance-network#instance-network"],
            "(drop (call $instance-network))")
            .fault("denied", "denied: wasi:sockets/instance-network#instance-network"),
        wasi("print-at-once", "prints 64 KiB and a byte in one call", PRINT,
            "(drop (memory.grow (i32.const 4))) (call $output-stream.write (call $get-stderr) (i32.const 2048) (i32.const 65537) (i32.const 64))")
            .attacks(&["wasi::PRINT_BYTES"])
            .fault(BROKEN, "standard output and error take at most 65536 bytes in one call, got 65537"),
        wasi("many-streams", "opens standard error and never drops it", &["wasi:cli/stderr#get-stderr"],
            "(loop (drop (call $get-stderr)) (br 0)) (unreachable)")
            .attacks(&["invoke::RESOURCES"])
            .fault(BROKEN, "resource table has no free keys"),
        wasi("zeroes-flood", "prints 2^64-1 zeroes",
            &["wasi:cli/stderr#get-stderr", "wasi:io/streams#[method]output-stream.blocking-write-zeroes-and-flush"],
            "(call $output-stream.blocking-write-zeroes-and-flush (call $get-stderr) (i64.const -1) (i32.const 64))")
            .fault(BROKEN, "Buffer too large"),
        wasi("print-flood", "prints 60 KiB to standard error and crashes", PRINT,
            "(call $output-stream.write (call $get-stderr) (i32.const 2048) (i32.const 60000) (i32.const 64)) (unreachable)")
            .with(text(2048, &"x".repeat(60_000)))
            .attacks(&["plugin_log::LAST_BYTES", "plugin_log::LAST_LINE_BYTES", "wasi::PRINT_BYTES"])
            .fault("trapped", "xxx\nwasm trap: wasm `unreachable` instruction executed")
            .checked(|observed| {
                let text = format!("{:?}", observed.outcome);
                assert!(text.len() < 4 << 10, "{}", text.len());
            }),
    ]
}
