//! One test for each behaviour of the guest. The macro matches over all behaviours, so one without a
//! test does not compile.

use crate::kit::{LIMITS, context, host_fault, load, logged, named, note, pay, sale, slot};
use crate::{feeds, keys, members, runs, statements};
use engine_guests::Behaviour;
use galleria_domain::plugin::Limits;
use galleria_domain::{CallFault, Decision, Fault, HostFault};
use galleria_ports::plugins::{Argument, CallOutcome, LoadedPlugin, Plugins};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

macro_rules! behaviours {
    ($($behaviour:ident: $test:ident $body:block)*) => {
        const _: fn(Behaviour) = |behaviour| match behaviour {
            $(Behaviour::$behaviour => (),)*
        };
        $(
            #[test]
            fn $test() $body
        )*
    };
}

/// Calls a slot with the behaviour, and checks that another slot of the same component returns the same
/// decision before, during and after that call.
fn call(behaviour: Behaviour, limits: Limits) -> CallOutcome<Decision> {
    let mut bad = slot("bad", behaviour);
    bad.call_limits = limits;
    let generation = load(vec![bad, slot("good", Behaviour::Decide)]);
    let (bad, good) = (named(&generation, "bad"), named(&generation, "good"));
    let decision = || {
        let called = pay(&generation, &good, "good-event");
        called.outcome.expect("a decision")
    };
    let before = decision();
    let stopped = AtomicBool::new(false);
    let called = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stopped.load(Ordering::Relaxed) {
                assert_eq!(decision(), before);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let called = pay(&generation, &bad, &format!("{behaviour:?}"));
        stopped.store(true, Ordering::Relaxed);
        called
    });
    assert_eq!(decision(), before);
    let repeated = pay(&generation, &bad, &format!("{behaviour:?}"));
    assert_eq!(
        code(&repeated),
        code(&called),
        "a fresh instance ends the same way"
    );
    called
}

fn code<T>(called: &CallOutcome<T>) -> &'static str {
    match &called.outcome {
        Ok(_) => "ok",
        Err(fault) => fault.code(),
    }
}

fn denied(behaviour: Behaviour, what: &str) {
    let called = call(behaviour, LIMITS);
    assert_eq!(host_fault(&called), &HostFault::Denied(what.into()));
}

fn broken(behaviour: Behaviour, about: &str) {
    let called = call(behaviour, LIMITS);
    match host_fault(&called) {
        HostFault::ContractBroken(text) => assert!(text.contains(about), "{text}"),
        other => panic!("{other:?}"),
    }
}

fn trapped(behaviour: Behaviour, about: &[&str]) {
    let called = call(behaviour, LIMITS);
    match host_fault(&called) {
        HostFault::Trapped(text) => {
            for about in about {
                assert!(text.contains(about), "{about} is not in {text}");
            }
        }
        other => panic!("{other:?}"),
    }
}

fn decision(behaviour: Behaviour) -> Decision {
    call(behaviour, LIMITS).outcome.expect("a decision")
}

