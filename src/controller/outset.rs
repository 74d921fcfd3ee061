//! The parts that a session begins with, made of its set-up: the log store, the labels, what `session.json` says, the
//! channels of the loop. Nothing here runs yet.

use super::core::{Inlets, Outlets};
use super::links::LinkEvent;
use super::planned::{Planned, label};
use super::session::Setup;
use super::watch::News;
use super::windows::Site;
use crate::logs::{ConsoleFailed, Label};
use crate::model::{InstanceSpec, ServiceName, time_text};
use crate::platform::processes;
use crate::tmux::server::Server;
use crate::tmux::setup;
use crate::workspace::SessionInfo;
use crate::workspace::session::Scaled;
use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;
use tokio::sync::mpsc;

pub(super) fn labels(instances: &[InstanceSpec]) -> Vec<Label> {
    instances.iter().map(label).collect()
}

/// The numbers of instances that were asked of the session before this controller came; the set-up is made to
/// have them. What the configuration says otherwise by now counts more, and so does one that has errors.
pub(super) fn scaled_before(left: Option<&SessionInfo>, setup: &mut Setup) -> BTreeMap<ServiceName, Scaled> {
    let named = left.into_iter().flat_map(|left| &left.scaled);
    let scaled: BTreeMap<_, _> = named
        .filter_map(|(name, scaled)| Some((name.parse().ok()?, *scaled)))
        .collect();
    if scaled.is_empty() {
        return scaled;
    }
    match Planned::make(&setup.replan, scaled, &BTreeMap::new()) {
        Ok(planned) => {
            let (instances, scaled) = planned.into_parts();
            setup.instances = instances;
            scaled
        }
        Err(_) => BTreeMap::new(),
    }
}

pub(super) fn info(
    setup: &Setup,
    started: SystemTime,
    ending: bool,
    scaled: &BTreeMap<ServiceName, Scaled>,
) -> SessionInfo {
    SessionInfo {
        schema: crate::workspace::session::SCHEMA,
        project: setup.project.clone(),
        root: setup.root.display().to_string(),
        config: setup.config.display().to_string(),
        pid: std::process::id(),
        started_at: time_text::rfc3339(started),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        detached: setup.detached,
        tmux_socket: setup.lock.dir().tmux_socket().display().to_string(),
        tmux_pid: None,
        pid_started: processes::one(std::process::id()).map(|process| process.started),
        tmux_started: None,
        arguments: setup.arguments.clone(),
        settings: setup.settings.clone(),
        flags: setup.flags.clone(),
        ending,
        scaled: (scaled.iter())
            .map(|(service, scaled)| (service.to_string(), *scaled))
            .collect(),
        paused: BTreeSet::new(),
        tcp: setup.tcp.as_ref().map(|door| door.bound.to_string()),
        resumed: BTreeSet::new(),
    }
}

pub(super) fn site(setup: &Setup) -> Site {
    let dir = setup.lock.dir();
    Site {
        server: Server {
            binary: setup.tmux_binary.clone(),
            socket: dir.tmux_socket(),
            config: dir.tmux_config(),
        },
        setup: setup::Setup::for_size(setup.terminal),
        program: setup.program.display().to_string(),
        shim_socket: dir.shim_socket().display().to_string(),
        root: setup.root.clone(),
    }
}

/// Everything that the loop hears, and the ends that others speak into.
pub(super) fn channels(
    links: mpsc::UnboundedReceiver<LinkEvent>,
    signals: signal_hook_tokio::Signals,
    console_failed: Option<ConsoleFailed>,
    watched: Option<mpsc::UnboundedReceiver<News>>,
) -> (Inlets, Outlets) {
    let (streams, streams_out) = mpsc::unbounded_channel();
    let (calls, calls_out) = mpsc::unbounded_channel();
    let (reaped, reaped_out) = mpsc::unbounded_channel();
    let (probed, probed_out) = mpsc::unbounded_channel();
    let (published, published_out) = mpsc::unbounded_channel();
    let (hooks, hooks_out) = mpsc::unbounded_channel();
    let (configured, configured_out) = mpsc::unbounded_channel();
    let (replanned, replanned_out) = mpsc::unbounded_channel();
    let (compared, compared_out) = mpsc::unbounded_channel();
    let (looked, looked_out) = mpsc::unbounded_channel();
    let (pipes, pipes_out) = mpsc::unbounded_channel();
    let (server_ended, server_ended_out) = mpsc::unbounded_channel();
    let inlets = Inlets {
        streams,
        calls,
        reaped,
        probed,
        hooks,
        published,
        configured,
        replanned,
        compared,
        looked,
        pipes,
        server_ended,
    };
    let outlets = Outlets {
        streams: streams_out,
        links,
        calls: calls_out,
        reaped: reaped_out,
        probed: probed_out,
        hooks: hooks_out,
        published: published_out,
        configured: configured_out,
        replanned: replanned_out,
        compared: compared_out,
        looked: looked_out,
        pipes: pipes_out,
        server_ended: server_ended_out,
        signals,
        files: None,
        console_failed,
        log_troubles: None,
        watched,
    };
    (inlets, outlets)
}

pub(super) fn relative(path: &std::path::Path, root: &std::path::Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}
