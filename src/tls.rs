//! The encrypted half of a connection, for whoever makes one. Certificates are checked as any client would; the
//! system's roots are read when the first such connection is made. Errors are phrases for the middle of a sentence.

use crate::model::io_words as plain;
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, Error, RootCertStore, crypto::ring};

/// Reading the roots takes tens of milliseconds.
static CONFIG: OnceCell<Arc<ClientConfig>> = OnceCell::const_new();

/// `protocol` is what is spoken inside, by its name: `https`.
pub(crate) async fn connect(
    stream: TcpStream,
    host: &str,
    protocol: &str,
) -> Result<TlsStream<TcpStream>, String> {
    let config = CONFIG
        .get_or_try_init(|| async {
            let roots = tokio::task::spawn_blocking(system_roots).await;
            config(roots.map_err(|error| error.to_string())?)
        })
        .await?;
    handshake(Arc::clone(config), stream, host, protocol).await
}

pub(crate) async fn handshake(
    config: Arc<ClientConfig>,
    stream: TcpStream,
    host: &str,
    protocol: &str,
) -> Result<TlsStream<TcpStream>, String> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(bare.to_owned())
        .map_err(|_| format!("no certificate can be for the host {bare:?}"))?;
    let connector = TlsConnector::from(config);
    connector
        .connect(name, stream)
        .await
        .map_err(|error| refusal(&error, protocol))
}

/// What the system trusts. Without any, every certificate is refused, and that is told.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

pub(crate) fn config(roots: RootCertStore) -> Result<Arc<ClientConfig>, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let config = builder.with_root_certificates(roots).with_no_client_auth();
    Ok(Arc::new(config))
}

fn refusal(error: &io::Error, protocol: &str) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(Error::InvalidCertificate(why)) => format!("its certificate is not trusted: {why}"),
        Some(Error::InvalidMessage(_)) => format!("what answers does not speak {protocol}"),
        Some(other) => format!("no {protocol}: {other}"),
        None => format!("no {protocol}: {}", plain(error)),
    }
}
