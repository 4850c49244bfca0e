//! Work with a retailer's keys: decrypt, encrypt, authenticate.
//!
//! Owns: which cipher does what, and the nonce of what is encrypted. The ciphers themselves are
//! RustCrypto's. Never: tells why something was refused, or lets a byte of a key out.
//!
//! Every failure is the same `None`, after the same work as far as the length of the text, which is
//! public, allows: an answer that told a wrong padding from a wrong key would decrypt for whoever asks
//! often enough.

#![forbid(unsafe_code)]

mod cbc;
mod gcm;
mod mac;
mod test_key;

pub use test_key::{TestKey, TestVersion};

use galleria_domain::{Cipher, KeyVersion, SecretKey};
use zeroize::Zeroizing;

/// What was encrypted, and what decrypts it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The version that encrypted.
    pub key_id: String,
    /// The IV of AES-CBC, empty where the secret has a fixed one; the nonce of AES-GCM.
    pub nonce: Vec<u8>,
    /// With AES-GCM its tag of 16 bytes stands at the end.
    pub body: Vec<u8>,
}

/// Which text of an event is encrypted: the same on every attempt, and no other text's.
#[derive(Clone, Copy, Debug)]
pub struct NonceContext<'a> {
    /// The event's id.
    pub event: &'a str,
    /// Which text of the call, from 0.
    pub number: u64,
}

/// Decrypts with the version that is named, or with the first that fits, the newest first.
///
/// AES-CBC has no tag: a wrong version yields a padding that looks right once in 256 times. Who
/// rotates such a key names the version, or checks what came out.
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
        // All of them, whichever fits: a padding that happens to look right under the newest would
        // otherwise take less time than one that does not.
        let opened: Vec<_> = key.versions.iter().map(open).collect();
        return opened.into_iter().flatten().next();
    };
    let named = key.versions.iter().find(|version| version.id == id);
    match named {
        Some(version) => open(version),
        None => {
            // The work of a version that is there, so that time does not tell which ids exist.
            drop(key.versions.first().and_then(open));
            None
        }
    }
}

/// Encrypts with the newest version.
///
/// Texts of AES-CBC are not authenticated and take no associated text. Under a secret's fixed IV equal
/// texts look equal: that is for partners who cannot do better.
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

/// HMAC-SHA-256 with the newest version.
pub fn mac(key: &SecretKey, body: &[u8]) -> Option<[u8; 32]> {
    match key.cipher {
        Cipher::HmacSha256 => mac::hmac(&key.versions.first()?.bytes, &[body]),
        Cipher::AesCbc | Cipher::AesGcm => None,
    }
}

/// How many bytes a key of a cipher may have; as a text for messages.
pub fn fits(cipher: Cipher, bytes: usize) -> Result<(), &'static str> {
    let (fits, right) = match cipher {
        Cipher::AesCbc | Cipher::AesGcm => {
            (matches!(bytes, 16 | 24 | 32), "AES takes 16, 24 or 32")
        }
        Cipher::HmacSha256 => (
            (16..=mac::LONGEST).contains(&bytes),
            "HMAC takes 16 to 1024",
        ),
    };
    if fits { Ok(()) } else { Err(right) }
}

/// Bytes of an IV of AES-CBC.
pub const IV: usize = cbc::BLOCK;
