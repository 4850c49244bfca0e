//! `secrets`: operations with keys whose bytes never enter a guest.
//!
//! A secret that the grant does not name ends the call, because a loaded plugin was granted all that it
//! requests. If the grant names no operation, `open` fails. An operation that the grant does not name
//! fails like every other failure, so that a guest learns nothing from it; the log has a warning.

use crate::bindings::secrets::{Host, HostKey, Sealed};
use crate::call::Call;
use crate::resources::Key;
use galleria_domain::SecretKey;
use galleria_domain::plugin::Operation;
use galleria_keys::NonceContext;
use std::sync::Arc;
use wasmtime::component::Resource;

/// Maximum bytes of a text and of its associated data. Keys are for codes, numbers and records. A longer
/// text fails like every other failure.
const TEXT_BYTES: usize = 1 << 20;

impl Call {
    /// Returns the key if the grant names the operation and the texts are within `TEXT_BYTES`.
    fn key(
        &mut self,
        key: &Resource<Key>,
        operation: Operation,
        texts: [&[u8]; 2],
    ) -> wasmtime::Result<Option<Arc<SecretKey>>> {
        self.meter.host_call()?;
        let key = self.table.get(key)?;
        if !key.operations.contains(&operation) {
            self.meter.beyond_grant();
            self.log.beyond_grant(&key.name, operation);
            return Ok(None);
        }
        let within_limit = texts.iter().all(|text| text.len() <= TEXT_BYTES);
        Ok(within_limit.then(|| Arc::clone(&key.key)))
    }
}

impl Host for Call {
    fn open(&mut self, name: String) -> wasmtime::Result<Result<Resource<Key>, ()>> {
        self.meter.host_call()?;
        let (Some(operations), Some(key)) = (self.rights.secrets.get(&name), self.keys.get(&name))
        else {
            return Err(self.meter.denied(format!("secret {name:?}")).into());
        };
        if operations.is_empty() {
            return Ok(Err(()));
        }
        let key = Key {
            name,
            key: Arc::clone(key),
            operations: operations.clone(),
        };
        Ok(Ok(self.table.push(key)?))
    }
}

impl HostKey for Call {
    fn decrypt(
        &mut self,
        key: Resource<Key>,
        key_id: Option<String>,
        nonce: Vec<u8>,
        body: Vec<u8>,
        associated: Vec<u8>,
    ) -> wasmtime::Result<Result<Vec<u8>, ()>> {
        let Some(key) = self.key(&key, Operation::Decrypt, [&body, &associated])? else {
            return Ok(Err(()));
        };
        let text = galleria_keys::decrypt(&key, key_id.as_deref(), &nonce, &body, &associated);
        self.meter.tick()?;
        // This copy is the only one that is not wiped: the bindings take a plain vector.
        Ok(text.map(|text| text.to_vec()).ok_or(()))
    }

    fn encrypt(
        &mut self,
        key: Resource<Key>,
        body: Vec<u8>,
        associated: Vec<u8>,
    ) -> wasmtime::Result<Result<Sealed, ()>> {
        let Some(key) = self.key(&key, Operation::Encrypt, [&body, &associated])? else {
            return Ok(Err(()));
        };
        let nonce_context = NonceContext {
            event: &self.event,
            number: self.encryptions,
        };
        self.encryptions += 1;
        let sealed = galleria_keys::encrypt(&key, nonce_context, &body, &associated);
        self.meter.tick()?;
        Ok(sealed.ok_or(()).map(|sealed| {
            let galleria_keys::Sealed {
                key_id,
                nonce,
                body,
            } = sealed;
            Sealed {
                key_id,
                nonce,
                body,
            }
        }))
    }

    fn mac(&mut self, key: Resource<Key>, body: Vec<u8>) -> wasmtime::Result<Result<Vec<u8>, ()>> {
        let Some(key) = self.key(&key, Operation::Mac, [&body, &[]])? else {
            return Ok(Err(()));
        };
        let code = galleria_keys::mac(&key, &body);
        self.meter.tick()?;
        Ok(code.map(Vec::from).ok_or(()))
    }

    fn drop(&mut self, key: Resource<Key>) -> wasmtime::Result<()> {
        self.table.delete(key)?;
        Ok(())
    }
}
