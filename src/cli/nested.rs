//! Which tmuxes this terminal is in: one of the user's own, and the window of a service of ours. A service does not get
//! `TMUX`, so that what it starts takes no window of ours for the user's; here it is found out by what it does get.

use super::session;
use crate::shim::tree::TOKEN_VARIABLE;
use crate::tmux::view::Outer;
use crate::workspace::session::{Life, sessions};
use std::env;

/// From the nearest on.
pub(super) fn outers() -> Vec<Outer> {
    let user_s = env::var("TMUX").ok().filter(|value| !value.is_empty());
    let user_s = user_s.map(|value| {
        let socket = value.split(',').next().unwrap_or_default();
        Outer::Known(socket.into())
    });
    user_s.into_iter().chain(ours()).collect()
}

/// The view that shows the service which this process is of.
fn ours() -> Option<Outer> {
    let terminal = env::var("TERM").unwrap_or_default();
    // A service may as well open a window on the desktop, which is no part of ours.
    let in_a_window = terminal.starts_with("tmux") || terminal.starts_with("screen");
    if env::var_os(TOKEN_VARIABLE).is_none() || !in_a_window {
        return None;
    }
    Some(its_tmux().map_or(Outer::View, Outer::Known))
}

/// The socket of that service's session, if there is no doubt which one it is.
fn its_tmux() -> Option<std::path::PathBuf> {
    let root = env::var("OVR_PROJECT_ROOT").ok()?;
    let mut found = sessions(&session::places().ok()?).ok()?;
    found.retain(|entry| entry.life != Life::Stale && entry.root() == Some(root.as_str()));
    match found.as_slice() {
        [entry] => Some(entry.dir.tmux_socket()),
        _ => None,
    }
}
