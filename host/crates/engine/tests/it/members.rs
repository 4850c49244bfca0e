//! The sensitive point: what it answers, and that nothing of a number is kept.

use crate::kit::{LIMITS, context, host_fault, keys, load, named, slot, whole_log};
use engine_guests::Behave;
use galleria_app::plugins::{Called, Plugins};
use galleria_domain::plugin::Limits;
use galleria_domain::{CallFault, HostFault, Member};
use galleria_keys::NonceContext;

/// Found nowhere but where a guest put it.
const NUMBER: &str = "6299103355771204";

fn asked(behave: Behave, code: &str) -> Called<Option<Member>> {
    let mut member = slot("member", behave);
    member.call_limits = Limits {
        output_bytes: 1 << 20,
        ..LIMITS
    };
    let generation = load(vec![member, slot("good", Behave::Decide)]);
    let plugin = named(&generation, "member");
    let cx = context(&format!("member {behave:?}"), &plugin);
    let called = generation.identify(&plugin, &cx, code);
    let good = crate::kit::pay(&generation, &named(&generation, "good"), "after a member");
    good.outcome.expect("the next call is unharmed");
    called
}

/// Asks about the number, which must be nowhere afterwards.
fn told(behave: Behave) -> Called<Option<Member>> {
    let called = asked(behave, NUMBER);
    let fault = called.outcome.as_ref().err().map(ToString::to_string);
    for said in [
        format!("{called:?}"),
        fault.unwrap_or_default(),
        whole_log(),
    ] {
        assert!(!said.contains(NUMBER), "{said}");
    }
    called
}

pub fn identify() {
    let key = &keys()["loyalty"];
    let context = NonceContext {
        event: "a card",
        number: 0,
    };
    let sealed = galleria_keys::encrypt(key, context, b"member-7", b"").expect("a code");
    let hex: String = sealed
        .body
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let called = asked(Behave::Identify, &hex);
    let member = called.outcome.expect("an answer").expect("a member");
    assert_eq!(member.id, "member-7");
    assert!(called.usage.output_bytes > 0);
    for broken in ["", "0", "zz", &hex[2..], &format!("{}00", &hex[..30])] {
        let called = asked(Behave::Identify, broken);
        assert_eq!(called.outcome.expect("an answer"), None, "{broken}");
    }
}

pub fn answers_nobody(behave: Behave) {
    assert_eq!(told(behave).outcome, Ok(None));
}

pub fn withheld(behave: Behave, code: &str) {
    let called = told(behave);
    let fault = called.outcome.expect_err("a fault");
    assert_eq!(fault.code(), code);
    if let CallFault::Guest(_) = fault {
        assert!(fault.to_string().contains("withheld"), "{fault}");
    }
}

pub fn crash() {
    let called = told(Behave::TellInPanic);
    match host_fault(&called) {
        HostFault::Trapped(text) => {
            assert!(text.contains("identify"), "where: {text}");
            assert!(text.contains("unreachable"), "why: {text}");
        }
        other => panic!("{other:?}"),
    }
}

pub fn denied(behave: Behave, what: &str) {
    let called = told(behave);
    assert_eq!(host_fault(&called), &HostFault::Denied(what.into()));
}
