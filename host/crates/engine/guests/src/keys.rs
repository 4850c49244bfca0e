//! What the guest does with keys.

use galleria_sdk::prelude::*;

fn opened(name: &str) -> Result<Key, Fault> {
    Key::open(name).map_err(|_| Fault::failed(format!("{name} cannot be opened")))
}

fn refused<T>(asked: &Result<T, galleria_sdk::Refused>) -> &'static str {
    match asked {
        Ok(_) => "done",
        Err(_) => "refused",
    }
}

pub fn open(name: &str) -> Decision {
    Decision::new().note("open", refused(&Key::open(name)))
}

pub fn seal() -> Result<Decision, Fault> {
    let key = opened("notes")?;
    let mut decision = Decision::new();
    for _ in 0..2 {
        let sealed = key
            .encrypt(b"a note", b"for whom")
            .map_err(|_| Fault::failed("encrypt"))?;
        let text = key
            .unseal(&sealed, b"for whom")
            .map_err(|_| Fault::failed("decrypt"))?;
        decision = decision
            .note("key", sealed.key_id)
            .note("nonce", format!("{:?}", sealed.nonce))
            .note("body", format!("{:?}", sealed.body))
            .note("text", String::from_utf8_lossy(&text));
    }
    let code = opened("codes")?
        .mac(b"a text")
        .map_err(|_| Fault::failed("mac"))?;
    Ok(decision.note("mac", format!("{code:?}")))
}

/// Everything about a text that can be wrong; each answer must be the same.
pub fn open_broken() -> Result<Decision, Fault> {
    let (gcm, cbc) = (opened("notes")?, opened("loyalty")?);
    let sealed = gcm
        .encrypt(b"a note", b"")
        .map_err(|_| Fault::failed("encrypt"))?;
    let mut touched = sealed.body.clone();
    touched[0] ^= 1;
    let asked = [
        gcm.decrypt(None, &sealed.nonce, &touched, b""),
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
    let answers: Vec<String> = asked.iter().map(|answer| format!("{answer:?}")).collect();
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

pub fn ask_beyond_grant() -> Result<Decision, Fault> {
    let (notes, loyalty, codes) = (opened("notes")?, opened("loyalty")?, opened("codes")?);
    Ok(Decision::new()
        .note("encrypt", refused(&loyalty.encrypt(b"x", b"")))
        .note("mac", refused(&notes.mac(b"x")))
        .note("decrypt", refused(&codes.decrypt(None, b"", b"x", b""))))
}

pub fn seal_too_much() -> Result<Decision, Fault> {
    let sealed = opened("notes")?.encrypt(&vec![b'x'; (1 << 20) + 1], b"");
    Ok(Decision::new().note("encrypt", refused(&sealed)))
}

pub fn keep() -> Result<Decision, Fault> {
    let mut kept = Vec::new();
    for _ in 0..10_000 {
        kept.push(opened("notes")?);
    }
    Ok(Decision::new().note("kept", kept.len().to_string()))
}
