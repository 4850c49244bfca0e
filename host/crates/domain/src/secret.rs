//! The secret keys of retailers, from configuration to use. A key is never printed, and its bytes are wiped when
//! it is dropped.

use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// The cipher of a secret key; a key serves only one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cipher {
    /// AES in CBC mode with PKCS#7 padding; 16, 24 or 32 bytes.
    AesCbc,
    /// AES in GCM mode with a nonce of 12 bytes; 16, 24 or 32 bytes.
    AesGcm,
    /// HMAC with SHA-256; 16 bytes or more.
    HmacSha256,
}

/// One version of a key.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyVersion {
    /// The version's id; encrypted texts name it.
    pub id: String,
    /// The key.
    pub bytes: Zeroizing<Vec<u8>>,
    /// A fixed IV for all texts, if the partner requires one; 16 bytes.
    pub iv: Option<Zeroizing<Vec<u8>>>,
}

/// A retailer's secret key in all its versions, the newest first. There is at least one.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey {
    /// The cipher it is for.
    pub cipher: Cipher,
    /// The newest version encrypts; all decrypt.
    pub versions: Vec<KeyVersion>,
}

impl fmt::Debug for KeyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyVersion({})", self.id)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.versions.iter().map(|version| version.id.as_str());
        f.debug_struct("SecretKey")
            .field("cipher", &self.cipher)
            .field("versions", &ids.collect::<Vec<_>>())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_printed() {
        let key = SecretKey {
            cipher: Cipher::AesCbc,
            versions: vec![KeyVersion {
                id: "2026".into(),
                bytes: Zeroizing::new(b"hunter2hunter2hu".to_vec()),
                iv: Some(Zeroizing::new(b"hunter2hunter2hu".to_vec())),
            }],
        };
        let printed = format!("{key:?} {:?}", key.versions);
        assert!(printed.contains("2026"), "{printed}");
        // Neither as text nor as a list of byte values.
        assert!(
            !printed.contains("hunter2") && !printed.contains("104"),
            "{printed}"
        );
    }
}