behaviours! {
    Decide: decision_arrives_unchanged {
        let called = call(Behaviour::Decide, LIMITS);
        let decision = called.outcome.expect("a decision");
        assert_eq!(decision.documents[0].directory, "poslog");
        assert_eq!(decision.documents[0].name, "payment-1.txt");
        assert_eq!(decision.documents[0].body, b"payment-1 3 lines");
        assert_eq!(decision.publications[0].topic, "sales");
        assert_eq!(decision.publications[0].data.as_str(), r#"{"gross":750}"#);
        assert_eq!(note(&decision, "event"), "Decide");
        assert!(called.usage.cpu > Duration::ZERO && called.usage.wall >= called.usage.cpu / 2);
        assert!(called.usage.memory_bytes >= 2 * 65_536);
        // A document, a publication and notes, of 256 bytes each in addition to their texts.
        let output = called.usage.output_bytes;
        assert!((3 * 256..2_000).contains(&output), "{output}");
        assert_eq!((called.usage.host_calls, called.usage.denied_calls), (0, 0));
    }

    Retry: fault_of_the_guest_is_returned {
        match call(Behaviour::Retry, LIMITS).outcome {
            Err(CallFault::Guest(Fault::Retry(later))) => assert_eq!(later.reason, "not now"),
            other => panic!("{other:?}"),
        }
    }

    Loop: cpu_and_wall_time_are_limited {
        let limits = Limits { cpu_ms: 50, ..LIMITS };
        let called = call(Behaviour::Loop, limits);
        assert_eq!(host_fault(&called), &HostFault::OutOfCpu(50));
        assert!(called.usage.cpu >= Duration::from_millis(50));
        assert!(called.usage.cpu < Duration::from_millis(100), "{:?}", called.usage);

        let limits = Limits { wall_ms: 20, ..LIMITS };
        let called = call(Behaviour::Loop, limits);
        assert_eq!(host_fault(&called), &HostFault::TimedOut(20));
    }

    AllocateMemory: memory_is_limited {
        let called = call(Behaviour::AllocateMemory, LIMITS);
        assert_eq!(host_fault(&called), &HostFault::OutOfMemory(16 << 20));
        assert!(called.usage.memory_bytes <= LIMITS.memory_bytes + LIMITS.table_elements * 8);
        assert!(called.usage.memory_bytes > 10 << 20);
    }

    DecideTooMuch: size_of_a_decision_is_limited {
        let called = call(Behaviour::DecideTooMuch, LIMITS);
        assert_eq!(host_fault(&called), &HostFault::OutputTooLarge(1 << 20));
        // Exceeds the fuel for values, before the host can count it.
        let called = call(Behaviour::DecideTooMuch, Limits { output_bytes: 1_000, ..LIMITS });
        assert_eq!(host_fault(&called), &HostFault::OutputTooLarge(1_000));
    }

    FaultTooMuch: size_of_a_fault_is_limited {
        let called = call(Behaviour::FaultTooMuch, LIMITS);
        assert_eq!(host_fault(&called), &HostFault::OutputTooLarge(1 << 20));
    }

    LogTooMuch: log_lines_beyond_the_limit_are_dropped_and_counted {
        let called = call(Behaviour::LogTooMuch, LIMITS);
        assert_eq!(note(&called.outcome.expect("a decision"), "logged"), "all");
        assert_eq!(called.usage.host_calls, 200);
        let lines = logged("LogTooMuch");
        let dropped = |line: &&crate::kit::Logged| line.fields.contains_key("dropped");
        let last = lines.iter().find(dropped).expect("a line with the number of dropped lines");
        assert_eq!(last.fields["dropped"], "144");
        // Two calls: 56 lines of 1,004 bytes, with 140 bytes around them and the names, fit into 64 KiB.
        assert_eq!(lines.len(), 2 * 57);
    }

    CallTooOften: host_calls_are_limited {
        let called = call(Behaviour::CallTooOften, LIMITS);
        assert_eq!(host_fault(&called), &HostFault::TooManyCalls(1_000));
    }

    Recurse: deep_recursion_traps {
        // Exceeds the guest's own stack of 64 KiB or wasmtime's of 1 MiB.
        trapped(Behaviour::Recurse, &["recurse"]);
    }

    Crash: trap_has_a_backtrace {
        trapped(Behaviour::Crash, &["crash_here", "unreachable", "no way to handle payment-1"]);
        let panic_message = |line: &crate::kit::Logged| line.fields["message"].contains("no way to handle payment-1");
        assert!(logged("Crash").iter().any(panic_message), "the log has no panic message");
    }

    Overflow: overflow_is_a_trap_with_its_message {
        trapped(Behaviour::Overflow, &["panicked at", "attempt to add with overflow", "add_here"]);
    }

    Exit: exit_is_a_trap {
        trapped(Behaviour::Exit, &["exit"]);
    }

    BadJson: publication_must_be_json { broken(Behaviour::BadJson, "decision.publications.0.data: must be valid JSON: "); }
    BadName: document_name_must_be_one_segment { broken(Behaviour::BadName, "decision.documents.0.name: \"../../etc/passwd\" is not a valid file name"); }
    SameName: document_name_must_be_unique { broken(Behaviour::SameName, "writes poslog/a.txt twice"); }
    BadRequest: request_header_must_be_one_line { broken(Behaviour::BadRequest, "decision.requests.0.headers.0."); }

    DecideTooMany: items_of_a_decision_are_limited { broken(Behaviour::DecideTooMany, "must have at most 100 items (limit `items`), got 0 documents, 101 publications"); }
    NoteTooMany: attributes_of_a_decision_are_limited { broken(Behaviour::NoteTooMany, "must have at most 100 attributes (limit `attributes`), got 101 notes"); }
    LongKey: key_of_a_publication_is_limited { broken(Behaviour::LongKey, "decision.publications.0.key: must have at most 1024 bytes, got 2000"); }

    OtherDirectory: directory_needs_a_grant { denied(Behaviour::OtherDirectory, "directory \"elsewhere\""); }
    OtherTopic: topic_needs_a_grant { denied(Behaviour::OtherTopic, "topic \"elsewhere\""); }
    OtherTarget: target_needs_a_grant { denied(Behaviour::OtherTarget, "target \"elsewhere\""); }
    Receipt: receipt_needs_a_grant { denied(Behaviour::Receipt, "receipts"); }

    ReadEnvironment: clock_and_randomness_derive_from_the_event {
        let decision = decision(Behaviour::ReadEnvironment);
        // 2026-11-24T10:11:12.345+01:00
        assert_eq!(note(&decision, "now"), "1795511472345");
        assert_eq!(note(&decision, "elapsed"), "0");
        assert_eq!(note(&decision, "arguments"), "0");
        assert_eq!(note(&decision, "environment"), "0");

        let generation = load(vec![slot("reads", Behaviour::ReadEnvironment)]);
        let plugin = named(&generation, "reads");
        let read = |event: &str| pay(&generation, &plugin, event).outcome.expect("a decision");
        assert_eq!(read("one"), read("one"), "the same event gives the same bytes");
        assert_ne!(note(&read("one"), "random"), note(&read("two"), "random"));
    }

    Sleep: sleeping_is_denied {
        let called = call(Behaviour::Sleep, LIMITS);
        assert_eq!(
            host_fault(&called),
            &HostFault::Denied("waiting for a future time".into())
        );
        assert_eq!(called.usage.denied_calls, 1);
        assert!(called.usage.wall < Duration::from_secs(2));
    }

    Yield: sleeping_for_zero_is_allowed {
        assert_eq!(note(&decision(Behaviour::Yield), "yielded"), "yes");
    }

    Connect: sockets_are_denied_and_counted {
        let called = call(Behaviour::Connect, LIMITS);
        match host_fault(&called) {
            HostFault::Denied(what) => assert!(what.starts_with("wasi:sockets/"), "{what}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(called.usage.denied_calls, 1);
    }

    OpenFiles: files_are_not_accessible {
        assert_eq!(note(&decision(Behaviour::OpenFiles), "failed"), "3");
    }

    Print: standard_streams_go_to_the_log {
        decision(Behaviour::Print);
        let lines = logged("Print");
        let has = |level: &str, message: &str| {
            lines.iter().any(|line| line.level == level && line.fields["message"] == message)
        };
        assert!(has("INFO", "printed out"), "{lines:?}");
        assert!(has("WARN", "printed [31m err"), "an escape sequence stays: {lines:?}");
        assert!(has("INFO", "without an end"), "{lines:?}");
    }

    Log: log_lines_name_their_origin {
        decision(Behaviour::Log);
        let lines = logged("Log");
        let messages: Vec<_> = lines[..4]
            .iter()
            .map(|line| (line.level.as_str(), line.fields["message"].as_str()))
            .collect();
        assert_eq!(messages, [
            ("DEBUG", "a detail"), ("INFO", "a fact"), ("WARN", "a doubt"), ("ERROR", "a failure"),
        ]);
        assert_eq!(lines[1].fields["fields"], "rows=\"7\" file=\"a b\"");
        assert_eq!(lines[1].fields["retailer"], "example");
        assert_eq!(lines[1].fields["slot"], "bad");
        assert_eq!(lines[1].fields["store"], "store-1");
    }

    PullOutsideRun: feed_needs_a_run { denied(Behaviour::PullOutsideRun, "sale-lines outside a run"); }
    WriteOutsideRun: output_needs_a_run { denied(Behaviour::WriteOutsideRun, "output outside a run"); }

    Copy: run_copies_its_feed_to_its_file { runs::copies(); }
    PullTooMany: batch_size_is_limited { runs::bounded_batch(); }
    PullSingly: pulling_single_rows_needs_few_queries { runs::single_rows(); }
    PullForever: endless_pulling_is_limited { runs::slow_feed(); }
    OpenOther: output_directory_needs_a_grant { runs::other_directory(); }
    OpenBadName: output_name_must_be_one_segment { runs::bad_name(); }
    OpenTwice: output_name_is_opened_once { runs::twice(); }
    OpenAndDrop: dropped_files_are_closed { runs::dropped_files(); }
    OpenAndKeep: open_files_are_limited { runs::kept_files(); }
    WriteTooMuch: output_is_limited { runs::too_much_output(); }
    TotalTooMany: sums_of_totals_are_limited { runs::broken(Behaviour::TotalTooMany, "totals.sums: must have at most 100 entries (limit `attributes`), got 101"); }
    TotalTooMuch: size_of_totals_is_limited { runs::totals_too_large(); }
    CopySettlement: settlement_lines_arrive_as_columns { feeds::settlement(); }
    CopyProducts: products_arrive_as_columns { feeds::products(); }

    ReadLines: file_becomes_statement_lines { statements::read(); }
    ReadForever: slow_or_failing_input_ends_the_run { statements::slow_and_failing_input(); }
    DescribeTwice: statement_header_must_be_unique { statements::broken(Behaviour::DescribeTwice, "called twice"); }
    PushLongText: text_of_a_line_is_limited { statements::broken(Behaviour::PushLongText, "row 7 of the statement: a text must have at most 4096 bytes, got 5000"); }
    PushMany: lines_of_a_call_are_limited { statements::broken(Behaviour::PushMany, "at most 4096 lines, got 5000"); }
    PushBadRate: scale_of_a_rate_is_limited { statements::broken(Behaviour::PushBadRate, "row 3 of the statement: the rate's scale must be at most 18, got 200"); }
    PushTooMuch: statement_lines_are_limited { statements::too_much(); }

    Encrypt: encrypted_text_can_be_decrypted { keys::encrypt(&decision(Behaviour::Encrypt), &decision(Behaviour::Encrypt)); }
    DecryptBroken: all_failures_are_equal {
        let decision = decision(Behaviour::DecryptBroken);
        assert_eq!(note(&decision, "answers"), "12");
        assert_eq!(note(&decision, "alike"), "true");
        assert_eq!(note(&decision, "answer"), "Err(Refused)");
    }
    OpenOtherSecret: secret_needs_a_grant { denied(Behaviour::OpenOtherSecret, "secret \"elsewhere\""); }
    OpenWithoutOperations: secret_without_operations_does_not_open {
        assert_eq!(note(&decision(Behaviour::OpenWithoutOperations), "open"), "refused");
    }
    ExceedGrant: operation_needs_a_grant { keys::beyond_grant(&call(Behaviour::ExceedGrant, LIMITS)); }
    EncryptTooMuch: size_of_an_encrypted_text_is_limited {
        assert_eq!(note(&decision(Behaviour::EncryptTooMuch), "encrypt"), "refused");
    }
    KeepKeys: open_resources_are_limited {
        let called = call(Behaviour::KeepKeys, Limits { host_calls: 20_000, ..LIMITS });
        assert!(matches!(host_fault(&called), HostFault::ContractBroken(_)), "{:?}", called.outcome);
        assert!(called.usage.host_calls < 2_000, "{:?}", called.usage);
    }

    Identify: code_identifies_a_member_or_none { members::identify(); }
    PutInLog: sensitive_point_logs_nothing { members::returns_no_member(Behaviour::PutInLog); }
    PutInFault: sensitive_reason_is_withheld { members::withheld(Behaviour::PutInFault, "failed"); }
    PutInProblems: sensitive_problems_are_withheld { members::withheld(Behaviour::PutInProblems, "invalid"); }
    PutInRetry: sensitive_retry_reason_is_withheld { members::withheld(Behaviour::PutInRetry, "retry"); }
    PutInPanic: sensitive_trap_omits_the_message { members::crash(); }
    PutInSecret: sensitive_name_of_a_secret_is_withheld { members::denied(Behaviour::PutInSecret, "secret"); }
    PutInDirectory: sensitive_name_of_a_directory_is_withheld { members::denied(Behaviour::PutInDirectory, "directory"); }
    AnswerTooMany: attributes_of_an_answer_are_limited { members::withheld(Behaviour::AnswerTooMany, "contract_broken"); }
    AnswerTooMuch: size_of_an_answer_is_limited { members::withheld(Behaviour::AnswerTooMuch, "output_too_large"); }
}

#[test]
fn call_of_a_missing_point_is_not_served() {
    let generation = load(vec![slot("guest", Behaviour::Decide)]);
    let plugin = named(&generation, "guest");
    let argument = Argument::Verification(galleria_domain::Verification {
        sale: sale(1),
        business_date: "2026-11-24".into(),
        cashier: "o".into(),
        outcome: "passed".into(),
        refused_lines: vec![],
        at: "2026-11-24T10:11:12.345+01:00".into(),
    });
    let called = generation.react(&plugin, &context("e", &plugin), &argument);
    assert_eq!(code(&called), "not_served");

    let foreign = LoadedPlugin {
        handle: Arc::new(()),
        ..plugin
    };
    let called = pay(&generation, &foreign, "e");
    assert_eq!(code(&called), "not_served", "no engine loaded it");
}

/// A call or run that has begun ends with the plugin that it began with.
#[test]
fn a_plugin_is_called_after_a_newer_generation_replaced_its_own() {
    let first = load(vec![slot("guest", Behaviour::Retry)]);
    let plugin = named(&first, "guest");
    drop(first);
    let second = load(vec![slot("guest", Behaviour::Decide)]);
    assert_eq!(code(&pay(&second, &plugin, "e")), "retry");
    let newer = named(&second, "guest");
    assert!(pay(&second, &newer, "e").outcome.is_ok());
}
