//! HTTP/1.1 over TLS for the AWS SDK: hyper's client, with what AWS endpoints need and nothing else.
//!
//! The SDK's own client links HTTP/2, proxies, the platform's certificates and every signature algorithm there is:
//! docs/decisions/0009-cold-starts.md has what leaving that out gains.

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// The certificate authorities that AWS endpoints chain to: Amazon Root CA 1 to 4 and Starfield Services Root G2
/// (<https://www.amazontrust.com/repository/>).
const AMAZON_ROOTS: &[u8] = include_bytes!("roots.pem");

/// How long a TCP connection may take; the handshake counts towards the attempt's own time-out.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpsError {
    /// The bundle can't be read.
    #[error("{0}")]
    Bundle(#[from] rustls_pki_types::pem::Error),
    /// Our own settings.
    #[error("{0}")]
    Tls(#[from] rustls::Error),
    /// The bundle is empty.
    #[error("no certificate in it")]
    NoCertificate,
}

/// A client for `https` and, where AWS is on this machine, `http`. It trusts the certificates in `bundle`, a PEM file,
/// or else Amazon's.
pub(super) fn client(bundle: Option<&Path>) -> Result<SharedHttpClient, HttpsError> {
    Ok(SharedHttpClient::new(Https { connector: SharedHttpConnector::new(pool(bundle)?) }))
}

fn pool(bundle: Option<&Path>) -> Result<Pool, HttpsError> {
    let tls = ClientConfig::builder_with_provider(Arc::new(super::tls::provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(bundle)?)
        .with_no_client_auth();
    let mut tcp = legacy::connect::HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
    Ok(Pool(legacy::Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector)))
}

fn roots(bundle: Option<&Path>) -> Result<RootCertStore, HttpsError> {
    let certificates: Vec<CertificateDer<'_>> = match bundle {
        Some(file) => CertificateDer::pem_file_iter(file)?.collect::<Result<_, _>>()?,
        None => CertificateDer::pem_slice_iter(AMAZON_ROOTS).collect::<Result<_, _>>()?,
    };
    let mut roots = RootCertStore::empty();
    // Bundles of whole platforms may hold one that can't be an authority; nobody is trusted by it.
    roots.add_parsable_certificates(certificates);
    if roots.is_empty() { Err(HttpsError::NoCertificate) } else { Ok(roots) }
}

/// One pool of connections, whatever the settings: the connect time-out is always the same, and the SDK itself keeps
/// each attempt's.
#[derive(Debug)]
struct Https {
    connector: SharedHttpConnector,
}

impl HttpClient for Https {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.connector.clone()
    }
}

#[derive(Debug)]
struct Pool(legacy::Client<HttpsConnector<legacy::connect::HttpConnector>, SdkBody>);

impl HttpConnector for Pool {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        let answer = self.0.request(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await.map_err(connector_error)?;
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// What the SDK may try again: whatever did not get through, or was cut off.
fn connector_error(error: legacy::Error) -> ConnectorError {
    let hyper = |is: fn(&hyper::Error) -> bool| sources(&error).filter_map(|source| source.downcast_ref()).any(is);
    let is_on_the_way = error.is_connect()
        || sources(&error).any(|source| source.is::<io::Error>())
        || hyper(hyper::Error::is_closed)
        || hyper(hyper::Error::is_canceled);
    let is_cut_off = hyper(hyper::Error::is_incomplete_message);
    let error = BoxError::from(error);
    match (is_on_the_way, is_cut_off) {
        (true, _) => ConnectorError::io(error),
        (false, true) => ConnectorError::other(error, Some(ErrorKind::TransientError)),
        (false, false) => ConnectorError::other(error, None),
    }
}

/// An error and what caused it.
fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest;
    use rcgen::CertifiedKey;
    use rustls::ServerConfig;
    use rustls::pki_types::PrivateKeyDer;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// SHA-256 of each certificate, as published at <https://www.amazontrust.com/repository/>.
    const PUBLISHED: [&str; 5] = [
        "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
        "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
        "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
        "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
        "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
    ];

    #[test]
    fn the_roots_are_those_that_amazon_publishes() {
        let certificates = CertificateDer::pem_slice_iter(AMAZON_ROOTS).collect::<Result<Vec<_>, _>>().unwrap();
        let hash = |certificate: &CertificateDer<'_>| {
            let hash = digest::digest(&digest::SHA256, certificate);
            hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        assert_eq!(certificates.iter().map(hash).collect::<Vec<_>>(), PUBLISHED);
        assert_eq!(roots(None).unwrap().len(), PUBLISHED.len());
    }

    #[test]
    fn a_bundle_without_certificates_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bundle.pem");
        assert!(matches!(roots(Some(&file)), Err(HttpsError::Bundle(_))));
        std::fs::write(&file, "no certificate").unwrap();
        assert!(matches!(roots(Some(&file)), Err(HttpsError::NoCertificate)));
    }

    /// What a server does once somebody has connected and asked.
    #[derive(Debug, Clone, Copy)]
    enum Server {
        Answers,
        CutsOff,
    }

    /// A server of its own for one request, its URL and its certificate.
    async fn serve(server: Server) -> (String, String) {
        let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await else { return };
            let _ = stream.read(&mut [0; 1024]).await.unwrap();
            match server {
                Server::Answers => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap(),
                Server::CutsOff => stream.write_all(b"HTTP/1.1 200 O").await.unwrap(),
            }
            stream.shutdown().await.unwrap();
        });
        (url, cert.pem())
    }

    async fn ask(url: &str, trusted: Option<&str>) -> Result<u16, ConnectorError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bundle.pem");
        let bundle = trusted.map(|pem| {
            std::fs::write(&file, pem).unwrap();
            file.as_path()
        });
        let pool = pool(bundle).unwrap();
        pool.call(HttpRequest::get(url).unwrap()).await.map(|answer| answer.status().as_u16())
    }

    #[tokio::test]
    async fn only_a_server_of_the_bundle_is_spoken_with() {
        let (url, certificate) = serve(Server::Answers).await;
        assert_eq!(ask(&url, Some(&certificate)).await.unwrap(), 200);
        let (url, _) = serve(Server::Answers).await;
        assert!(ask(&url, None).await.unwrap_err().is_io());
    }

    #[tokio::test]
    async fn what_did_not_get_through_may_be_tried_again() {
        let nobody = TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap();
        assert!(ask(&format!("http://{nobody}/"), None).await.unwrap_err().is_io());
        let (url, certificate) = serve(Server::CutsOff).await;
        let error = ask(&url, Some(&certificate)).await.unwrap_err();
        assert!(error.is_io() || error.as_other() == Some(ErrorKind::TransientError), "{error:?}");
    }
}
