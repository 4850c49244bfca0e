//! Decrypts, encrypts and authenticates with a retailer's secret keys.
//!
//! Owns: the operations of each cipher, and the nonces for encryption. The ciphers themselves are
//! RustCrypto's. Never returns the reason for a failure or a byte of a secret key.
//!
//! Every failure is the same `None`, after the same amount of work for a text of that length (the length is
//! public). If callers could distinguish a wrong padding from a wrong key, they could decrypt texts by trying
//! often enough.

#![forbid(unsafe_code)]

mod cbc;
mod gcm;
mod mac;
mod test_key;

pub use test_key::{TestKey, TestVersion};

use galleria_domain::{Cipher, KeyVersion, SecretKey};
use zeroize::Zeroizing;

/// An encrypted text, with the values that decrypt it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The key version that encrypted it.
    pub key_id: String,
    /// The IV of AES-CBC, empty if the secret has a fixed one; the nonce of AES-GCM.
    pub nonce: Vec<u8>,
    /// The ciphertext; with AES-GCM followed by the tag of 16 bytes.
    pub body: Vec<u8>,
}

/// Identifies the text of an event that is encrypted: equal in every attempt, different for every other text.
#[derive(Clone, Copy, Debug)]
pub struct NonceContext<'a> {
    /// The event's id.
    pub event: &'a str,
    /// The index of the text in the call, from 0.
    pub number: u64,
}

/// Decrypts with the given version; if there is none, with the first that succeeds, starting with the newest.
///
/// AES-CBC has no tag: a wrong version yields a valid padding once in 256 times. When such a key is rotated,
/// name the version or check the result.
pub fn decrypt(
    key: &SecretKey,
    key_id: Option<&str>,
    nonce: &[u8],
    body: &[u8],
    associated: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let open = |version: &KeyVersion| match key.cipher {
        Cipher::AesCbc if associated.is_empty() => cbc::decrypt(version, nonce, body),
        Cipher::AesGcm => gcm::decrypt(&version.bytes, nonce, body, associated),
        Cipher::AesCbc | Cipher::HmacSha256 => None,
    };
    let Some(id) = key_id else {
        // Try all of them, even after a success. Otherwise a padding that is valid under the newest version by
        // chance would take less time than one that is not.
        let opened: Vec<_> = key.versions.iter().map(open).collect();
        return opened.into_iter().flatten().next();
    };
    let named = key.versions.iter().find(|version| version.id == id);
    match named {
        Some(version) => open(version),
        None => {
            // Do the work of an existing version, so that the time does not reveal which ids exist.
            drop(key.versions.first().and_then(open));
            None
        }
    }
}

/// Encrypts with the newest version.
///
/// AES-CBC does not authenticate and accepts no associated text. With a fixed IV, equal texts have equal
/// ciphertexts: use it only for partners that support nothing better.
pub fn encrypt(
    key: &SecretKey,
    context: NonceContext<'_>,
    body: &[u8],
    associated: &[u8],
) -> Option<Sealed> {
    let version = key.versions.first()?;
    let derived = || mac::nonce(&version.bytes, context, associated, body);
    let (nonce, body) = match (key.cipher, &version.iv) {
        (Cipher::AesCbc, Some(iv)) if associated.is_empty() => {
            (Vec::new(), cbc::encrypt(&version.bytes, iv, body)?)
        }
        (Cipher::AesCbc, None) if associated.is_empty() => {
            let iv = derived()[..cbc::BLOCK].to_vec();
            let body = cbc::encrypt(&version.bytes, &iv, body)?;
            (iv, body)
        }
        (Cipher::AesGcm, _) => {
            let nonce = derived()[..gcm::NONCE].to_vec();
            let body = gcm::encrypt(&version.bytes, &nonce, body, associated)?;
            (nonce, body)
        }
        (Cipher::AesCbc | Cipher::HmacSha256, _) => return None,
    };
    Some(Sealed {
        key_id: version.id.clone(),
        nonce,
        body,
    })
}

/// Computes HMAC-SHA-256 with the newest version.
pub fn mac(key: &SecretKey, body: &[u8]) -> Option<[u8; 32]> {
    match key.cipher {
        Cipher::HmacSha256 => mac::hmac(&key.versions.first()?.bytes, &[body]),
        Cipher::AesCbc | Cipher::AesGcm => None,
    }
}

/// Checks the length of a key; the error states the valid lengths.
pub fn fits(cipher: Cipher, bytes: usize) -> Result<(), &'static str> {
    let (fits, rule) = match cipher {
        Cipher::AesCbc | Cipher::AesGcm => {
            (matches!(bytes, 16 | 24 | 32), "AES needs 16, 24 or 32")
        }
        Cipher::HmacSha256 => (
            (16..=mac::LONGEST).contains(&bytes),
            "HMAC needs 16 to 1024",
        ),
    };
    if fits { Ok(()) } else { Err(rule) }
}

/// The length of an IV of AES-CBC, in bytes.
pub const IV: usize = cbc::BLOCK;
