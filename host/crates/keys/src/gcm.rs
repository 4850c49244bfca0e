//! AES in GCM mode, with a nonce of 12 bytes and a tag of 16 bytes at the end of the text.

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::aes::{Aes128, Aes192, Aes256};
use aes_gcm::{AesGcm, Nonce};
use zeroize::Zeroizing;

/// The length of a nonce, in bytes.
pub(crate) const NONCE: usize = 12;

/// Evaluates `$work` with the cipher for the key's length.
macro_rules! with_cipher {
    ($key:ident, |$cipher:ident| $work:expr) => {
        match $key.len() {
            16 => {
                let $cipher = AesGcm::<Aes128, U12>::new_from_slice($key).ok()?;
                $work
            }
            24 => {
                let $cipher = AesGcm::<Aes192, U12>::new_from_slice($key).ok()?;
                $work
            }
            32 => {
                let $cipher = AesGcm::<Aes256, U12>::new_from_slice($key).ok()?;
                $work
            }
            _ => return None,
        }
    };
}

pub(crate) fn decrypt(
    key: &[u8],
    nonce: &[u8],
    body: &[u8],
    associated: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let nonce = Nonce::<U12>::try_from(nonce).ok()?;
    let mut text = Zeroizing::new(body.to_vec());
    let text_mut: &mut Vec<u8> = &mut text;
    with_cipher!(key, |cipher| cipher
        .decrypt_in_place(&nonce, associated, text_mut))
    .ok()?;
    Some(text)
}

pub(crate) fn encrypt(key: &[u8], nonce: &[u8], body: &[u8], associated: &[u8]) -> Option<Vec<u8>> {
    let nonce = Nonce::<U12>::try_from(nonce).ok()?;
    // Reserve room for the tag and encrypt in place, so that no copy of the plain text stays in memory.
    let mut text = Vec::with_capacity(body.len() + 16);
    text.extend_from_slice(body);
    with_cipher!(key, |cipher| cipher
        .encrypt_in_place(&nonce, associated, &mut text))
    .ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mac::tests::bytes;

    /// The Galois/Counter Mode of Operation (McGrew, Viega), test cases 4, 10 and 16: key, and
    /// encrypted text with tag.
    const NONCE: &str = "cafebabefacedbaddecaf888";
    const PLAIN: &str = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
                         1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
    const ASSOCIATED: &str = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
    const CASES: [(&str, &str); 3] = [
        (
            "feffe9928665731c6d6a8f9467308308",
            "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e\
             21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091\
             5bc94fbc3221a5db94fae95ae7121a47",
        ),
        (
            "feffe9928665731c6d6a8f9467308308feffe9928665731c",
            "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c\
             7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9ccda2710\
             2519498e80f1478f37ba55bd6d27618c",
        ),
        (
            "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
             8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662\
             76fc6ece0f4e1768cddf8853bb2d551b",
        ),
    ];

    #[test]
    fn matches_the_published_test_vectors() {
        for (key, cipher) in CASES {
            let (key, associated) = (bytes(key), bytes(ASSOCIATED));
            let text = encrypt(&key, &bytes(NONCE), &bytes(PLAIN), &associated);
            assert_eq!(text.expect("a text"), bytes(cipher));
            let back = decrypt(&key, &bytes(NONCE), &bytes(cipher), &associated);
            assert_eq!(back.expect("a text")[..], bytes(PLAIN)[..]);
        }
    }

    #[test]
    fn a_changed_text_is_rejected() {
        let (key, cipher) = CASES[0];
        let (key, cipher, nonce) = (bytes(key), bytes(cipher), bytes(NONCE));
        let associated = bytes(ASSOCIATED);
        for place in 0..cipher.len() {
            let mut changed = cipher.clone();
            changed[place] ^= 1;
            assert_eq!(decrypt(&key, &nonce, &changed, &associated), None);
        }
        assert_eq!(decrypt(&key, &nonce, &cipher, b""), None);
        assert_eq!(decrypt(&key, &nonce[..11], &cipher, &associated), None);
        assert_eq!(decrypt(&key, &nonce, &cipher[..15], &associated), None);
    }
}
