//! Behaviours with keys.

use galleria_sdk::prelude::*;

fn open_key(name: &str) -> Result<Key, Fault> {
    Key::open(name).map_err(|_| Fault::failed(format!("{name} does not open")))
}

fn outcome<T>(result: &Result<T, galleria_sdk::Refused>) -> &'static str {
    match result {
        Ok(_) => "done",
        Err(_) => "refused",
    }
}

pub fn open(name: &str) -> Decision {
    Decision::new().note("open", outcome(&Key::open(name)))
}

pub fn encrypt() -> Result<Decision, Fault> {
    let key = open_key("notes")?;
    let mut decision = Decision::new();
    for _ in 0..2 {
        let sealed = key
            .encrypt(b"a note", b"context")
            .map_err(|_| Fault::failed("encrypt"))?;
        let text = key
            .unseal(&sealed, b"context")
            .map_err(|_| Fault::failed("decrypt"))?;
        decision = decision
            .note("key", sealed.key_id)
            .note("nonce", format!("{:?}", sealed.nonce))
            .note("body", format!("{:?}", sealed.body))
            .note("text", String::from_utf8_lossy(&text));
    }
    let code = open_key("codes")?
        .mac(b"a text")
        .map_err(|_| Fault::failed("mac"))?;
    Ok(decision.note("mac", format!("{code:?}")))
}

/// Decrypts texts that are wrong in every way. Every error must be the same.
pub fn decrypt_broken() -> Result<Decision, Fault> {
    let (gcm, cbc) = (open_key("notes")?, open_key("loyalty")?);
    let sealed = gcm
        .encrypt(b"a note", b"")
        .map_err(|_| Fault::failed("encrypt"))?;
    let mut modified = sealed.body.clone();
    modified[0] ^= 1;
    let results = [
        gcm.decrypt(None, &sealed.nonce, &modified, b""),
        gcm.decrypt(None, &sealed.nonce, &sealed.body, b"other"),
        gcm.decrypt(None, &sealed.nonce, b"", b""),
        gcm.decrypt(None, b"", &sealed.body, b""),
        gcm.decrypt(Some("none"), &sealed.nonce, &sealed.body, b""),
        cbc.decrypt(None, &[0; 16], b"", b""),
        cbc.decrypt(None, &[0; 16], &[0; 15], b""),
        cbc.decrypt(None, &[0; 15], &[0; 16], b""),
        cbc.decrypt(None, &[0; 16], &[0; 32], b""),
        cbc.decrypt(None, b"", &[0; 32], b""),
        cbc.decrypt(None, &[0; 16], &[0; 32], b"associated"),
        cbc.decrypt(None, &[0; 16], &vec![0; 2 << 20], b""),
    ];
    let answers: Vec<String> = results.iter().map(|answer| format!("{answer:?}")).collect();
    Ok(Decision::new()
        .note("answers", answers.len().to_string())
        .note(
            "alike",
            answers
                .iter()
                .all(|answer| *answer == answers[0])
                .to_string(),
        )
        .note("answer", answers[0].clone()))
}

pub fn exceed_grant() -> Result<Decision, Fault> {
    let (notes, loyalty, codes) = (open_key("notes")?, open_key("loyalty")?, open_key("codes")?);
    Ok(Decision::new()
        .note("encrypt", outcome(&loyalty.encrypt(b"x", b"")))
        .note("mac", outcome(&notes.mac(b"x")))
        .note("decrypt", outcome(&codes.decrypt(None, b"", b"x", b""))))
}

pub fn encrypt_too_much() -> Result<Decision, Fault> {
    let sealed = open_key("notes")?.encrypt(&vec![b'x'; (1 << 20) + 1], b"");
    Ok(Decision::new().note("encrypt", outcome(&sealed)))
}

pub fn keep_open() -> Result<Decision, Fault> {
    let mut keys = Vec::new();
    for _ in 0..10_000 {
        keys.push(open_key("notes")?);
    }
    Ok(Decision::new().note("keys", keys.len().to_string()))
}
