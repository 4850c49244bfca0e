//! The keys in fixtures of plugins: public, for tests only, in hexadecimal digits.

use galleria_domain::{Cipher, KeyVersion, SecretKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A key of a fixture, under `keys` in its `event.json`.
///
/// ```
/// let key: galleria_keys::TestKey = serde_json::from_str(
///     r#"{ "cipher": "aes-cbc", "key": "000102030405060708090a0b0c0d0e0f" }"#,
/// ).expect("a key");
/// assert_eq!(key.read().expect("16 bytes").versions[0].id, "1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestKey {
    /// The cipher it is for.
    pub cipher: Cipher,
    /// The newest version's id.
    #[serde(default = "first")]
    pub id: String,
    /// The newest version.
    pub key: String,
    /// Its fixed IV, for AES-CBC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iv: Option<String>,
    /// Older versions, which only decrypt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub older: Vec<TestVersion>,
}

/// An older version of a fixture's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestVersion {
    /// Its id.
    pub id: String,
    /// The key.
    pub key: String,
    /// Its fixed IV, for AES-CBC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iv: Option<String>,
}

fn first() -> String {
    "1".to_owned()
}

impl TestKey {
    /// Parses the key; the error states what is wrong.
    pub fn read(&self) -> Result<SecretKey, String> {
        let newest = version(self.cipher, &self.id, &self.key, self.iv.as_deref())?;
        let mut versions = vec![newest];
        for older in &self.older {
            let iv = older.iv.as_deref();
            versions.push(version(self.cipher, &older.id, &older.key, iv)?);
        }
        Ok(SecretKey {
            cipher: self.cipher,
            versions,
        })
    }
}

fn version(cipher: Cipher, id: &str, key: &str, iv: Option<&str>) -> Result<KeyVersion, String> {
    let hex = |what: &str, text: &str| {
        base16ct::mixed::decode_vec(text)
            .map(Zeroizing::new)
            .map_err(|_| format!("version \"{id}\": {what} must be hexadecimal"))
    };
    let bytes = hex("key", key)?;
    crate::fits(cipher, bytes.len())
        .map_err(|rule| format!("version \"{id}\": key has {} bytes, {rule}", bytes.len()))?;
    let iv = iv.map(|iv| hex("iv", iv)).transpose()?;
    match &iv {
        Some(iv) if cipher != Cipher::AesCbc || iv.len() != crate::IV => Err(format!(
            "version \"{id}\": iv is only for aes-cbc and must have {} bytes",
            crate::IV
        )),
        _ => Ok(KeyVersion {
            id: id.to_owned(),
            bytes,
            iv,
        }),
    }
}
