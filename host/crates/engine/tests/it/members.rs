//! The sensitive point `identify-member`: its answers, and that no personal data leaves the call.

use crate::kit::{LIMITS, context, host_fault, keys, load, named, slot, whole_log};
use engine_guests::Behaviour;
use galleria_domain::plugin::Limits;
use galleria_domain::{CallFault, HostFault, Member};
use galleria_keys::NonceContext;
use galleria_ports::plugins::{CallOutcome, Plugins};

/// A member's number that occurs nowhere else.
const NUMBER: &str = "6299103355771204";

fn identify_with(behaviour: Behaviour, code: &str) -> CallOutcome<Option<Member>> {
    let mut member = slot("member", behaviour);
    member.call_limits = Limits {
        output_bytes: 1 << 20,
        ..LIMITS
    };
    let generation = load(vec![member, slot("good", Behaviour::Decide)]);
    let plugin = named(&generation, "member");
    let cx = context(&format!("member {behaviour:?}"), &plugin);
    let called = generation.identify(&plugin, &cx, code);
    let good = crate::kit::pay(&generation, &named(&generation, "good"), "after a member");
    good.outcome.expect("the next call is unaffected");
    called
}

/// Identifies the number, and checks that neither the result nor the log contains it.
fn identify_number(behaviour: Behaviour) -> CallOutcome<Option<Member>> {
    let called = identify_with(behaviour, NUMBER);
    let fault = called.outcome.as_ref().err().map(ToString::to_string);
    for text in [
        format!("{called:?}"),
        fault.unwrap_or_default(),
        whole_log(),
    ] {
        assert!(!text.contains(NUMBER), "{text}");
    }
    called
}

pub fn identify() {
    let key = &keys()["loyalty"];
    let context = NonceContext {
        event: "a card",
        number: 0,
    };
    let encrypted = galleria_keys::encrypt(key, context, b"member-7", b"").expect("a code");
    let hex: String = encrypted
        .body
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let called = identify_with(Behaviour::Identify, &hex);
    let member = called.outcome.expect("an answer").expect("a member");
    assert_eq!(member.id, "member-7");
    assert!(called.usage.output_bytes > 0);
    for broken in ["", "0", "zz", &hex[2..], &format!("{}00", &hex[..30])] {
        let called = identify_with(Behaviour::Identify, broken);
        assert_eq!(called.outcome.expect("an answer"), None, "{broken}");
    }
}

pub fn returns_no_member(behaviour: Behaviour) {
    assert_eq!(identify_number(behaviour).outcome, Ok(None));
}

pub fn withheld(behaviour: Behaviour, code: &str) {
    let called = identify_number(behaviour);
    let fault = called.outcome.expect_err("a fault");
    assert_eq!(fault.code(), code);
    if let CallFault::Guest(_) = fault {
        assert!(fault.to_string().contains("withheld"), "{fault}");
    }
}

pub fn crash() {
    let called = identify_number(Behaviour::PutInPanic);
    match host_fault(&called) {
        HostFault::Trapped(text) => {
            assert!(text.contains("identify"), "no function: {text}");
            assert!(text.contains("unreachable"), "no reason: {text}");
        }
        other => panic!("{other:?}"),
    }
}

pub fn denied(behaviour: Behaviour, what: &str) {
    let called = identify_number(behaviour);
    assert_eq!(host_fault(&called), &HostFault::Denied(what.into()));
}
