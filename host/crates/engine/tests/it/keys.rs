//! Operations with keys, their grants, and that no key's bytes appear anywhere.

use crate::kit::{Logged, load, logged, named, note, pay, slot};
use engine_guests::Behaviour;
use galleria_domain::Decision;
use galleria_domain::plugin::{Operation, Slot};
use galleria_ports::plugins::CallOutcome;

pub fn encrypt(first: &Decision, retry: &Decision) {
    assert_eq!(first, retry, "a retry encrypts to the same bytes");
    let values = |name: &str| {
        let matching = first.notes.iter().filter(|note| note.name == name);
        matching.map(|note| note.value.clone()).collect::<Vec<_>>()
    };
    assert_eq!(values("key"), ["2026", "2026"]);
    assert_eq!(values("text"), ["a note", "a note"]);
    let (nonces, bodies) = (values("nonce"), values("body"));
    assert_ne!(
        nonces[0], nonces[1],
        "equal texts encrypt to different bytes"
    );
    assert_ne!(bodies[0], bodies[1]);
    let code = galleria_keys::mac(&crate::kit::keys()["codes"], b"a text").expect("a code");
    assert_eq!(note(first, "mac"), format!("{code:?}"));

    // Another event encrypts to other bytes.
    let generation = load(vec![slot("encrypts", Behaviour::Encrypt)]);
    let other = pay(
        &generation,
        &named(&generation, "encrypts"),
        "another event",
    );
    let other = other.outcome.expect("a decision");
    assert_ne!(note(&other, "nonce"), nonces[0]);
}

pub fn beyond_grant(called: &CallOutcome<Decision>) {
    let decision = called.outcome.as_ref().expect("a decision");
    for operation in ["encrypt", "mac", "decrypt"] {
        assert_eq!(note(decision, operation), "refused");
    }
    assert_eq!(called.usage.denied_calls, 3);
    let lines = logged("ExceedGrant");
    let warning = |line: &&Logged| {
        let message = &line.fields["message"];
        message.contains("operation encrypt denied: the grant of secret \"loyalty\"")
    };
    // Two calls, with one warning each: not one for every operation.
    assert_eq!(lines.iter().filter(warning).count(), 2, "{lines:?}");
    assert_eq!(lines.len(), 2, "{lines:?}");
}

fn encrypt_with(change: impl FnOnce(&mut Slot)) -> Decision {
    let mut slot = slot("encrypts", Behaviour::Encrypt);
    change(&mut slot);
    let generation = load(vec![slot]);
    let called = pay(&generation, &named(&generation, "encrypts"), "Encrypt");
    called.outcome.expect("a decision")
}

#[test]
fn key_without_a_request_is_denied() {
    let mut slot = slot("requests", Behaviour::DecryptBroken);
    slot.asks.secrets.remove("notes");
    let generation = load(vec![slot]);
    let called = pay(&generation, &named(&generation, "requests"), "requests");
    let denied = galleria_domain::HostFault::Denied("secret \"notes\"".into());
    assert_eq!(crate::kit::host_fault(&called), &denied);
}

/// No log line, slot or result contains a key's bytes.
#[test]
fn key_bytes_are_never_printed() {
    const CANARY: &[u8; 16] = b"canary-7f3e-key!";
    let mut printed = String::new();
    for behaviour in [
        Behaviour::Encrypt,
        Behaviour::DecryptBroken,
        Behaviour::ExceedGrant,
        Behaviour::KeepKeys,
    ] {
        let mut slot = slot("canary", behaviour);
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
fn operation_needs_both_request_and_grant() {
    let mut slot = slot("both", Behaviour::ExceedGrant);
    let mac = [Operation::Mac, Operation::Decrypt, Operation::Encrypt];
    slot.grants.secrets.insert("notes".into(), mac.into());
    let generation = load(vec![slot]);
    let called = pay(&generation, &named(&generation, "both"), "both");
    let decision = called.outcome.expect("a decision");
    assert_eq!(
        note(&decision, "mac"),
        "refused",
        "the plugin does not request it"
    );
}

#[test]
fn another_key_encrypts_differently() {
    let before = encrypt_with(|_| {});
    let after = encrypt_with(|slot| {
        let codes = slot.keys["notes"].as_ref().clone();
        let mut rotated = codes;
        rotated.versions.swap(0, 1);
        slot.keys.insert("notes".into(), rotated.into());
    });
    assert_eq!(note(&after, "key"), "2025");
    assert_ne!(note(&after, "nonce"), note(&before, "nonce"));
    assert_eq!(note(&after, "text"), "a note");
}
