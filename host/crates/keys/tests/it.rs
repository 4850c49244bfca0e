//! Versions, refusals, and what is encrypted on a retry.

use galleria_domain::{Cipher, KeyVersion, SecretKey};
use galleria_keys::{Occasion, decrypt, encrypt, mac};
use zeroize::Zeroizing;

const FIRST: Occasion<'_> = Occasion {
    event: "event-1",
    number: 0,
};

fn version(id: &str, byte: u8, iv: Option<u8>) -> KeyVersion {
    KeyVersion {
        id: id.into(),
        bytes: Zeroizing::new(vec![byte; 32]),
        iv: iv.map(|byte| Zeroizing::new(vec![byte; 16])),
    }
}

fn key(cipher: Cipher, versions: Vec<KeyVersion>) -> SecretKey {
    SecretKey { cipher, versions }
}

#[test]
fn what_an_older_version_sealed_is_opened_by_name_and_without() {
    for cipher in [Cipher::AesCbc, Cipher::AesGcm] {
        let old = key(cipher, vec![version("2025", 1, None)]);
        let new = key(
            cipher,
            vec![version("2026", 2, None), version("2025", 1, None)],
        );
        let sealed = encrypt(&old, FIRST, b"a text of more than a block", b"").expect("sealed");
        assert_eq!(sealed.key_id, "2025");
        for id in [Some("2025"), None] {
            let opened = decrypt(&new, id, &sealed.nonce, &sealed.body, b"");
            assert_eq!(
                opened.expect("the text")[..],
                b"a text of more than a block"[..]
            );
        }
        let newest = encrypt(&new, FIRST, b"a text", b"").expect("sealed");
        assert_eq!(newest.key_id, "2026");
        for id in ["2026", "2024", ""] {
            let opened = decrypt(&new, Some(id), &sealed.nonce, &sealed.body, b"");
            assert_eq!(opened, None, "{id}");
        }
    }
}

#[test]
fn a_retry_encrypts_alike_and_nothing_else_does() {
    for cipher in [Cipher::AesCbc, Cipher::AesGcm] {
        let key = key(cipher, vec![version("1", 1, None)]);
        let sealed = encrypt(&key, FIRST, b"text", b"").expect("sealed");
        assert_eq!(encrypt(&key, FIRST, b"text", b""), Some(sealed.clone()));
        let others = [
            encrypt(&key, FIRST, b"texu", b""),
            encrypt(&key, Occasion { number: 1, ..FIRST }, b"text", b""),
            encrypt(
                &key,
                Occasion {
                    event: "event-2",
                    ..FIRST
                },
                b"text",
                b"",
            ),
        ];
        for other in others {
            assert_ne!(other.expect("sealed").nonce, sealed.nonce);
        }
    }
}

#[test]
fn a_fixed_iv_is_no_ones_to_send() {
    let key = key(Cipher::AesCbc, vec![version("1", 1, Some(9))]);
    let sealed = encrypt(&key, FIRST, b"text", b"").expect("sealed");
    assert_eq!(sealed.nonce, b"");
    let open = |nonce: &[u8]| decrypt(&key, None, nonce, &sealed.body, b"");
    assert_eq!(open(b"").expect("the text")[..], b"text"[..]);
    assert_eq!(open(&[9; 16]).expect("the text")[..], b"text"[..]);
    // Another IV flips the text, and not its padding.
    assert_ne!(
        open(&[8; 16]).map(|text| text.to_vec()),
        Some(b"text".to_vec())
    );
    assert_eq!(open(&[9; 15]), None);
    let without = self::key(Cipher::AesCbc, vec![version("1", 1, None)]);
    assert_eq!(decrypt(&without, None, b"", &sealed.body, b""), None);
}

#[test]
fn a_key_serves_one_cipher() {
    let cbc = key(Cipher::AesCbc, vec![version("1", 1, None)]);
    let gcm = key(Cipher::AesGcm, vec![version("1", 1, None)]);
    let hmac = key(Cipher::HmacSha256, vec![version("1", 1, None)]);
    assert_eq!(mac(&cbc, b"text"), None);
    assert_eq!(mac(&gcm, b"text"), None);
    assert!(mac(&hmac, b"text").is_some());
    assert_eq!(encrypt(&hmac, FIRST, b"text", b""), None);
    assert_eq!(decrypt(&hmac, None, &[0; 16], &[0; 16], b""), None);
    // CBC has nothing that would authenticate it.
    assert_eq!(encrypt(&cbc, FIRST, b"text", b"associated"), None);
    let sealed = encrypt(&cbc, FIRST, b"text", b"").expect("sealed");
    assert_eq!(decrypt(&cbc, None, &sealed.nonce, &sealed.body, b"a"), None);
    let sealed = encrypt(&gcm, FIRST, b"text", b"associated").expect("sealed");
    assert_eq!(
        decrypt(&gcm, None, &sealed.nonce, &sealed.body, b"other"),
        None
    );
    assert!(decrypt(&gcm, None, &sealed.nonce, &sealed.body, b"associated").is_some());
}
