//! Certificates and key in PEM -> what accepts TLS.

use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::Error;

use super::fail;

/// Accepts TLS 1.2 and 1.3, and both versions of HTTP over it.
///
/// # Errors
/// No certificate, no key, or two that do not belong together. The key is not shown.
pub fn acceptor(certificates: &str, key: &str) -> Result<TlsAcceptor, Error> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates.as_bytes()).collect();
    let chain = chain.map_err(|e| fail("--tls-cert", format!("no certificates in PEM: {e}")))?;
    if chain.is_empty() {
        return Err(fail("--tls-cert", "no certificate in it; give the chain in PEM, the server's own first"));
    }
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
    let key = key.map_err(|_| fail("--tls-key", "no private key in it; give one in PEM, without a password"))?;
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
    let mut config = config.map_err(|e| fail("--tls-cert", format!("certificate and key cannot be used: {e}")))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
