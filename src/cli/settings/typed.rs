//! What a command line itself says of the settings, as texts: what was typed, before anything is made of it.

use super::super::start::StartArgs;
use super::{
    ANY_CAN_DIE, AUTO_RESTART, CAN_DIE, COLORS, DAEMONIZE, ENV, FORMATION, FORMATION_PORT_STEP, FRESH,
    IGNORED, LISTEN_PUBLIC, LOGS, NAMESPACES, NO_DEPS, NO_PORT, NO_RECOVER, NO_WAIT, NO_WATCH, PORT,
    PORT_STEP, PROCESSES, PROCFILE, PROFILES, PUBLISH, ROOT, SHELL, STOP_SIGNALS, TIMEOUT, TIMESTAMPS, TITLE,
    TMUX_CONFIG, joined,
};

/// The flags that were typed, by their ids; names count as `-l`.
pub fn typed(args: &StartArgs) -> Vec<(&'static str, String)> {
    let names = if args.names.is_empty() {
        &args.processes
    } else {
        &args.names
    };
    let lists = [
        (&PROCFILE, &args.procfile),
        (&ENV, &args.env),
        (&PROCESSES, names),
        (&NAMESPACES, &args.namespace),
        (&PROFILES, &args.profile),
        (&IGNORED, &args.ignored_processes),
        (&FORMATION, &args.formation),
        (&CAN_DIE, &args.can_die),
        (&AUTO_RESTART, &args.auto_restart),
        (&STOP_SIGNALS, &args.stop_signals),
        (&COLORS, &args.colors),
    ];
    let texts = [
        (&ROOT, &args.root),
        (&TITLE, &args.title),
        (&SHELL, &args.shell),
        (&PORT, &args.port),
        (&PORT_STEP, &args.port_step),
        (&FORMATION_PORT_STEP, &args.formation_port_step),
        (&TIMEOUT, &args.timeout),
        (&LOGS, &args.logs),
        (&PUBLISH, &args.publish),
        (&TMUX_CONFIG, &args.tmux_config),
    ];
    let switches = [
        (&NO_DEPS, args.no_deps),
        (&NO_PORT, args.no_port),
        (&ANY_CAN_DIE, args.any_can_die),
        (&TIMESTAMPS, args.show_timestamps),
        (&DAEMONIZE, args.daemonize),
        (&FRESH, args.fresh),
        (&NO_RECOVER, args.no_recover),
        (&NO_WATCH, args.no_watch),
        (&NO_WAIT, args.no_wait),
        (&LISTEN_PUBLIC, args.listen_public),
    ];
    let lists = lists
        .into_iter()
        .map(|(setting, typed)| (setting.id, joined(typed)));
    let texts = texts
        .into_iter()
        .map(|(setting, typed)| (setting.id, typed.clone()));
    let switches = switches
        .into_iter()
        .map(|(setting, typed)| (setting.id, typed.map(|on| on.to_string())));
    let all = lists.chain(texts).chain(switches);
    all.filter_map(|(id, typed)| Some((id, typed?))).collect()
}
