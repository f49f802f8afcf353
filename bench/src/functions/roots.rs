//! Root certificates: the bundle that a platform trusts, and the authority that signs the endpoint's certificate.

use std::fs;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

use crate::error::Error;

/// How many certificates the platform's bundle holds: about as many as Mozilla's list.
pub(crate) const PLATFORM_COUNT: usize = 140;
/// How many our functions trust: as many as AWS endpoints chain to.
pub(crate) const FEW_COUNT: usize = 5;

/// Where distributions keep their bundle.
const SYSTEM_BUNDLES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// The authority that the endpoint's certificate comes from, and others.
pub(crate) struct Roots {
    authority: CertifiedIssuer<'static, KeyPair>,
    others: Vec<String>,
    /// How many of the others are real.
    pub(crate) real: usize,
}

impl Roots {
    /// A new authority beside the system's certificates; where those are too few, made-up ones.
    pub(crate) fn new() -> Result<Self, Error> {
        let system = SYSTEM_BUNDLES.iter().find_map(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        let mut others = certificates(&system);
        others.truncate(PLATFORM_COUNT - 1);
        let real = others.len();
        for number in real..PLATFORM_COUNT - 1 {
            others.push(authority(&format!("Made up {number}"))?.pem());
        }
        Ok(Self { authority: authority("Counterfoil's measurements")?, others, real })
    }

    /// The authority alone, in PEM.
    pub(crate) fn authority(&self) -> String {
        self.authority.pem()
    }

    /// `count` certificates in PEM, the authority the last of them.
    pub(crate) fn bundle(&self, count: usize) -> String {
        let mut bundle: String = self.others.iter().take(count.saturating_sub(1)).map(String::as_str).collect();
        bundle.push_str(&self.authority.pem());
        bundle
    }

    /// TLS for `localhost`, by a chain like that of AWS endpoints: RSA keys of 2048 bits, and an authority in between.
    pub(crate) fn server(&self) -> Result<ServerConfig, Error> {
        let between = CertifiedIssuer::signed_by(authority_params("In between")?, rsa_key()?, &self.authority)?;
        let key = rsa_key()?;
        let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&key, &between)?;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let config = ServerConfig::builder_with_provider(provider.into()).with_safe_default_protocol_versions()?;
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        Ok(config
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone(), between.der().clone()], key)?)
    }
}

fn authority(name: &str) -> Result<CertifiedIssuer<'static, KeyPair>, Error> {
    Ok(CertifiedIssuer::self_signed(authority_params(name)?, rsa_key()?)?)
}

fn rsa_key() -> Result<KeyPair, Error> {
    Ok(KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?)
}

fn authority_params(name: &str) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

/// The certificates in a bundle, each in PEM, without what stands between them.
fn certificates(bundle: &str) -> Vec<String> {
    const END: &str = "-----END CERTIFICATE-----";
    let after_begin = bundle.split("-----BEGIN CERTIFICATE-----").skip(1);
    after_begin
        .filter_map(|rest| rest.split_once(END))
        .map(|(base64, _)| format!("-----BEGIN CERTIFICATE-----{base64}{END}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn bundles_hold_as_many_certificates_as_asked_for_and_the_authority() {
        let roots = Roots::new().unwrap();
        for count in [1, FEW_COUNT, PLATFORM_COUNT] {
            let bundle = roots.bundle(count);
            assert_eq!(certificates(&bundle).len(), count);
            assert!(bundle.ends_with(&roots.authority()));
        }
    }

    #[test]
    fn certificates_are_read_apart_from_what_stands_between_them() {
        let one = authority("One").unwrap().pem();
        let bundle = format!("# One\n{one}\n# Two\n{one}-----BEGIN CERTIFICATE-----\ncut off");
        assert_eq!(certificates(&bundle), [one.replace("\r\n", "\n"), one.replace("\r\n", "\n")]);
    }
}
