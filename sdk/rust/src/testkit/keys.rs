//! Keys that decrypt, encrypt and authenticate with the ciphers of the host.

pub use galleria_keys::{TestKey, TestVersion};

use super::host::KeyDouble;
use crate::capabilities::Sealed;
use galleria_domain::SecretKey;
use galleria_keys::NonceContext;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// A key as in the host. A native test produces the same bytes as a component of the same plugin for
/// the same event.
///
/// ```
/// use galleria_sdk::Key;
/// use galleria_sdk::testkit::{Host, RealKey, TestKey};
///
/// let key: TestKey = serde_json::from_str(
///     r#"{ "cipher": "aes-gcm", "key": "000102030405060708090a0b0c0d0e0f" }"#,
/// ).expect("a key");
/// let mut host = Host::default();
/// host.keys.insert("notes".into(), RealKey::new(&key, "event-1").expect("16 bytes"));
/// host.within(|| {
///     let key = Key::open("notes").expect("granted");
///     let sealed = key.encrypt(b"hello", b"").expect("sealed");
///     assert_eq!(key.unseal(&sealed, b"").expect("opened"), b"hello");
/// });
/// ```
pub struct RealKey {
    key: SecretKey,
    event: String,
    /// The number of texts encrypted so far: one count for all keys of an event, as in the host.
    sealed: Rc<Cell<u64>>,
}

impl RealKey {
    /// Returns the only key of an event, or the reason why it is invalid.
    pub fn new(key: &TestKey, event_id: &str) -> Result<Rc<Self>, String> {
        Self::counting(key, event_id, Rc::default())
    }

    fn counting(key: &TestKey, event_id: &str, sealed: Rc<Cell<u64>>) -> Result<Rc<Self>, String> {
        Ok(Rc::new(Self {
            key: key.read()?,
            event: event_id.to_owned(),
            sealed,
        }))
    }

    /// Returns all keys of an event; invalid keys are left out.
    pub(super) fn all(
        keys: &BTreeMap<String, TestKey>,
        event_id: &str,
    ) -> HashMap<String, Rc<dyn KeyDouble>> {
        let sealed = Rc::<Cell<u64>>::default();
        let key = |(name, key): (&String, &TestKey)| {
            let key: Rc<dyn KeyDouble> = Self::counting(key, event_id, Rc::clone(&sealed)).ok()?;
            Some((name.clone(), key))
        };
        keys.iter().filter_map(key).collect()
    }
}

impl KeyDouble for RealKey {
    fn decrypt(
        &self,
        key_id: Option<&str>,
        nonce: &[u8],
        body: &[u8],
        associated: &[u8],
    ) -> Option<Vec<u8>> {
        let text = galleria_keys::decrypt(&self.key, key_id, nonce, body, associated)?;
        Some(text.to_vec())
    }

    fn encrypt(&self, body: &[u8], associated: &[u8]) -> Option<Sealed> {
        let context = NonceContext {
            event: &self.event,
            number: self.sealed.replace(self.sealed.get() + 1),
        };
        let sealed = galleria_keys::encrypt(&self.key, context, body, associated)?;
        Some(Sealed {
            key_id: sealed.key_id,
            nonce: sealed.nonce,
            body: sealed.body,
        })
    }

    fn mac(&self, body: &[u8]) -> Option<Vec<u8>> {
        galleria_keys::mac(&self.key, body).map(Vec::from)
    }
}
