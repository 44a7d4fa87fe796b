//! Whether what is said to PostgreSQL is encrypted, by libpq's `sslmode`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Where Debian, and most others, keep the certificates that are trusted.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// How a connection is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Security {
    /// Not at all.
    Disable,
    /// Encrypted where the server can. Who the server is, nobody looks.
    Prefer,
    /// Encrypted. Who the server is, nobody looks.
    Require,
    /// Encrypted, with a server whose name is in a certificate that one of these has signed.
    VerifyFull(PathBuf),
}

impl Security {
    pub(super) fn new(mode: Option<&str>, root: Option<PathBuf>) -> Result<Security, String> {
        let security = match mode {
            Some("disable") => Security::Disable,
            None | Some("prefer") => Security::Prefer,
            Some("require") => Security::Require,
            Some("verify-full") => {
                return Ok(Security::VerifyFull(
                    root.unwrap_or_else(|| SYSTEM_ROOTS.into()),
                ));
            }
            Some(mode) => {
                return Err(format!(
                    "sslmode is disable, prefer, require or verify-full, not {mode:?}"
                ));
            }
        };
        match root {
            None => Ok(security),
            Some(_) => Err("sslrootcert is for sslmode=verify-full".to_owned()),
        }
    }

    pub(super) fn mode(&self) -> SslMode {
        match self {
            Security::Disable => SslMode::Disable,
            Security::Prefer => SslMode::Prefer,
            Security::Require | Security::VerifyFull(_) => SslMode::Require,
        }
    }

    /// What opens the encryption.
    ///
    /// # Errors
    /// When the certificates cannot be read.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect, String> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| error.to_string())?;
        let config = match self {
            Security::VerifyFull(file) => builder.with_root_certificates(roots(file)?),
            Security::Disable | Security::Prefer | Security::Require => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyServer(provider))),
        };
        Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
    }
}

fn roots(file: &Path) -> Result<RootCertStore, String> {
    let failed = |error: &dyn std::fmt::Display| {
        format!(
            "cannot read the certificates in {}: {error}",
            file.display()
        )
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| failed(&error))? {
        let certificate = certificate.map_err(|error| failed(&error))?;
        roots.add(certificate).map_err(|error| failed(&error))?;
    }
    match roots.is_empty() {
        true => Err(failed(&"there is none")),
        false => Ok(roots),
    }
}

/// Takes any certificate, and checks only that the server has its key: what `require` of libpq
/// does, against those who only listen.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use testkit::postgres::{self, Postgres};

    use super::super::{Address, Purpose, open};

    #[test]
    fn an_encrypted_connection_is_had_by_every_mode_and_verified_by_one() {
        if !postgres::is_there() {
            return;
        }
        let Some((server, certificate)) = Postgres::start_encrypted() else {
            return;
        };
        let by_number = server.database();
        let by_name = by_number.replace("127.0.0.1", "localhost");
        let database = by_number.rsplit('/').next().unwrap();
        let is_encrypted = "SELECT string_agg(ssl::text, ' ') FROM pg_stat_ssl \
                            JOIN pg_stat_activity USING (pid) WHERE application_name = 'labserver'";
        let root = format!("sslmode=verify-full&sslrootcert={}", certificate.display());
        let serve = Purpose::Serve {
            require_synchronous: false,
        };
        let open = |address: &str, parameters: &str| {
            let address: Address = format!("{address}?{parameters}").parse().unwrap();
            open(&address, serve)
        };
        for (address, parameters, expected) in [
            (&by_number, "", "true"),
            (&by_number, "sslmode=disable", "false"),
            (&by_number, "sslmode=prefer", "true"),
            (&by_number, "sslmode=require", "true"),
            (&by_name, root.as_str(), "true"),
        ] {
            let store = open(address, parameters).unwrap();
            assert_eq!(server.run(database, is_encrypted), expected, "{parameters}");
            drop(store);
            testkit::wait_until(|| server.run(database, is_encrypted).is_empty());
        }
        for (address, parameters, expected) in [
            (&by_number, root.as_str(), "certificate not valid for name"),
            (&by_name, "sslmode=verify-full", "UnknownIssuer"),
        ] {
            let error = open(address, parameters).unwrap_err();
            // It would be the same a moment later.
            assert!(!error.may_pass(), "{error}");
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn a_server_that_does_not_encrypt_is_refused_where_that_is_required() {
        let server = testkit::require_postgres!();
        let address: Address = format!("{}?sslmode=require", server.database())
            .parse()
            .unwrap();
        let error = open(&address, Purpose::Beside).unwrap_err();
        assert!(!error.may_pass(), "{error}");
        assert!(error.to_string().contains("TLS"), "{error}");
    }
}
