//! TLS of PostgreSQL: what each `sslmode` accepts. The server accepts the connection, encrypts it, and
//! then rejects the user: that answer proves that the client trusted the certificate.

use galleria_db::{Db, DbConfig, DbError};
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// SSLRequest: length and code.
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A fatal error with SQLSTATE 28P01.
const REJECTED: &[u8] = b"E\0\0\0\x1dSFATAL\0C28P01\0Mrejected\0\0";

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority");
        Self { issuer }
    }

    /// Starts a server with a certificate for `host`.
    async fn serve(&self, host: &str) -> SocketAddr {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([host.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        let private = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .expect("a certificate");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                reject(stream, &acceptor).await;
            }
        });
        address
    }
}

/// Encrypts the connection if the client requests it, and rejects the user in any case.
async fn reject(mut stream: TcpStream, acceptor: &TlsAcceptor) {
    let mut start = [0; 8];
    if stream.read_exact(&mut start).await.is_err() {
        return;
    }
    if start != TLS_REQUEST {
        let _ = stream.write_all(REJECTED).await;
        return;
    }
    let _ = stream.write_all(b"S").await;
    if let Ok(mut encrypted) = acceptor.accept(stream).await {
        let mut startup = [0; 8];
        let _ = encrypted.read_exact(&mut startup).await;
        let _ = encrypted.write_all(REJECTED).await;
        let _ = encrypted.shutdown().await;
    }
}

async fn connect(server: SocketAddr, parameters: &str) -> DbError {
    let port = server.port();
    let url = format!(
        "postgres://till:tiger-secret@localhost:{port}/shop?hostaddr=127.0.0.1&{parameters}"
    );
    let error = Db::wait(&DbConfig::new(url), Duration::from_secs(5)).await;
    error.expect_err("rejected")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sslmode_decides_which_certificates_are_trusted() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new();
    let root = folder.path().join("root.pem");
    std::fs::write(&root, authority.issuer.pem()).expect("a file");
    let other = folder.path().join("other.pem");
    std::fs::write(&other, Authority::new().issuer.pem()).expect("a file");
    let local = authority.serve("localhost").await;
    let remote = authority.serve("db.example").await;

    let (root, other) = (root.display(), other.display());
    let trusted = [
        (remote, "sslmode=disable".to_owned()),
        (remote, "sslmode=prefer".to_owned()),
        (remote, "sslmode=require".to_owned()),
        (remote, format!("sslmode=verify-ca&sslrootcert={root}")),
        (local, format!("sslmode=verify-full&sslrootcert={root}")),
    ];
    for (server, parameters) in trusted {
        let error = connect(server, &parameters).await;
        assert!(
            matches!(error, DbError::Rejected { .. }),
            "{parameters}: {error:?}"
        );
    }
    let distrusted = [
        (remote, format!("sslmode=verify-full&sslrootcert={root}")),
        (local, format!("sslmode=verify-full&sslrootcert={other}")),
        (local, format!("sslmode=verify-ca&sslrootcert={other}")),
    ];
    for (server, parameters) in distrusted {
        let error = connect(server, &parameters).await;
        // Waiting does not help.
        assert!(
            matches!(error, DbError::Operation { .. }),
            "{parameters}: {error:?}"
        );
        assert!(!format!("{error:?}").contains("tiger-secret"), "{error:?}");
    }
    for parameters in [
        "sslmode=verify-ca&sslrootcert=/no/such/file".to_owned(),
        format!("sslmode=require&sslcert={root}&sslkey=/no/such/file"),
    ] {
        let error = connect(local, &parameters).await;
        assert!(
            error.to_string().contains("/no/such/file cannot be read"),
            "{error}"
        );
    }
    let alone = connect(local, "sslmode=require&sslcert=a.pem").await;
    assert!(
        alone.to_string().contains("sslcert needs sslkey"),
        "{alone}"
    );
}
