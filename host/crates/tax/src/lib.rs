//! Tax over gRPC and HTTP: server, client and router.
