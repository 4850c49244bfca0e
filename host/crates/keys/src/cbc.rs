//! AES in CBC mode with PKCS#7 padding.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{Array, Block, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use galleria_domain::KeyVersion;
use zeroize::Zeroizing;

/// The length of a block and of the IV, in bytes.
pub(crate) const BLOCK: usize = 16;

/// Decrypts with the given IV; if it is empty, with the version's fixed one.
pub(crate) fn decrypt(version: &KeyVersion, iv: &[u8], body: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let iv = match (iv, &version.iv) {
        ([], Some(fixed)) => fixed,
        (iv, _) => iv,
    };
    let mut text = raw_decrypt(&version.bytes, iv, body)?;
    let padding = padding(text.last_chunk()?)?;
    text.truncate(body.len() - padding);
    Some(text)
}

/// Decrypts whole blocks and keeps the padding.
pub(crate) fn raw_decrypt(key: &[u8], iv: &[u8], body: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    fn run<C: BlockModeDecrypt<BlockSize = aes::cipher::consts::U16> + KeyIvInit>(
        key: &[u8],
        iv: &[u8],
        text: &mut [u8],
    ) -> Option<()> {
        let mut cipher = C::new_from_slices(key, iv).ok()?;
        let (blocks, rest) = Array::slice_as_chunks_mut(text);
        let blocks: &mut [Block<C>] = blocks;
        cipher.decrypt_blocks(blocks);
        rest.is_empty().then_some(())
    }
    if body.is_empty() || !body.len().is_multiple_of(BLOCK) {
        return None;
    }
    let mut text = Zeroizing::new(body.to_vec());
    match key.len() {
        16 => run::<cbc::Decryptor<Aes128>>(key, iv, &mut text),
        24 => run::<cbc::Decryptor<Aes192>>(key, iv, &mut text),
        32 => run::<cbc::Decryptor<Aes256>>(key, iv, &mut text),
        _ => None,
    }?;
    Some(text)
}

/// The length of the padding in the last block. Always checks every byte: the library's own check stops at
/// the first wrong one, so its duration would reveal the place.
fn padding(block: &[u8; BLOCK]) -> Option<usize> {
    let [.., count] = *block;
    let mut wrong = u8::from(count == 0) | u8::from(usize::from(count) > BLOCK);
    for (from_end, byte) in block.iter().rev().enumerate() {
        // All bits set within the padding, none before it.
        let within = u8::from(from_end < usize::from(count)).wrapping_neg();
        wrong |= within & (byte ^ count);
    }
    (std::hint::black_box(wrong) == 0).then_some(usize::from(count))
}

pub(crate) fn encrypt(key: &[u8], iv: &[u8], body: &[u8]) -> Option<Vec<u8>> {
    fn run<C: BlockModeEncrypt + KeyIvInit>(
        key: &[u8],
        iv: &[u8],
        text: &mut [u8],
        length: usize,
    ) -> Option<()> {
        let cipher = C::new_from_slices(key, iv).ok()?;
        cipher.encrypt_padded::<Pkcs7>(text, length).ok()?;
        Some(())
    }
    let padded = body.len() + BLOCK - body.len() % BLOCK;
    // Encrypt in place, so that no copy of the plain text stays in memory.
    let mut text = Vec::with_capacity(padded);
    text.extend_from_slice(body);
    text.resize(padded, 0);
    match key.len() {
        16 => run::<cbc::Encryptor<Aes128>>(key, iv, &mut text, body.len()),
        24 => run::<cbc::Encryptor<Aes192>>(key, iv, &mut text, body.len()),
        32 => run::<cbc::Encryptor<Aes256>>(key, iv, &mut text, body.len()),
        _ => None,
    }?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mac::tests::bytes;

    /// NIST SP 800-38A, F.2.1 to F.2.6: one text and one IV, three keys.
    const IV: &str = "000102030405060708090a0b0c0d0e0f";
    const PLAIN: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
                         30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
    const CASES: [(&str, &str); 3] = [
        (
            "2b7e151628aed2a6abf7158809cf4f3c",
            "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2\
             73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
        ),
        (
            "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
            "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a\
             571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd",
        ),
        (
            "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
            "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d\
             39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b",
        ),
    ];

    #[test]
    fn encryption_matches_the_nist_vectors() {
        for (key, cipher) in CASES {
            let text = encrypt(&bytes(key), &bytes(IV), &bytes(PLAIN)).expect("a text");
            // The published vectors have no padding; ours adds a block after them.
            assert_eq!(text.len(), 80);
            assert_eq!(text[..64], bytes(cipher)[..]);
        }
    }

    #[test]
    fn decryption_matches_the_nist_vectors() {
        for (key, cipher) in CASES {
            let text = raw_decrypt(&bytes(key), &bytes(IV), &bytes(cipher)).expect("a text");
            assert_eq!(text[..], bytes(PLAIN)[..]);
        }
    }

    #[test]
    fn every_byte_of_the_padding_is_checked() {
        let mut block = [7_u8; BLOCK];
        for count in 1..=16_u8 {
            block[BLOCK - usize::from(count)..].fill(count);
            assert_eq!(padding(&block), Some(usize::from(count)), "{block:?}");
            for wrong in 1..usize::from(count) {
                let mut block = block;
                block[BLOCK - 1 - wrong] ^= 0x80;
                assert_eq!(padding(&block), None, "{block:?}");
            }
        }
        for count in [0, 17, 255] {
            assert_eq!(padding(&[count; BLOCK]), None);
        }
    }

    #[test]
    fn texts_of_every_length_are_decrypted_again() {
        for (key, _) in CASES {
            let version = KeyVersion {
                id: String::new(),
                bytes: bytes(key).into(),
                iv: None,
            };
            for length in 0..50 {
                let plain = vec![b'x'; length];
                let text = encrypt(&version.bytes, &bytes(IV), &plain).expect("a text");
                let back = decrypt(&version, &bytes(IV), &text).expect("decrypted");
                assert_eq!(back[..], plain[..]);
            }
        }
    }
}
