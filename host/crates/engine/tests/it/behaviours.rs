//! One test for each behaviour of the guest. The macro matches over all of them: a behaviour without
//! a test does not compile.

use crate::kit::{LIMITS, context, host_fault, load, logged, named, note, pay, sale, slot};
use crate::{feeds, keys, members, runs, statements};
use engine_guests::Behave;
use galleria_app::plugins::{Argument, Called, Plugins};
use galleria_domain::plugin::Limits;
use galleria_domain::{CallFault, Decision, Fault, HostFault};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

macro_rules! behaviours {
    ($($behave:ident: $test:ident $body:block)*) => {
        const _: fn(Behave) = |behave| match behave {
            $(Behave::$behave => (),)*
        };
        $(
            #[test]
            fn $test() $body
        )*
    };
}

/// Asks a guest that misbehaves, and shows that a well-behaved slot of the same component gives the
/// same decision before, meanwhile and after.
fn asked(behave: Behave, limits: Limits) -> Called<Decision> {
    let mut bad = slot("bad", behave);
    bad.call_limits = limits;
    let generation = load(vec![bad, slot("good", Behave::Decide)]);
    let (bad, good) = (named(&generation, "bad"), named(&generation, "good"));
    let decision = || {
        let called = pay(&generation, &good, "good-event");
        called.outcome.expect("a decision")
    };
    let before = decision();
    let ended = AtomicBool::new(false);
    let called = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                assert_eq!(decision(), before);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let called = pay(&generation, &bad, &format!("{behave:?}"));
        ended.store(true, Ordering::Relaxed);
        called
    });
    assert_eq!(decision(), before);
    let again = pay(&generation, &bad, &format!("{behave:?}"));
    assert_eq!(
        code(&again),
        code(&called),
        "a fresh instance does the same"
    );
    called
}

fn code<T>(called: &Called<T>) -> &'static str {
    match &called.outcome {
        Ok(_) => "ok",
        Err(fault) => fault.code(),
    }
}

fn denied(behave: Behave, what: &str) {
    let called = asked(behave, LIMITS);
    assert_eq!(host_fault(&called), &HostFault::Denied(what.into()));
}

fn broken(behave: Behave, about: &str) {
    let called = asked(behave, LIMITS);
    match host_fault(&called) {
        HostFault::ContractBroken(text) => assert!(text.contains(about), "{text}"),
        other => panic!("{other:?}"),
    }
}

fn trapped(behave: Behave, about: &[&str]) {
    let called = asked(behave, LIMITS);
    match host_fault(&called) {
        HostFault::Trapped(text) => {
            for about in about {
                assert!(text.contains(about), "{about} is not in {text}");
            }
        }
        other => panic!("{other:?}"),
    }
}

fn decided(behave: Behave) -> Decision {
    asked(behave, LIMITS).outcome.expect("a decision")
}

