//! Keys: what a guest gets of them, and what it does not.

use crate::kit::{Logged, load, logged, named, note, pay, slot};
use engine_guests::Behave;
use galleria_app::plugins::Called;
use galleria_domain::Decision;
use galleria_domain::plugin::{Operation, Slot};

pub fn seal(first: &Decision, again: &Decision) {
    assert_eq!(first, again, "a retry seals alike");
    let values = |name: &str| {
        let named = first.notes.iter().filter(|note| note.name == name);
        named.map(|note| note.value.clone()).collect::<Vec<_>>()
    };
    assert_eq!(values("key"), ["2026", "2026"]);
    assert_eq!(values("text"), ["a note", "a note"]);
    let (nonces, bodies) = (values("nonce"), values("body"));
    assert_ne!(nonces[0], nonces[1], "equal texts look different");
    assert_ne!(bodies[0], bodies[1]);
    let code = galleria_keys::mac(&crate::kit::keys()["codes"], b"a text").expect("a code");
    assert_eq!(note(first, "mac"), format!("{code:?}"));

    // Another event seals otherwise.
    let generation = load(vec![slot("seals", Behave::Seal)]);
    let other = pay(&generation, &named(&generation, "seals"), "another event");
    let other = other.outcome.expect("a decision");
    assert_ne!(note(&other, "nonce"), nonces[0]);
}

pub fn beyond_grant(called: &Called<Decision>) {
    let decision = called.outcome.as_ref().expect("a decision");
    for operation in ["encrypt", "mac", "decrypt"] {
        assert_eq!(note(decision, operation), "refused");
    }
    assert_eq!(called.usage.denied_calls, 3);
    let lines = logged("AskBeyondGrant");
    let told = |line: &&Logged| {
        let message = &line.fields["message"];
        message.contains("it asked to encrypt with secret \"loyalty\"")
    };
    // Asked twice, and told once a call: not for every operation.
    assert_eq!(lines.iter().filter(told).count(), 2, "{lines:?}");
    assert_eq!(lines.len(), 2, "{lines:?}");
}

fn sealing(change: impl FnOnce(&mut Slot)) -> Decision {
    let mut slot = slot("seals", Behave::Seal);
    change(&mut slot);
    let generation = load(vec![slot]);
    let called = pay(&generation, &named(&generation, "seals"), "Seal");
    called.outcome.expect("a decision")
}

#[test]
fn a_key_that_is_not_asked_for_is_not_there() {
    let mut slot = slot("asks", Behave::OpenBroken);
    slot.asks.secrets.remove("notes");
    let generation = load(vec![slot]);
    let called = pay(&generation, &named(&generation, "asks"), "asks");
    let denied = galleria_domain::HostFault::Denied("secret \"notes\"".into());
    assert_eq!(crate::kit::host_fault(&called), &denied);
}

/// What is known of a key is known of no line, no slot, no answer.
#[test]
fn a_keys_bytes_are_printed_nowhere() {
    const CANARY: &[u8; 16] = b"canary-7f3e-key!";
    let mut printed = String::new();
    for behave in [
        Behave::Seal,
        Behave::OpenBroken,
        Behave::AskBeyondGrant,
        Behave::KeepKeys,
    ] {
        let mut slot = slot("canary", behave);
        for key in slot.keys.values_mut() {
            let mut changed = key.as_ref().clone();
            for version in &mut changed.versions {
                version.bytes = CANARY.to_vec().into();
                version.iv = version.iv.as_ref().map(|_| CANARY.to_vec().into());
            }
            *key = changed.into();
        }
        slot.call_limits.host_calls = 20_000;
        printed += &format!("{slot:?}");
        let generation = load(vec![slot]);
        let plugin = named(&generation, "canary");
        printed += &format!("{plugin:?} {:?}", pay(&generation, &plugin, "canary"));
    }
    printed += &crate::kit::whole_log();
    let hex: String = CANARY[..6]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    for form in ["canary-7f3e", &hex, "99, 97, 110, 97, 114, 121"] {
        assert!(!printed.contains(form), "{form}");
    }
}

#[test]
fn an_operation_is_granted_where_both_name_it() {
    let mut slot = slot("both", Behave::AskBeyondGrant);
    let mac = [Operation::Mac, Operation::Decrypt, Operation::Encrypt];
    slot.grants.secrets.insert("notes".into(), mac.into());
    let generation = load(vec![slot]);
    let called = pay(&generation, &named(&generation, "both"), "both");
    let decision = called.outcome.expect("a decision");
    assert_eq!(note(&decision, "mac"), "refused", "it did not ask for it");
}

#[test]
fn another_key_seals_otherwise() {
    let before = sealing(|_| {});
    let after = sealing(|slot| {
        let codes = slot.keys["notes"].as_ref().clone();
        let mut rotated = codes;
        rotated.versions.swap(0, 1);
        slot.keys.insert("notes".into(), rotated.into());
    });
    assert_eq!(note(&after, "key"), "2025");
    assert_ne!(note(&after, "nonce"), note(&before, "nonce"));
    assert_eq!(note(&after, "text"), "a note");
}
