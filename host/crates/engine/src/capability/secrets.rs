//! `secrets`: work with keys whose bytes never enter a guest.
//!
//! A name the grant does not have ends the call: a plugin that was loaded has been granted all it asks
//! for. A grant without any operation is the error of `open`. An operation the grant does not name is
//! refused as everything else is refused, so that a guest learns nothing from it; the operator is told.

use crate::bindings::secrets::{Host, HostKey, Sealed};
use crate::call::Call;
use galleria_domain::SecretKey;
use galleria_domain::plugin::Operation;
use galleria_keys::Occasion;
use std::collections::BTreeSet;
use std::sync::Arc;
use wasmtime::component::Resource;

/// Of a text, and of what is associated with it. Keys are for codes, numbers and records; what is
/// longer than this is refused as anything else is.
const TEXT_BYTES: usize = 1 << 20;

/// A key that a guest has open.
#[derive(Clone, Debug)]
pub struct Key {
    name: String,
    key: Arc<SecretKey>,
    operations: BTreeSet<Operation>,
}

impl Call {
    /// The key, where the grant names the operation and the texts are no longer than they may be.
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
        let short = texts.iter().all(|text| text.len() <= TEXT_BYTES);
        Ok(short.then(|| Arc::clone(&key.key)))
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
        // What is handed out is the one copy that is not wiped: the bindings take a plain vector.
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
        let occasion = Occasion {
            event: &self.event,
            number: self.encryptions,
        };
        self.encryptions += 1;
        let sealed = galleria_keys::encrypt(&key, occasion, &body, &associated);
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
