//! HMAC-SHA-256, and the nonces that are made with it.

use crate::NonceContext;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of a key. Beyond 64 it is hashed first, so that more brings nothing.
pub(crate) const LONGEST: usize = 1024;

/// Says what the derived key is for, so that it is never the key of anything else.
const PURPOSE: &[u8] = b"galleria: the nonce of what is encrypted, 1";

/// The parts one after the other. None only where the key is impossible, which HMAC knows none of.
pub(crate) fn hmac(key: &[u8], parts: &[&[u8]]) -> Option<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().into())
}

/// The nonce of a text, of which a cipher takes as many bytes as it needs.
///
/// AES-GCM breaks when one nonce seals two texts, and a random nonce would make every attempt at an
/// event seal otherwise. So the nonce is a pseudo-random function of everything that goes in: of the
/// event and of how many texts it sealed before, so that equal texts look different; and of the text
/// and the associated text themselves, so that another text - a plugin that was changed between two
/// attempts, an id used twice - has another nonce, whatever else is equal. Two texts then share a
/// nonce no sooner than two random nonces of 96 bits would: by chance, after some 2^48 texts; a key is
/// rotated long before that. Without the key no nonce can be foretold, which is what CBC asks of an IV.
///
/// The key of that function is derived from the secret, because a key serves one purpose alone.
pub(crate) fn nonce(
    secret: &[u8],
    context: NonceContext<'_>,
    associated: &[u8],
    body: &[u8],
) -> [u8; 32] {
    let NonceContext { event, number } = context;
    // HMAC takes keys of every length, so that there always is one.
    let key = Zeroizing::new(hmac(secret, &[PURPOSE]).unwrap_or_default());
    let length = |part: &[u8]| (part.len() as u64).to_be_bytes();
    // Each with its length before it: no two contexts run together into the same bytes.
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

    /// RFC 4231, test cases 1, 2, 3, 4, 6 and 7: key, text, and what comes of them.
    #[test]
    fn authenticates_as_the_rfc_publishes() {
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
        for (key, text, wanted) in cases {
            let found = hmac(&bytes(key), &[&text]).expect("a code");
            assert_eq!(found[..], bytes(wanted)[..]);
        }
    }

    #[test]
    fn a_nonce_depends_on_everything() {
        let at = |event, number| NonceContext { event, number };
        let nonces = [
            nonce(b"key", at("e", 0), b"", b"text"),
            nonce(b"kez", at("e", 0), b"", b"text"),
            nonce(b"key", at("f", 0), b"", b"text"),
            nonce(b"key", at("e", 1), b"", b"text"),
            nonce(b"key", at("e", 0), b"te", b"xt"),
            nonce(b"key", at("e", 0), b"text", b""),
            nonce(b"key", at("e", 0), b"", b"texu"),
            // The parts do not run together.
            nonce(b"key", at("e\0\0", 0), b"", b"text"),
        ];
        for (index, one) in nonces.iter().enumerate() {
            assert!(!nonces[..index].contains(one), "{index}");
        }
        assert_eq!(nonces[0], nonce(b"key", at("e", 0), b"", b"text"));
    }
}
