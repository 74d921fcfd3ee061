//! Connects: all that a tcp check asks for, and the first half of an http check.

use super::words::{not_connected, place, plain};
use super::{Good, Reason};
use std::net::SocketAddr;
use tokio::net::{TcpStream, lookup_host};

pub(super) async fn attempt(host: &str, port: u16) -> Result<Good, Reason> {
    let (_stream, peer) = connect(host, port).await?;
    Ok(Good { peer: Some(peer) })
}

/// Tries each address of the host in turn; the failure told is that of the first.
pub(super) async fn connect(host: &str, port: u16) -> Result<(TcpStream, SocketAddr), Reason> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    // An address needs no looking up, which would be a thread.
    let addresses: Vec<SocketAddr> = match bare.parse() {
        Ok(address) => vec![SocketAddr::new(address, port)],
        Err(_) => lookup_host((bare, port))
            .await
            .map_err(|error| format!("cannot find the host {bare}: {}", plain(&error)))?
            .collect(),
    };
    let mut failure = None;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok((stream, address)),
            Err(error) => {
                failure.get_or_insert_with(|| not_connected(&place(host, port), &error));
            }
        }
    }
    Err(failure.unwrap_or_else(|| format!("the host {bare} has no address")))
}
