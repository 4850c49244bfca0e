//! Access: who calls, with which scope, and whether the resource is within the caller's reach.
//!
//! Owns: the one place that authenticates a request. Deny by default: every endpoint declares its
//! [`Access`](route::Access), and no handler runs before its caller is known. Never stores or logs a key
//! or a token: `Authorization` is removed from the request here.
//!
//! 401: unknown caller. 403: the scope does not allow this at all. 404: the resource is out of reach; the
//! caller does not learn whether it exists.

pub(crate) mod admit;
pub(crate) mod authenticated;
pub(crate) mod bearer;
pub(crate) mod describe;
pub(crate) mod route;
pub(crate) mod table;