behaviours! {
    Decide: a_decision_arrives_as_it_was_made {
        let called = asked(Behave::Decide, LIMITS);
        let decision = called.outcome.expect("a decision");
        assert_eq!(decision.documents[0].directory, "poslog");
        assert_eq!(decision.documents[0].name, "payment-1.txt");
        assert_eq!(decision.documents[0].body, b"payment-1 3 lines");
        assert_eq!(decision.publications[0].topic, "sales");
        assert_eq!(decision.publications[0].data, r#"{"gross":750}"#);
        assert_eq!(note(&decision, "event"), "Decide");
        assert!(called.usage.cpu > Duration::ZERO && called.usage.wall >= called.usage.cpu / 2);
        assert!(called.usage.memory_bytes >= 2 * 65_536);
        assert!(called.usage.output_bytes > 17 && called.usage.output_bytes < 200);
        assert_eq!((called.usage.host_calls, called.usage.denied_calls), (0, 0));
    }

    AskAgain: a_guests_own_fault_is_its_own {
        match asked(Behave::AskAgain, LIMITS).outcome {
            Err(CallFault::Guest(Fault::Retry(later))) => assert_eq!(later.reason, "not now"),
            other => panic!("{other:?}"),
        }
    }

    Loop: cpu_time_ends {
        let limits = Limits { cpu_ms: 50, ..LIMITS };
        let called = asked(Behave::Loop, limits);
        assert_eq!(host_fault(&called), &HostFault::OutOfCpu(50));
        assert!(called.usage.cpu >= Duration::from_millis(50));
        assert!(called.usage.cpu < Duration::from_millis(100), "{:?}", called.usage);

        let limits = Limits { wall_ms: 20, ..LIMITS };
        let called = asked(Behave::Loop, limits);
        assert_eq!(host_fault(&called), &HostFault::TimedOut(20));
    }

    EatMemory: memory_ends {
        let called = asked(Behave::EatMemory, LIMITS);
        assert_eq!(host_fault(&called), &HostFault::OutOfMemory(16 << 20));
        assert!(called.usage.memory_bytes <= LIMITS.memory_bytes + LIMITS.table_elements * 8);
        assert!(called.usage.memory_bytes > 10 << 20);
    }

    DecideTooMuch: a_decision_has_its_size {
        let called = asked(Behave::DecideTooMuch, LIMITS);
        assert_eq!(host_fault(&called), &HostFault::OutputTooLarge(1 << 20));
        // So much that it does not even cross the boundary.
        let called = asked(Behave::DecideTooMuch, Limits { output_bytes: 1_000, ..LIMITS });
        assert_eq!(host_fault(&called), &HostFault::OutputTooLarge(1_000));
    }

    FaultTooMuch: a_fault_has_its_size {
        let called = asked(Behave::FaultTooMuch, LIMITS);
        assert_eq!(host_fault(&called), &HostFault::OutputTooLarge(1 << 20));
    }

    LogTooMuch: log_lines_beyond_the_limit_are_dropped_and_counted {
        let called = asked(Behave::LogTooMuch, LIMITS);
        assert_eq!(note(&called.outcome.expect("a decision"), "logged"), "all");
        assert_eq!(called.usage.host_calls, 200);
        let lines = logged("LogTooMuch");
        let dropped = |line: &&crate::kit::Logged| line.fields.contains_key("dropped");
        let last = lines.iter().find(dropped).expect("a line about the others");
        assert_eq!(last.fields["dropped"], "135");
        // Asked twice, 65 lines of 1,002 or 1,003 bytes fit into 64 KiB each time.
        assert_eq!(lines.len(), 2 * 66);
    }

    CallTooOften: host_calls_end {
        let called = asked(Behave::CallTooOften, LIMITS);
        assert_eq!(host_fault(&called), &HostFault::TooManyCalls(1_000));
    }

    Recurse: deep_recursion_is_a_crash {
        // The guest's own stack of 64 KiB, or wasmtime's of a MiB: whichever ends first.
        trapped(Behave::Recurse, &["recurse"]);
    }

    Crash: a_crash_shows_where {
        trapped(Behave::Crash, &["crash_here", "unreachable"]);
        let panicked = |line: &crate::kit::Logged| line.fields["message"].contains("no way to handle payment-1");
        assert!(logged("Crash").iter().any(panicked), "the panic's words are in the log");
    }

    Exit: leaving_is_a_crash {
        trapped(Behave::Exit, &["exit"]);
    }

    BadJson: what_is_published_is_json { broken(Behave::BadJson, "sales is no JSON"); }
    BadName: a_name_is_one_segment { broken(Behave::BadName, "is no file name"); }
    SameName: a_name_is_written_once { broken(Behave::SameName, "poslog/a.txt is written twice"); }
    BadRequest: a_header_is_one_line { broken(Behave::BadRequest, "is no header"); }

    OtherDirectory: directories_are_granted { denied(Behave::OtherDirectory, "directory \"elsewhere\""); }
    OtherTopic: topics_are_granted { denied(Behave::OtherTopic, "topic \"elsewhere\""); }
    OtherTarget: targets_are_granted { denied(Behave::OtherTarget, "target \"elsewhere\""); }
    Receipt: receipts_are_granted { denied(Behave::Receipt, "receipts"); }

    LookAround: clock_and_randomness_are_the_events {
        let decision = decided(Behave::LookAround);
        // 2026-11-24T10:11:12.345+01:00
        assert_eq!(note(&decision, "now"), "1795511472345");
        assert_eq!(note(&decision, "elapsed"), "0");
        assert_eq!(note(&decision, "arguments"), "0");
        assert_eq!(note(&decision, "environment"), "0");

        let generation = load(vec![slot("looks", Behave::LookAround)]);
        let plugin = named(&generation, "looks");
        let look = |event: &str| pay(&generation, &plugin, event).outcome.expect("a decision");
        assert_eq!(look("one"), look("one"), "the same event, the same bytes");
        assert_ne!(note(&look("one"), "random"), note(&look("two"), "random"));
    }

    Sleep: sleeping_is_denied {
        let called = asked(Behave::Sleep, LIMITS);
        assert_eq!(
            host_fault(&called),
            &HostFault::Denied("waiting for a time to come".into())
        );
        assert_eq!(called.usage.denied_calls, 1);
        assert!(called.usage.wall < Duration::from_secs(2));
    }

    Yield: waiting_for_nothing_is_not_waiting {
        assert_eq!(note(&decided(Behave::Yield), "yielded"), "yes");
    }

    Connect: sockets_are_denied_and_counted {
        let called = asked(Behave::Connect, LIMITS);
        match host_fault(&called) {
            HostFault::Denied(what) => assert!(what.starts_with("wasi:sockets/"), "{what}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(called.usage.denied_calls, 1);
    }

    OpenFiles: there_are_no_files {
        assert_eq!(note(&decided(Behave::OpenFiles), "failed"), "3");
    }

    Print: standard_streams_are_the_log {
        decided(Behave::Print);
        let lines = logged("Print");
        let has = |level: &str, message: &str| {
            lines.iter().any(|line| line.level == level && line.fields["message"] == message)
        };
        assert!(has("INFO", "printed out"), "{lines:?}");
        assert!(has("WARN", "printed [31m err"), "no escape reaches a terminal: {lines:?}");
        assert!(has("INFO", "without an end"), "{lines:?}");
    }

    Log: lines_are_written_with_whose_they_are {
        decided(Behave::Log);
        let lines = logged("Log");
        let found: Vec<_> = lines[..4]
            .iter()
            .map(|line| (line.level.as_str(), line.fields["message"].as_str()))
            .collect();
        assert_eq!(found, [
            ("DEBUG", "a detail"), ("INFO", "a fact"), ("WARN", "a doubt"), ("ERROR", "a failure"),
        ]);
        assert_eq!(lines[1].fields["fields"], "rows=\"7\" file=\"a b\"");
        assert_eq!(lines[1].fields["retailer"], "example");
        assert_eq!(lines[1].fields["slot"], "bad");
        assert_eq!(lines[1].fields["store"], "store-1");
    }

    PullOutsideRun: feeds_are_for_runs { denied(Behave::PullOutsideRun, "sale-lines outside a run"); }
    WriteOutsideRun: outputs_are_for_runs { denied(Behave::WriteOutsideRun, "output outside a run"); }

    Copy: a_run_copies_its_feed_into_its_file { runs::copies(); }
    PullTooMany: a_batch_is_bounded { runs::bounded_batch(); }
    PullForever: a_slow_feed_ends { runs::slow_feed(); }
    OpenOther: outputs_directories_are_granted { runs::other_directory(); }
    OpenBadName: an_outputs_name_is_one_segment { runs::bad_name(); }
    WriteTooMuch: output_ends { runs::too_much_output(); }
    TotalTooMuch: totals_have_their_size { runs::totals_too_large(); }
    CopySettlement: settlement_lines_arrive_as_columns { feeds::settlement(); }
    CopyProducts: products_arrive_as_columns { feeds::products(); }

    ReadLines: a_file_becomes_statement_lines { statements::read(); }
    ReadForever: an_input_that_is_slow_or_fails_ends { statements::slow_and_failing_input(); }
    DescribeTwice: a_statement_is_described_once { statements::broken(Behave::DescribeTwice, "called twice"); }
    PushLongText: a_text_of_a_line_is_bounded { statements::broken(Behave::PushLongText, "row 7 of the statement: a text of 5000 bytes"); }
    PushMany: lines_at_once_are_bounded { statements::broken(Behave::PushMany, "5000 lines, at most 4096"); }
    PushBadRate: a_rate_is_a_number { statements::broken(Behave::PushBadRate, "row 3 of the statement: the rate's scale is 200"); }
    PushTooMuch: statement_lines_end { statements::too_much(); }

    Seal: what_is_sealed_is_opened_again { keys::seal(&decided(Behave::Seal), &decided(Behave::Seal)); }
    OpenBroken: every_failure_is_the_same {
        let decision = decided(Behave::OpenBroken);
        assert_eq!(note(&decision, "answers"), "12");
        assert_eq!(note(&decision, "alike"), "true");
        assert_eq!(note(&decision, "answer"), "Err(Refused)");
    }
    OpenOtherSecret: secrets_are_granted { denied(Behave::OpenOtherSecret, "secret \"elsewhere\""); }
    OpenUseless: a_secret_without_operations_is_not_opened {
        assert_eq!(note(&decided(Behave::OpenUseless), "open"), "refused");
    }
    AskBeyondGrant: operations_are_granted { keys::beyond_grant(&asked(Behave::AskBeyondGrant, LIMITS)); }
    SealTooMuch: a_sealed_text_has_its_size {
        assert_eq!(note(&decided(Behave::SealTooMuch), "encrypt"), "refused");
    }
    KeepKeys: what_a_guest_holds_of_the_host_ends {
        let called = asked(Behave::KeepKeys, Limits { host_calls: 20_000, ..LIMITS });
        assert!(matches!(host_fault(&called), HostFault::ContractBroken(_)), "{:?}", called.outcome);
        assert!(called.usage.host_calls < 2_000, "{:?}", called.usage);
    }

    Identify: a_member_is_found_or_nobody_is { members::identify(); }
    TellInLog: nothing_of_a_sensitive_point_is_logged { members::answers_nobody(Behave::TellInLog); }
    TellInFault: a_sensitive_faults_reason_is_withheld { members::withheld(Behave::TellInFault, "failed"); }
    TellInProblems: sensitive_problems_are_withheld { members::withheld(Behave::TellInProblems, "invalid"); }
    TellInRetry: a_sensitive_wish_is_withheld { members::withheld(Behave::TellInRetry, "retry"); }
    TellInPanic: a_sensitive_crash_shows_where_and_not_what { members::crash(); }
    TellInSecret: a_sensitive_name_of_a_secret_is_withheld { members::denied(Behave::TellInSecret, "secret"); }
    TellInDirectory: a_sensitive_name_of_a_directory_is_withheld { members::denied(Behave::TellInDirectory, "directory"); }
    AnswerTooMuch: an_answer_has_its_size { members::withheld(Behave::AnswerTooMuch, "output_too_large"); }
}

#[test]
fn what_is_not_served_is_said() {
    let generation = load(vec![slot("guest", Behave::Decide)]);
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

    let other = load(vec![slot("guest", Behave::Decide)]);
    let called = pay(&other, &plugin, "e");
    assert_eq!(code(&called), "not_served", "a slot of another generation");
}
