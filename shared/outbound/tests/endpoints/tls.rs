//! Endpoints over TLS.

use std::process::Stdio;
use std::sync::Arc;

use outbound::{Failure, Lookup, Sender, TimeOuts};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::support::{LOCAL, Request, answer, delivery, endpoint, failure, sender};

/// The address of an endpoint with a certificate of its own making for `localhost`, and the certificate in PEM.
async fn tls_endpoint() -> (u16, String) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let config = config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // Who doesn't trust the certificate is gone here.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            Request::read(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            let _ = stream.shutdown().await;
        }
    });
    (port, cert.pem())
}

#[tokio::test]
async fn a_certificate_that_nobody_known_has_signed_is_refused() {
    let (port, _) = tls_endpoint().await;
    let attempt = sender().send(&delivery(&format!("https://localhost:{port}/"))).await;
    assert_eq!(failure(attempt), Failure::TlsFailed);
}

#[tokio::test]
async fn who_speaks_no_tls_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    });
    assert_eq!(failure(sender().send(&delivery(&url)).await), Failure::TlsFailed);
}

/// The roots and the proxy come from the environment, which only a process of its own can have: this test runs itself.
#[tokio::test]
async fn roots_come_from_the_system_and_no_proxy_from_the_environment() {
    const PORT: &str = "TLS_ENDPOINT_PORT";
    if let Ok(port) = std::env::var(PORT) {
        assert_eq!(answer(sender().send(&delivery(&format!("https://localhost:{port}/"))).await).status, 200);
        // Trusted, but of another host.
        let lookup = Lookup::by(|_| async { Ok(vec!["127.0.0.1".parse().unwrap()]) });
        let sender = Sender::with(LOCAL, lookup, TimeOuts::default(), runtime::Clock::System).unwrap();
        let attempt = sender.send(&delivery(&format!("https://shop.example.com:{port}/"))).await;
        assert_eq!(failure(attempt), Failure::TlsFailed);
        // Through the proxy, nothing could be reached.
        let (address, _received) = endpoint(|mut stream| async move {
            stream.write_all(b"HTTP/1.1 204 No\r\n\r\n").await.unwrap();
        })
        .await;
        assert_eq!(answer(sender.send(&delivery(&format!("http://{address}/"))).await).status, 204);
        return;
    }
    let (port, certificate) = tls_endpoint().await;
    let directory = tempfile::tempdir().unwrap();
    let roots = directory.path().join("roots.pem");
    std::fs::write(&roots, certificate).unwrap();
    let mut again = tokio::process::Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "tls::roots_come_from_the_system_and_no_proxy_from_the_environment"]);
    again.env(PORT, port.to_string()).env("SSL_CERT_FILE", roots).env_remove("SSL_CERT_DIR");
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        again.env(variable, "http://127.0.0.1:1");
    }
    let output = again.stdout(Stdio::piped()).stderr(Stdio::piped()).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
