//! Versions, refusals, what is encrypted on a retry, and what is left in memory.

use galleria_domain::{Cipher, KeyVersion, SecretKey};
use galleria_keys::{NonceContext, decrypt, encrypt, mac};
use zeroize::Zeroizing;

const FIRST: NonceContext<'_> = NonceContext {
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
            encrypt(&key, NonceContext { number: 1, ..FIRST }, b"text", b""),
            encrypt(
                &key,
                NonceContext {
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

/// This process's memory as the system shows it: what was freed can be looked at, too.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
struct Memory(std::fs::File);

#[cfg(all(target_os = "linux", target_env = "gnu"))]
impl Memory {
    /// Few enough for the allocator to keep a freed piece for this thread alone.
    const BYTES: usize = 1_000;

    /// What an allocator writes into a freed piece stands at its beginning.
    const ITS_OWN: usize = 16;

    fn place(bytes: &[u8]) -> u64 {
        u64::try_from(bytes.as_ptr().addr()).expect("an address")
    }

    /// What is left at a place, into a buffer that was there before: nothing is allocated meanwhile.
    fn left(&self, place: u64, into: &mut [u8]) {
        use std::os::unix::fs::FileExt as _;
        let seen = &mut into[Self::ITS_OWN..Self::BYTES];
        let begin = place + u64::try_from(Self::ITS_OWN).expect("a number");
        self.0.read_exact_at(seen, begin).expect("memory");
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn keys_and_what_they_open_are_wiped_when_they_are_dropped() {
    let memory = Memory(std::fs::File::open("/proc/self/mem").expect("memory"));
    let pattern = [0xA7; Memory::BYTES];
    let mut left = [1; Memory::BYTES];
    let is_left = |left: &[u8], byte: u8| left[Memory::ITS_OWN..].iter().all(|one| *one == byte);

    // What nobody wipes is found.
    let plain = pattern.to_vec();
    let place = Memory::place(&plain);
    drop(plain);
    memory.left(place, &mut left);
    assert!(is_left(&left, 0xA7), "the memory of a list that was freed");

    let of_pattern = KeyVersion {
        id: "1".into(),
        bytes: Zeroizing::new(pattern.to_vec()),
        iv: Some(Zeroizing::new(pattern.to_vec())),
    };
    let secret = key(Cipher::HmacSha256, vec![of_pattern]);
    let copy = secret.clone();
    let of = |secret: &SecretKey| {
        let version = &secret.versions[0];
        let iv = version.iv.as_ref().expect("an IV");
        [Memory::place(&version.bytes), Memory::place(iv)]
    };
    let places = [of(&secret), of(&copy)].concat();
    drop((secret, copy));
    for place in places {
        left.fill(1);
        memory.left(place, &mut left);
        assert!(is_left(&left, 0), "a key that was dropped");
    }

    for cipher in [Cipher::AesCbc, Cipher::AesGcm] {
        let key = key(cipher, vec![version("1", 1, None)]);
        let sealed = encrypt(&key, FIRST, &pattern, b"").expect("sealed");
        let opened = decrypt(&key, None, &sealed.nonce, &sealed.body, b"").expect("the text");
        assert_eq!(opened[..], pattern[..]);
        let place = Memory::place(&opened);
        drop(opened);
        left.fill(1);
        memory.left(place, &mut left);
        assert!(is_left(&left, 0), "a text that was opened and dropped");
    }
}
