//! Which session a command means, as far as it was said: by `-s`, `-S` and their variables. Touches no disk.

use super::args::GlobalArgs;
use super::settings::Lookup;
use crate::diag::{Diagnostic, Kind};
use std::path::{Path, PathBuf};

/// The variables of `-s/--socket`, which every command takes, strongest first.
pub const SOCKET_VARIABLES: &[&str] = &["OVR_SOCKET", "OVERMIND_SOCKET"];
/// The same of `-S/--network`.
const NETWORK_VARIABLES: &[&str] = &["OVR_NETWORK", "OVERMIND_NETWORK"];
/// What an address on TCP may begin with.
const SCHEMES: [&str; 2] = ["tcp://", "http://"];

/// Where a session is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The one of the project here.
    Here,
    /// The one with this socket, directory or name.
    Unix(PathBuf),
    /// Where somebody listens: `127.0.0.1:4321`.
    Tcp(String),
}

impl Place {
    /// # Errors
    /// The address is none.
    pub fn of(global: &GlobalArgs, lookup: Lookup<'_>) -> Result<Self, Diagnostic> {
        let variable = |names: &[&str]| {
            let set = names.iter().find_map(|name| lookup(name));
            set.map(|(value, _)| value).filter(|value| !value.is_empty())
        };
        let socket = match &global.socket {
            Some(path) => Some(path.clone()),
            None => variable(SOCKET_VARIABLES).map(PathBuf::from),
        };
        let network = match &global.network {
            Some(network) => Some(network.clone()),
            None => variable(NETWORK_VARIABLES),
        };
        let is_tcp = match network.as_deref() {
            None | Some("unix") => false,
            // Overmind has the other two.
            Some("tcp" | "tcp4" | "tcp6") => true,
            Some(other) => {
                let message = format!("OVR_NETWORK: {other:?} is no kind of network");
                return Err(Diagnostic::error(Kind::Config, message).hint("it is one of: unix, tcp"));
            }
        };
        let Some(socket) = socket else {
            if is_tcp {
                let message = "which address on TCP?";
                return Err(
                    Diagnostic::error(Kind::Usage, message).hint("for example: -S tcp -s 127.0.0.1:4321")
                );
            }
            return Ok(Self::Here);
        };
        let text = socket.to_str().unwrap_or_default();
        match SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)) {
            Some(address) => tcp(address.trim_end_matches('/')),
            None if is_tcp => tcp(text),
            None => Ok(Self::Unix(socket)),
        }
    }

    /// What was said about the session's socket.
    ///
    /// # Errors
    /// It is on TCP: `doing` (`up`) is for this machine's own.
    pub fn local(&self, doing: &str) -> Result<Option<&Path>, Diagnostic> {
        match self {
            Self::Here => Ok(None),
            Self::Unix(path) => Ok(Some(path)),
            Self::Tcp(address) => {
                let message = format!(
                    "{doing} works on this machine's own sessions, and {address} is somewhere on TCP"
                );
                Err(Diagnostic::error(Kind::Usage, message)
                    .hint("leave -s and OVR_SOCKET out, or call it on the machine that the session runs on"))
            }
        }
    }

    /// The address that was typed, if one was: what a variable says may be meant for another command.
    pub fn typed_address(global: &GlobalArgs) -> Result<Option<String>, Diagnostic> {
        match Self::of(global, &|_| None)? {
            Self::Here | Self::Unix(_) => Ok(None),
            Self::Tcp(address) => Ok(Some(address)),
        }
    }
}

fn tcp(address: &str) -> Result<Place, Diagnostic> {
    let is_one = address
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if is_one && !address.contains(['/', '@', ' ', '\r', '\n']) {
        return Ok(Place::Tcp(address.to_owned()));
    }
    let message = format!("{address:?} is no address on TCP");
    Err(Diagnostic::error(Kind::Usage, message).hint("write HOST:PORT, such as 127.0.0.1:4321"))
}

#[cfg(test)]
mod tests {
    use super::{GlobalArgs, Place};
    use crate::diag::Kind;

    fn place(socket: Option<&str>, network: Option<&str>, variables: &[(&str, &str)]) -> Result<Place, Kind> {
        let global = GlobalArgs {
            socket: socket.map(Into::into),
            network: network.map(str::to_owned),
            ..GlobalArgs::default()
        };
        let lookup = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name)?;
            Some((found.1.to_owned(), "environment".to_owned()))
        };
        Place::of(&global, &lookup).map_err(|error| error.kind)
    }

    #[test]
    fn a_session_is_named_by_flags_before_variables() {
        let tcp = |address: &str| Ok(Place::Tcp(address.to_owned()));
        let unix = |path: &str| Ok(Place::Unix(path.into()));
        let a = "127.0.0.1:4321";
        for (socket, network, variables, expected) in [
            (None, None, &[][..], Ok(Place::Here)),
            (None, Some("unix"), &[], Ok(Place::Here)),
            (Some("shop"), None, &[], unix("shop")),
            (Some("shop"), None, &[("OVR_SOCKET", "tcp://h:1")], unix("shop")),
            (None, None, &[("OVERMIND_SOCKET", "./x.sock")], unix("./x.sock")),
            (None, None, &[("OVR_SOCKET", "")], Ok(Place::Here)),
            (Some("tcp://127.0.0.1:4321"), None, &[], tcp(a)),
            (Some("http://127.0.0.1:4321/"), None, &[], tcp(a)),
            (Some(a), Some("tcp"), &[], tcp(a)),
            (None, None, &[("OVR_NETWORK", "tcp"), ("OVR_SOCKET", a)], tcp(a)),
            (
                None,
                None,
                &[("OVERMIND_NETWORK", "tcp4"), ("OVERMIND_SOCKET", a)],
                tcp(a),
            ),
            (Some("[::1]:4321"), Some("tcp"), &[], tcp("[::1]:4321")),
            (None, Some("tcp"), &[], Err(Kind::Usage)),
            (Some("tcp://127.0.0.1"), None, &[], Err(Kind::Usage)),
            (Some("tcp://:80"), None, &[], Err(Kind::Usage)),
            (Some("tcp://host:99999"), None, &[], Err(Kind::Usage)),
            (Some("tcp://a/b:1"), None, &[], Err(Kind::Usage)),
            (
                None,
                None,
                &[("OVR_NETWORK", "carrier pigeon")],
                Err(Kind::Config),
            ),
        ] {
            assert_eq!(
                place(socket, network, variables),
                expected,
                "{socket:?} {network:?}"
            );
        }
    }
}
