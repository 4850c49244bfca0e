//! HMAC-SHA-256, and the nonces derived with it.

use crate::NonceContext;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The maximum number of bytes of a key. HMAC hashes a key of more than 64 bytes first, so a longer one adds no
/// strength.
pub(crate) const LONGEST: usize = 1024;

/// The purpose of the derived key: no other use derives the same key.
const PURPOSE: &[u8] = b"galleria: the nonce of what is encrypted, 1";

/// Authenticates the concatenated parts. Never `None` in practice: HMAC accepts keys of every length.
pub(crate) fn hmac(key: &[u8], parts: &[&[u8]]) -> Option<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().into())
}

/// Derives the nonce of a text; a cipher uses as many bytes as it needs.
///
/// AES-GCM breaks if two texts are encrypted with one nonce, and a random nonce would change the result with
/// every attempt. So the nonce is a pseudo-random function of all inputs:
///
/// - the event and the index of the text, so that equal texts have different ciphertexts;
/// - the text and the associated text, so that a different text always has a different nonce, even if a
///   plugin changed between two attempts or an id was used twice.
///
/// Two texts share a nonce as rarely as with random nonces of 96 bits: by chance, after about 2^48 texts. A
/// key is rotated long before that. Without the key nobody can predict a nonce, as CBC requires of an IV.
///
/// The key of the function is derived from the secret, because a key must serve one purpose only.
pub(crate) fn nonce(
    secret: &[u8],
    context: NonceContext<'_>,
    associated: &[u8],
    body: &[u8],
) -> [u8; 32] {
    let NonceContext { event, number } = context;
    // HMAC accepts keys of every length, so the default is never used.
    let key = Zeroizing::new(hmac(secret, &[PURPOSE]).unwrap_or_default());
    let length = |part: &[u8]| (part.len() as u64).to_be_bytes();
    // Each part is preceded by its length: two different inputs never concatenate to the same bytes.
    let parts: [&[u8]; 7] = [
        &length(event.as_bytes()),
        event.as_bytes(),
        &number.to_be_bytes(),
        &length(associated),
        associated,
        &length(body),
        body,
    ];
    hmac(key.as_slice(), &parts).unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn bytes(hex: &str) -> Vec<u8> {
        base16ct::mixed::decode_vec(hex).expect("hex")
    }

    /// RFC 4231, test cases 1, 2, 3, 4, 6 and 7: key, text and code.
    #[test]
    fn matches_the_test_vectors_of_the_rfc() {
        let long = "aa".repeat(131);
        let cases = [
            (
                "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
                b"Hi There".to_vec(),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                "4a656665",
                b"what do ya want for nothing?".to_vec(),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                vec![0xdd; 50],
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
            ),
            (
                "0102030405060708090a0b0c0d0e0f10111213141516171819",
                vec![0xcd; 50],
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
            ),
            (
                &long,
                b"Test Using Larger Than Block-Size Key - Hash Key First".to_vec(),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                &long,
                b"This is a test using a larger than block-size key and a larger than block-size \
                  data. The key needs to be hashed before being used by the HMAC algorithm."
                    .to_vec(),
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            ),
        ];
        for (key, text, expected) in cases {
            let code = hmac(&bytes(key), &[&text]).expect("a code");
            assert_eq!(code[..], bytes(expected)[..]);
        }
    }

    #[test]
    fn a_nonce_depends_on_every_input() {
        let at = |event, number| NonceContext { event, number };
        let nonces = [
            nonce(b"key", at("e", 0), b"", b"text"),
            nonce(b"kez", at("e", 0), b"", b"text"),
            nonce(b"key", at("f", 0), b"", b"text"),
            nonce(b"key", at("e", 1), b"", b"text"),
            nonce(b"key", at("e", 0), b"te", b"xt"),
            nonce(b"key", at("e", 0), b"text", b""),
            nonce(b"key", at("e", 0), b"", b"texu"),
            // Moving a byte from one part to the next changes the nonce.
            nonce(b"key", at("e\0\0", 0), b"", b"text"),
        ];
        for (index, one) in nonces.iter().enumerate() {
            assert!(!nonces[..index].contains(one), "{index}");
        }
        assert_eq!(nonces[0], nonce(b"key", at("e", 0), b"", b"text"));
    }
}
