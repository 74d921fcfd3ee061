//! The encrypted half of an https check. Certificates are checked as any client would; the system's roots are
//! read when the first such check is made.

use super::Reason;
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

pub(super) async fn connect(stream: TcpStream, host: &str) -> Result<TlsStream<TcpStream>, Reason> {
    let config = CONFIG
        .get_or_try_init(|| async {
            let roots = tokio::task::spawn_blocking(system_roots).await;
            config(roots.map_err(|error| error.to_string())?)
        })
        .await?;
    handshake(Arc::clone(config), stream, host).await
}

pub(super) async fn handshake(
    config: Arc<ClientConfig>,
    stream: TcpStream,
    host: &str,
) -> Result<TlsStream<TcpStream>, Reason> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(bare.to_owned())
        .map_err(|_| format!("no certificate can be for the host {bare:?}"))?;
    let connector = TlsConnector::from(config);
    connector
        .connect(name, stream)
        .await
        .map_err(|error| refusal(&error))
}

/// What the system trusts. Without any, every certificate is refused, and that is told.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

pub(super) fn config(roots: RootCertStore) -> Result<Arc<ClientConfig>, Reason> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let config = builder.with_root_certificates(roots).with_no_client_auth();
    Ok(Arc::new(config))
}

fn refusal(error: &io::Error) -> Reason {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(Error::InvalidCertificate(why)) => format!("its certificate is not trusted: {why}"),
        Some(Error::InvalidMessage(_)) => "what answers does not speak https".to_owned(),
        Some(other) => format!("no https: {other}"),
        None => format!("no https: {}", super::words::plain(error)),
    }
}
