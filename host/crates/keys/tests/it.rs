//! Key versions, rejected texts, encryption on a retry, and what stays in memory.

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
fn a_text_of_an_older_version_is_decrypted_with_and_without_its_id() {
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
fn only_a_retry_encrypts_to_the_same_bytes() {
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
fn a_fixed_iv_is_not_part_of_the_message() {
    let key = key(Cipher::AesCbc, vec![version("1", 1, Some(9))]);
    let sealed = encrypt(&key, FIRST, b"text", b"").expect("sealed");
    assert_eq!(sealed.nonce, b"");
    let open = |nonce: &[u8]| decrypt(&key, None, nonce, &sealed.body, b"");
    assert_eq!(open(b"").expect("the text")[..], b"text"[..]);
    assert_eq!(open(&[9; 16]).expect("the text")[..], b"text"[..]);
    // Another IV changes the text but not its padding.
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
    // CBC cannot authenticate an associated text.
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

/// This process's memory as the system exposes it, freed memory included.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
struct Memory(std::fs::File);

#[cfg(all(target_os = "linux", target_env = "gnu"))]
impl Memory {
    /// So small that the allocator keeps a freed block for this thread.
    const BYTES: usize = 1_000;

    /// The allocator overwrites this many bytes at the beginning of a freed block.
    const OVERWRITTEN: usize = 16;

    fn address(bytes: &[u8]) -> u64 {
        u64::try_from(bytes.as_ptr().addr()).expect("an address")
    }

    /// Reads the bytes at an address into an existing buffer, so that nothing is allocated meanwhile.
    fn read(&self, address: u64, into: &mut [u8]) {
        use std::os::unix::fs::FileExt as _;
        let bytes = &mut into[Self::OVERWRITTEN..Self::BYTES];
        let begin = address + u64::try_from(Self::OVERWRITTEN).expect("a number");
        self.0.read_exact_at(bytes, begin).expect("memory");
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn keys_and_decrypted_texts_are_wiped_when_they_are_dropped() {
    let memory = Memory(std::fs::File::open("/proc/self/mem").expect("memory"));
    let pattern = [0xA7; Memory::BYTES];
    let mut left = [1; Memory::BYTES];
    let is_filled =
        |left: &[u8], byte: u8| left[Memory::OVERWRITTEN..].iter().all(|one| *one == byte);

    // Memory that is not wiped can be read: the check itself works.
    let plain = pattern.to_vec();
    let address = Memory::address(&plain);
    drop(plain);
    memory.read(address, &mut left);
    assert!(is_filled(&left, 0xA7), "freed memory that was not wiped");

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
        [Memory::address(&version.bytes), Memory::address(iv)]
    };
    let addresses = [of(&secret), of(&copy)].concat();
    drop((secret, copy));
    for address in addresses {
        left.fill(1);
        memory.read(address, &mut left);
        assert!(is_filled(&left, 0), "a dropped key");
    }

    for cipher in [Cipher::AesCbc, Cipher::AesGcm] {
        let key = key(cipher, vec![version("1", 1, None)]);
        let sealed = encrypt(&key, FIRST, &pattern, b"").expect("sealed");
        let opened = decrypt(&key, None, &sealed.nonce, &sealed.body, b"").expect("the text");
        assert_eq!(opened[..], pattern[..]);
        let address = Memory::address(&opened);
        drop(opened);
        left.fill(1);
        memory.read(address, &mut left);
        assert!(is_filled(&left, 0), "a dropped decrypted text");
    }
}
