//! What tools say, in words for a model: short, without colours or tables, with the next step. Pure.

use crate::api::messages::{Service, Session, Status};
use crate::cli::show::{self, standing::Manner, standing::words};
use crate::cli::style::{plain, push_line};
use crate::diag::{Diagnostic, Kind};
use crate::model::StateWord;
use serde_json::{Map, Value, json};

/// What a model is told when it meets this server.
pub(super) const INSTRUCTIONS: &str = "\
ovr runs this project's services (web servers, workers, databases), each in a terminal of its own, and keeps them \
running when you go. Use these tools instead of ps, lsof, kill, pkill or starting a server yourself: `list` for what \
runs and on which port, `explain` when something is wrong, `logs` for output (pass the cursor back to read on), \
`restart` after a change that needs one, `wait` before you rely on a service. `start` brings the project up. Stop \
only what you were asked to stop. People see the same services with `ovr status` and `ovr connect NAME`.";

/// Where the project stands, in one line. `what` it does: `runs`.
pub(in crate::cli) fn heading(status: &Status, what: &str) -> String {
    let up = |service: &&Service| matches!(service.state, StateWord::Running | StateWord::Daemonized);
    let up = status.services.iter().filter(up).count();
    let Session { project, root, .. } = &status.session;
    let of = show::count(status.services.len(), "service");
    format!(
        "{} in {} {what}: {up} of {of} up{}",
        plain(project),
        plain(root),
        ending(status)
    )
}

/// What else to know of a session that is on its way down.
fn ending(status: &Status) -> &'static str {
    if status.session.ending {
        ". It is ending: a service that ends takes a Procfile's session with it, unless OVR_ANY_CAN_DIE=1 is set"
    } else {
        ""
    }
}

/// `web: running, ready, port 5000, http://127.0.0.1:5000, pid 123, 2 restarts`.
pub(in crate::cli) fn line(service: &Service) -> String {
    let mut facts = vec![words(service, Manner::default())];
    if is_live(service.state) {
        let ready = match service.ready {
            Some(true) if service.assumed => None,
            Some(true) => Some("ready".to_owned()),
            Some(false) if !facts[0].contains("not ready") => Some("not ready".to_owned()),
            Some(false) | None => None,
        };
        facts.extend(ready);
    }
    facts.extend(service.port.map(|port| format!("port {port}")));
    facts.extend(service.url.as_deref().map(plain));
    facts.extend(service.pid.map(|pid| format!("pid {pid}")));
    if service.restarts > 0 && is_live(service.state) {
        facts.push(show::count(service.restarts as usize, "restart"));
    }
    format!("{}: {}", plain(&service.name), facts.join(", "))
}

/// Everything that is known of it.
pub(super) fn facts(service: &Service) -> String {
    let mut out = format!("{}\n", line(service));
    let mut fact = |what: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            push_line(&mut out, &format!("  {what}: {value}"));
        }
    };
    let text = |text: &Option<String>| text.as_deref().map(plain);
    fact("description", text(&service.description));
    fact("since", text(&service.started_at));
    fact("ended", text(&service.ended_at));
    fact("last exit", exit(service));
    fact("port from", text(&service.port_source));
    if !matches!(
        service.state,
        StateWord::Running | StateWord::Pending | StateWord::Skipped
    ) {
        fact("reason", text(&service.reason));
    }
    fact(
        "last probe failure",
        service.probe_failure.as_ref().map(|failure| {
            let (probe, reason) = (plain(&failure.probe), plain(&failure.reason));
            format!("{probe}: {reason} (in a row: {})", failure.failures)
        }),
    );
    fact("says", text(&service.says));
    fact("next run", text(&service.next_run));
    fact("last line", text(&service.last_line));
    fact("command", Some(plain(&service.command)));
    fact("configured in", Some(plain(&service.origin)));
    out
}

fn exit(service: &Service) -> Option<String> {
    match (service.exit_code, &service.exit_signal) {
        (_, Some(signal)) => Some(plain(signal)),
        (Some(code), None) => Some(format!("code {code}")),
        (None, None) => None,
    }
}

/// What a model can do about a service as it is; `None` where nothing needs to be done.
pub(super) fn next_step(service: &Service) -> Option<String> {
    let name = plain(&service.name);
    if service.waits_for_input {
        return Some(format!(
            "{name} asks a question in its terminal; a person answers it with: ovr connect {name}"
        ));
    }
    match service.state {
        StateWord::Failed | StateWord::Backoff => Some(format!(
            "read its last run with logs (names [\"{name}\"]), mend the cause, then restart it"
        )),
        StateWord::Skipped => {
            Some("mend what it needs, then start it; explain says more about each".to_owned())
        }
        StateWord::Pending => {
            Some("it starts by itself once what it waits for is there; explain that one".to_owned())
        }
        StateWord::Stopped | StateWord::Disabled => {
            Some(format!("somebody has to ask for it: start (names [\"{name}\"])"))
        }
        StateWord::Starting | StateWord::Restarting | StateWord::Stopping => {
            Some(format!("wait (names [\"{name}\"]) returns when it is over"))
        }
        StateWord::Running if service.ready == Some(false) => Some(format!(
            "it runs and is not ready; wait (names [\"{name}\"]), or read its logs"
        )),
        StateWord::Running | StateWord::Daemonized | StateWord::Exited | StateWord::Scheduled => None,
    }
}

/// The short form of a service, for lists.
pub(super) fn brief(service: &Service) -> Value {
    without_nulls(json!({
        "name": service.name,
        "state": service.state,
        "ready": service.ready,
        "port": service.port,
        "url": service.url,
        "pid": service.pid,
        "restarts": (service.restarts > 0).then_some(service.restarts),
        "exit_code": service.exit_code,
        "exit_signal": service.exit_signal,
        "reason": service.reason,
        "waits_for_input": service.waits_for_input.then_some(true),
        "needs_attention": service.needs_attention.then_some(true),
    }))
}

/// What is not known is not told: every word costs the model.
pub(super) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let known = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                known
                    .map(|(name, value)| (name, without_nulls(value)))
                    .collect::<Map<_, _>>(),
            )
        }
        other => other,
    }
}

/// The error with hints that a model can follow, where they would be commands for a person's terminal.
pub(super) fn for_model(error: &Diagnostic, is_remote: bool) -> Diagnostic {
    let mut error = error.clone();
    match error.kind {
        Kind::NotRunning if is_remote => {
            error.hints.clear();
            error.hint("it has to be started on its own machine, which is a person's to do")
        }
        Kind::NotRunning => {
            error.hints.retain(|hint| !hint.contains("ovr "));
            error.hint("the start tool brings the project up; the list tool shows what is configured")
        }
        Kind::NoConfig => {
            error.hint("this server looks after the project in its working directory, or in `ovr mcp -d DIR`")
        }
        Kind::Usage
        | Kind::NoSuchService
        | Kind::Config
        | Kind::AlreadyRunning
        | Kind::Tmux
        | Kind::NoTerminal
        | Kind::ServiceFailed
        | Kind::Timeout
        | Kind::NotAllowed
        | Kind::System => error,
    }
}

fn is_live(state: StateWord) -> bool {
    matches!(
        state,
        StateWord::Running | StateWord::Daemonized | StateWord::Starting
    )
}
