//! Fetches secret keys from their source, decodes them and checks their length.
//!
//! A message names the variable or file, and at most a number of digits or bytes. It never contains a
//! value or a part of one.

use crate::secrets::SecretSource;
use base64ct::{Base64Unpadded, Encoding as _};
use galleria_domain::Cipher;
use galleria_files::SECRET_BYTES;
use std::collections::BTreeMap;
use std::path::Path;
use zeroize::Zeroizing;

/// Bytes of a secret key, wiped when they are dropped.
pub(crate) type Bytes = Zeroizing<Vec<u8>>;

/// The encoding of a secret key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Hex,
    Base64,
    Text,
}

impl Encoding {
    /// The words of the key `encoding`.
    pub(crate) const WORDS: &[(&str, Self)] = &[
        ("hex", Self::Hex),
        ("base64", Self::Base64),
        ("text", Self::Text),
    ];

    /// Reads a secret key of a cipher.
    pub(crate) fn key(
        self,
        source: &SecretSource,
        env: &BTreeMap<String, String>,
        cipher: Cipher,
    ) -> Result<Bytes, String> {
        let text = fetch(source, env, self)?;
        decode(source, self, &text, &|bytes| key_fits(cipher, self, bytes))
    }

    /// Reads an IV of AES-CBC.
    pub(crate) fn iv(
        self,
        source: &SecretSource,
        env: &BTreeMap<String, String>,
    ) -> Result<Bytes, String> {
        let text = fetch(source, env, self)?;
        decode(source, self, &text, &|bytes| {
            let right = match self {
                Self::Hex => galleria_keys::IV * 2,
                Self::Base64 | Self::Text => galleria_keys::IV,
            };
            (bytes != galleria_keys::IV).then(|| format!("an IV of AES has {right}"))
        })
    }
}

/// Fetches the text, without the line end that an editor or `echo` adds.
fn fetch(
    source: &SecretSource,
    env: &BTreeMap<String, String>,
    encoding: Encoding,
) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut text = match source {
        SecretSource::Env(name) => {
            let set = env
                .get(name)
                .ok_or_else(|| format!("{source} is not set: set it or remove the secret"))?;
            // Bytes of a variable that are not UTF-8 arrive as this character: it would be another key.
            if set.contains(char::REPLACEMENT_CHARACTER) {
                return Err(format!("{source} is not valid UTF-8"));
            }
            Zeroizing::new(set.clone().into_bytes())
        }
        SecretSource::File(path) => read_file(path).map_err(|why| format!("{source} {why}"))?,
    };
    let drop = |byte: &u8| match encoding {
        Encoding::Hex | Encoding::Base64 => byte.is_ascii_whitespace(),
        Encoding::Text => matches!(byte, b'\n' | b'\r'),
    };
    while text.last().is_some_and(drop) {
        text.pop();
    }
    if text.is_empty() {
        return Err(format!("{source} is empty: it must contain the key"));
    }
    Ok(text)
}

fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    // Allocate once: a growing vector leaves copies of its content behind.
    let mut text = Zeroizing::new(Vec::with_capacity(SECRET_BYTES as usize + 1));
    galleria_files::read_into(path, SECRET_BYTES, &mut text).map_err(|why| why.to_string())?;
    Ok(text)
}

/// Decodes text. `fits` describes the right length for a number of bytes that does not fit.
fn decode(
    source: &SecretSource,
    encoding: Encoding,
    text: &[u8],
    fits: &dyn Fn(usize) -> Option<String>,
) -> Result<Zeroizing<Vec<u8>>, String> {
    let good = |bytes: usize| fits(bytes).is_none();
    let contains = |what: String, bytes: usize| {
        let right = fits(bytes).unwrap_or_default();
        format!("{source} contains {what}; {right}")
    };
    match encoding {
        Encoding::Hex => {
            if !text.iter().all(u8::is_ascii_hexdigit) {
                return Err(format!(
                    "{source} must contain hexadecimal digits, as `encoding` declares"
                ));
            }
            let whole = text.len().is_multiple_of(2);
            let bytes = text.len() / 2;
            if !whole || !good(bytes) {
                // An odd number of digits never fits.
                let bytes = if whole { bytes } else { usize::MAX };
                return Err(contains(format!("{} hex digits", text.len()), bytes));
            }
            let mut decoded = Zeroizing::new(vec![0; bytes]);
            base16ct::mixed::decode(text, &mut decoded)
                .map_err(|_| format!("{source} is not a hexadecimal number"))?;
            Ok(decoded)
        }
        Encoding::Base64 => {
            let unpadded = text
                .iter()
                .rposition(|byte| *byte != b'=')
                .map_or(0, |at| at + 1);
            let mut decoded = Zeroizing::new(vec![0; text.len()]);
            let bytes = Base64Unpadded::decode(&text[..unpadded], &mut decoded)
                .map_err(|_| format!("{source} must contain base64, as `encoding` declares"))?
                .len();
            if !good(bytes) {
                return Err(contains(format!("{bytes} bytes in base64"), bytes));
            }
            decoded.truncate(bytes);
            Ok(decoded)
        }
        Encoding::Text if good(text.len()) => Ok(Zeroizing::new(text.to_vec())),
        Encoding::Text => Err(contains(
            format!("{} bytes of text", text.len()),
            text.len(),
        )),
    }
}

/// Describes the right length if the number of bytes does not fit.
fn key_fits(cipher: Cipher, encoding: Encoding, bytes: usize) -> Option<String> {
    galleria_keys::fits(cipher, bytes).err()?;
    Some(match (cipher, encoding) {
        (Cipher::AesCbc | Cipher::AesGcm, Encoding::Hex) => "AES requires 32, 48 or 64".into(),
        (Cipher::AesCbc | Cipher::AesGcm, _) => "AES requires 16, 24 or 32".into(),
        (Cipher::HmacSha256, Encoding::Hex) => "HMAC requires 32 to 2048".into(),
        (Cipher::HmacSha256, _) => "HMAC requires 16 to 1024".into(),
    })
}
