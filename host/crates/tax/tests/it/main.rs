//! The clients of tax services against services over TCP: killed, slow, with invalid responses, with other
//! certificates, and at another address.

mod clients;
mod failures;
mod names;
mod service;
mod trust;
