//! Reading the public keys by which applications' requests are checked.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::PublicEncryptingKey;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use models::{PublicKey, PublicKeyId};
use thiserror::Error;

use crate::secrets::sha256;

/// The longest text that is read: a key of 8192 bits has some 1400 digits.
const MAX_BYTES: usize = 4096;

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// Why a text is no public key by which requests can be checked; reads on after the text's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidPublicKey {
    /// It is secret, and has to be kept from everybody, us included.
    #[error(
        "is a private key, which stays with the application: give its public one, `openssl pkey -in private.pem -pubout`"
    )]
    Private,
    /// It is no PEM of a public key (RFC 7468, 13).
    #[error("must be a public key in PEM, from {BEGIN} to {END}")]
    NotPem,
    /// It is of another kind or length.
    #[error("must be an RSA key of 2048 to 8192 bits")]
    NotRsa,
}

/// Reads a public key in PEM, which is added `now`.
///
/// # Errors
/// See [`InvalidPublicKey`].
pub fn read_public_key(pem: &str, now: Timestamp) -> Result<PublicKey, InvalidPublicKey> {
    if pem.contains("PRIVATE KEY-----") {
        return Err(InvalidPublicKey::Private);
    }
    let digits = pem.trim().strip_prefix(BEGIN).and_then(|text| text.strip_suffix(END));
    let digits: String =
        digits.filter(|_| pem.len() <= MAX_BYTES).ok_or(InvalidPublicKey::NotPem)?.split_whitespace().collect();
    let der = BASE64_STANDARD.decode(digits).map_err(|_| InvalidPublicKey::NotPem)?;
    let key = PublicEncryptingKey::from_der(&der).map_err(|_| InvalidPublicKey::NotRsa)?;
    // Written again by us, so that the same key has one form, and one id.
    let spki = AsDer::<PublicKeyX509Der<'_>>::as_der(&key).map_err(|_| InvalidPublicKey::NotRsa)?.as_ref().to_vec();
    let id: String = sha256(&spki).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let id: PublicKeyId = id.parse().map_err(|_| InvalidPublicKey::NotRsa)?;
    Ok(PublicKey { id, spki, added_at: now })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_772_000_000, 0);
    const RSA: &str = include_str!("../../../local/demo-application.pem");
    const RSA_1024: &str = "-----BEGIN PUBLIC KEY-----\n\
        MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCnalFts7bj9sf7e++p9FP+m1Jg\n\
        p3Q5+casrbdmlSBWzXO/11Iil6phD+tW8i4jHtWo3QV58/yU+bXUIdIYjpMRv7Cj\n\
        z4bxxc96UoqbeZWcVOuVFQRunasyZgjT7xnyOr5GLDojfJh6eWBRPuDVagVPEUKO\n\
        FMmcLCfgnuKFBU+yGwIDAQAB\n\
        -----END PUBLIC KEY-----";
    const ELLIPTIC: &str = "-----BEGIN PUBLIC KEY-----\n\
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsRd/0t1fNwlzAhXFJqakZx7ysFD+\n\
        5eId4MmW73UxwGaRYsr/aa12B6aJK4io4ySkNICNTEP0bgGnxOPMoQueSw==\n\
        -----END PUBLIC KEY-----";

    #[test]
    fn an_rsa_key_is_read_and_has_one_id() {
        let key = read_public_key(RSA, NOW).unwrap();
        let crlf = format!("\r\n{}\r\n", RSA.replace('\n', "\r\n"));
        assert_eq!((read_public_key(&crlf, NOW), key.added_at, key.spki.len()), (Ok(key.clone()), NOW, 294));
        assert_eq!(key.id.to_string(), "a7aba84786018bfa", "as `openssl pkey -pubin -outform der | sha256sum` says");
    }

    #[test]
    fn what_is_no_rsa_key_of_enough_bits_is_refused() {
        let private = include_str!("../../../tests/clients/demo-application.pem");
        for (text, why) in [
            (private, InvalidPublicKey::Private),
            (&RSA.replace("PUBLIC", "RSA PUBLIC"), InvalidPublicKey::NotPem),
            (&RSA.replace("BEGIN", "END"), InvalidPublicKey::NotPem),
            (&RSA.replacen('M', "*", 1), InvalidPublicKey::NotPem),
            (&format!("{RSA}{RSA}"), InvalidPublicKey::NotPem),
            (&format!("{BEGIN}{}{END}", " ".repeat(MAX_BYTES)), InvalidPublicKey::NotPem),
            ("", InvalidPublicKey::NotPem),
            (&format!("{BEGIN}{END}"), InvalidPublicKey::NotRsa),
            (&format!("{BEGIN}AAAA{END}"), InvalidPublicKey::NotRsa),
            (RSA_1024, InvalidPublicKey::NotRsa),
            (ELLIPTIC, InvalidPublicKey::NotRsa),
        ] {
            assert_eq!(read_public_key(text, NOW), Err(why), "{text}");
        }
    }
}
