//! HTTP/1.1 over TLS for the AWS SDK: hyper's client, with what AWS endpoints need and nothing else.
//!
//! The SDK's own client links HTTP/2, proxies, the platform's certificates and every signature algorithm there is:
//! docs/decisions/0009-cold-starts.md has what each of these costs a cold start.

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
    /// A certificate of the bundle, or our own settings.
    #[error("{0}")]
    Tls(#[from] rustls::Error),
    /// The bundle is empty.
    #[error("no certificate in it")]
    NoCertificate,
}

/// A client for `https` and, where AWS is on this machine, `http`. It trusts the certificates in `bundle`, a PEM file,
/// or else Amazon's.
pub(super) fn client(bundle: Option<&Path>) -> Result<SharedHttpClient, HttpsError> {
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
    let client = legacy::Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
    Ok(SharedHttpClient::new(Https { connector: SharedHttpConnector::new(Pool(client)) }))
}

fn roots(bundle: Option<&Path>) -> Result<RootCertStore, HttpsError> {
    let certificates: Vec<CertificateDer<'_>> = match bundle {
        Some(file) => CertificateDer::pem_file_iter(file)?.collect::<Result<_, _>>()?,
        None => CertificateDer::pem_slice_iter(AMAZON_ROOTS).collect::<Result<_, _>>()?,
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate)?;
    }
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
