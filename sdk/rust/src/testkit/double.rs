//! Doubles of the host's functions for native tests. Each module has the signatures of the generated
//! module that it replaces.
//!
//! Feeds return smaller batches than requested, as the contract allows. A plugin that treats one batch
//! as the whole feed fails in its tests.

use super::host::Host;
use galleria_domain::{CallFault, HostFault};
use std::cell::RefCell;

thread_local! {
    static HOST: RefCell<Host> = RefCell::default();
}

/// Runs `call` with `host` behind the SDK's functions, and returns the host with all recorded calls.
pub(super) fn within<R>(host: Host, call: impl FnOnce() -> R) -> (R, Host) {
    /// Restores the outer host also after a panic: test threads are reused.
    struct Outer(Option<Host>);
    impl Drop for Outer {
        fn drop(&mut self) {
            HOST.set(self.0.take().unwrap_or_default());
        }
    }
    let outer = Outer(Some(HOST.replace(host)));
    let answer = call();
    let host = HOST.take();
    drop(outer);
    (answer, host)
}

fn host<R>(act: impl FnOnce(&mut Host) -> R) -> R {
    HOST.with_borrow_mut(act)
}

/// A call that the host would end panics.
fn accepted<T>(checked: Result<T, HostFault>) -> T {
    match checked {
        Ok(value) => value,
        Err(fault) => panic!("a host would end the call: {}", CallFault::Host(fault)),
    }
}

/// Takes the next rows, at most seven.
fn batch<T>(rows: &mut std::collections::VecDeque<T>, max: u32) -> Vec<T> {
    let count = rows.len().min(7).min(max as usize);
    rows.drain(..count).collect()
}

pub(crate) mod log {
    use crate::bindings::words::log::Level;

    pub(crate) fn write(level: Level, message: &str, fields: &[(String, String)]) {
        super::host(|host| {
            host.logged.push(super::super::Logged {
                level,
                message: message.to_owned(),
                fields: fields.to_vec(),
            });
        });
    }
}

pub(crate) mod output {
    use super::super::WrittenFile;
    use super::accepted;
    use galleria_contract::OPEN_FILES;
    use galleria_domain::guest_values::{check_output_count, check_output_file, repeated_output};
    use galleria_domain::plugin::Limits;
    use std::cell::Cell;

    thread_local! {
        static OPEN: Cell<usize> = const { Cell::new(0) };
    }

    pub(crate) struct File(usize);

    pub(crate) fn open(directory: &str, name: &str, media_type: &str) -> File {
        super::host(|host| {
            accepted(check_output_file(name, media_type));
            accepted(check_output_count(
                name,
                host.files.len(),
                Limits::RUN.items,
            ));
            let taken = |file: &WrittenFile| file.directory == directory && file.name == name;
            if host.files.iter().any(taken) {
                accepted::<()>(Err(repeated_output(directory, name)));
            }
            assert!(
                OPEN.get() < OPEN_FILES,
                "the run has more than {OPEN_FILES} files open; close a file when it is complete"
            );
            OPEN.set(OPEN.get() + 1);
            host.files.push(WrittenFile {
                directory: directory.to_owned(),
                name: name.to_owned(),
                media_type: media_type.to_owned(),
                body: Vec::new(),
            });
            File(host.files.len() - 1)
        })
    }

    impl File {
        pub(crate) fn write(&self, chunk: &[u8]) {
            super::host(|host| host.files[self.0].body.extend_from_slice(chunk));
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            OPEN.set(OPEN.get() - 1);
        }
    }
}

pub(crate) mod sale_lines {
    use super::super::rows;
    use crate::bindings::words::sale_lines::Batch;

    pub(crate) fn next(max: u32) -> Batch {
        rows::sale_lines(&super::host(|host| super::batch(&mut host.sale_lines, max)))
    }
}

pub(crate) mod products {
    use super::super::rows;
    use crate::bindings::words::products::Batch;

    pub(crate) fn next(max: u32) -> Batch {
        rows::products(&super::host(|host| super::batch(&mut host.products, max)))
    }
}

pub(crate) mod settlement {
    use super::super::rows;
    use crate::bindings::words::settlement::Batch;

    pub(crate) fn next(max: u32) -> Batch {
        rows::settlement(&super::host(|host| super::batch(&mut host.settlement, max)))
    }
}

pub(crate) mod activities {
    use crate::{Activity, Store};

    pub(crate) fn next(max: u32) -> Vec<(Store, Activity)> {
        super::host(|host| super::batch(&mut host.activities, max))
    }
}

pub(crate) mod input {
    pub(crate) fn name() -> String {
        super::host(|host| host.input_name.clone())
    }

    pub(crate) fn read(max: u32) -> Vec<u8> {
        // An odd number, so that pieces end within lines and characters.
        super::host(|host| {
            let count = host.input.len().min(1021).min(max as usize);
            host.input.drain(..count).collect()
        })
    }
}

pub(crate) mod statement {
    use super::super::statement_size::{header_size, line_size};
    use super::accepted;
    use crate::{StatementHeader, StatementLine};
    use galleria_domain::guest_values::check_pushed_lines;

    pub(crate) fn describe(header: &StatementHeader) {
        accepted(header_size(header));
        super::host(|host| {
            let before = host.statement_header.replace(header.clone());
            assert!(before.is_none(), "the run described its statement twice");
        });
    }

    pub(crate) fn push(lines: &[StatementLine]) {
        accepted(check_pushed_lines(lines.len()));
        for line in lines {
            accepted(line_size(line));
        }
        super::host(|host| host.statement.extend_from_slice(lines));
    }
}

pub(crate) mod secrets {
    use super::super::KeyDouble;
    use crate::capabilities::Sealed;
    use std::rc::Rc;

    pub(crate) struct Key(Rc<dyn KeyDouble>);

    pub(crate) fn open(name: &str) -> Result<Key, ()> {
        let key = super::host(|host| host.keys.get(name).cloned());
        Ok(Key(key.unwrap_or_else(|| {
            panic!("the test gave no secret `{name}`; a host would end the call")
        })))
    }

    impl Key {
        pub(crate) fn decrypt(
            &self,
            key_id: Option<&str>,
            nonce: &[u8],
            body: &[u8],
            associated: &[u8],
        ) -> Result<Vec<u8>, ()> {
            self.0.decrypt(key_id, nonce, body, associated).ok_or(())
        }

        pub(crate) fn encrypt(&self, body: &[u8], associated: &[u8]) -> Result<Sealed, ()> {
            self.0.encrypt(body, associated).ok_or(())
        }

        pub(crate) fn mac(&self, body: &[u8]) -> Result<Vec<u8>, ()> {
            self.0.mac(body).ok_or(())
        }
    }
}

pub(crate) mod tokens {
    pub(crate) fn verify(issuer: &str, token: &str) -> Result<String, ()> {
        let claims = super::host(|host| host.tokens.get(&(issuer.into(), token.into())).cloned());
        claims.ok_or(())
    }
}

pub(crate) mod http {
    use crate::capabilities::Refusal;
    use crate::{Outgoing, Reply};

    pub(crate) fn send(request: &Outgoing) -> Result<Reply, Refusal> {
        let answer = super::host(|host| {
            host.requests.push(request.clone());
            host.replies.pop_front()
        });
        answer.unwrap_or(Err(Refusal::Unreachable))
    }
}
