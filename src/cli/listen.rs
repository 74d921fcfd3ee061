//! Where `ovr start` serves the API on TCP: the address that was asked for, or the one that a controller before
//! this one had; the token; and what is said about both.

use super::report;
use super::style::{Paint, push_line};
use crate::api::server::TcpDoor;
use crate::api::token::Token;
use crate::diag::{Diagnostic, Kind};
use crate::workspace::session::SessionEntry;
use crate::workspace::{SessionInfo, SessionLock, token_file};
use serde::{Deserialize, Serialize};
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// `None`: nothing was said.
    pub(super) address: Option<&'a str>,
    /// Others than this machine may connect.
    pub(super) public: bool,
    /// What an earlier session left is ended, not taken over.
    pub(super) fresh: bool,
}

/// What to tell a person about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    pub address: String,
    /// Only when it was made just now.
    pub token: Option<String>,
}

/// Opens the door; `None` where the session is not to be served on TCP.
///
/// # Errors
/// The address cannot be had, or is one that others could reach.
pub(super) fn open(lock: &SessionLock, wanted: &Wanted<'_>) -> Result<Option<(TcpDoor, Served)>, Diagnostic> {
    let takes_over = !wanted.fresh && SessionEntry::has_services(lock.dir());
    let before = SessionInfo::read(lock.dir()).filter(|_| takes_over);
    let inherited = before.and_then(|before| before.tcp);
    let listener = match (wanted.address, &inherited) {
        // Any port was asked for, and this one is known to its clients.
        (Some(address), Some(inherited)) if is_any_port_of(address, inherited) => {
            listen(inherited, wanted.public)?
        }
        (Some(address), _) => listen(address, wanted.public)?,
        // It was allowed then. Without it the services still run.
        (None, Some(address)) => match listen(address, true) {
            Ok(listener) => listener,
            Err(mut error) => {
                error.severity = crate::diag::Severity::Warning;
                report::print(&error);
                return Ok(None);
            }
        },
        (None, None) => return Ok(None),
    };
    let failed = |error: io::Error| {
        Diagnostic::error(Kind::System, "cannot set up the API on TCP").cause(error.to_string())
    };
    let bound = listener.local_addr().map_err(failed)?;
    let known = token_file::read(lock.dir()).filter(|_| takes_over);
    let (token, is_new) = match known.as_deref().and_then(Token::parse) {
        Some(token) => (token, false),
        None => (Token::random().map_err(failed)?, true),
    };
    token_file::write(lock, token.reveal())?;
    let served = Served {
        address: bound.to_string(),
        token: is_new.then(|| token.reveal().to_owned()),
    };
    Ok(Some((
        TcpDoor {
            listener,
            bound,
            token,
        },
        served,
    )))
}

fn is_any_port_of(address: &str, known: &str) -> bool {
    let host = |text: &str| text.rsplit_once(':').map(|(host, _)| host.to_owned());
    address.ends_with(":0") && host(address) == host(known)
}

fn listen(address: &str, public: bool) -> Result<TcpListener, Diagnostic> {
    let cannot = |error: &io::Error| {
        Diagnostic::error(Kind::System, format!("cannot listen at {address}")).cause(error.to_string())
    };
    let resolved: Vec<SocketAddr> = address
        .to_socket_addrs()
        .map_err(|error| cannot(&error))?
        .collect();
    if !public && !resolved.iter().all(|address| address.ip().is_loopback()) {
        return Err(Diagnostic::error(
            Kind::Usage,
            format!("{address} can be reached from other machines"),
        )
        .hint("whoever has the token can run commands as you, and nothing is encrypted")
        .hint("listen at 127.0.0.1 and tunnel (ssh -L), or add --listen-public if that is what you want"));
    }
    TcpListener::bind(resolved.as_slice()).map_err(|error| {
        let diagnostic = cannot(&error);
        match error.kind() {
            io::ErrorKind::AddrInUse => diagnostic.hint("take another port, or port 0 for one that is free"),
            io::ErrorKind::PermissionDenied => diagnostic.hint("take a port above 1023"),
            _ => diagnostic,
        }
    })
}

impl Served {
    /// The lines that a start prints about it. The token comes here and nowhere else.
    pub fn lines(&self, paint: Paint) -> String {
        let mut out = String::new();
        let page = format!("http://{}/docs", self.address);
        push_line(
            &mut out,
            &format!("{}  tcp://{} · {page}", paint.dim("api  "), self.address),
        );
        if let Some(token) = &self.token {
            push_line(&mut out, &format!("{}  {token}", paint.dim("token")));
            push_line(
                &mut out,
                &paint.dim("       shown once; OVR_TOKEN or --token-file gives it to ovr elsewhere"),
            );
        }
        out
    }
}
