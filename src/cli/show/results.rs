//! What became of a request: one line a service.

use crate::api::messages::{ActionResult, Outcome, Results};
use crate::cli::style::{Paint, pad, plain, quoted, width};
use crate::model::time_text;
use std::time::Duration;

/// The lines of `results`, in its order. A service that failed is followed by its last lines.
pub fn results(results: &Results, paint: Paint) -> String {
    let names: Vec<String> = results.results.iter().map(|r| plain(&r.name)).collect();
    let widest = names.iter().map(|name| width(name)).max().unwrap_or(0);
    results
        .results
        .iter()
        .zip(&names)
        .map(|(result, name)| line(result, name, widest, paint))
        .collect()
}

fn line(result: &ActionResult, name: &str, widest: usize, paint: Paint) -> String {
    let sentence = |text: &str| format!("{name} {text}");
    let pid = |pid: Option<u32>| pid.map(|pid| format!("pid {pid}"));
    let took = Some(time_text::duration(Duration::from_millis(result.elapsed_ms)));
    let (head, facts) = match result.outcome {
        Outcome::Started => (verb("started", name, widest, paint), vec![pid(result.pid)]),
        Outcome::AlreadyRunning => (sentence("is already running"), vec![pid(result.pid)]),
        Outcome::Restarted => (
            verb("restarted", name, widest, paint),
            vec![change(result.old_pid, result.pid), took],
        ),
        Outcome::Stopped => (
            verb("stopped", name, widest, paint),
            vec![pid(result.old_pid), end(result), took],
        ),
        Outcome::Killed => (
            verb("killed", name, widest, paint),
            vec![pid(result.old_pid), end(result), took],
        ),
        Outcome::AlreadyStopped => (sentence("is already stopped"), vec![]),
        Outcome::Signalled => (verb("signalled", name, widest, paint), vec![pid(result.pid)]),
        Outcome::NotRunning => (sentence("is not running"), vec![]),
        Outcome::Accepted => (sentence("has been asked; nobody waits for it"), vec![]),
        Outcome::Failed if result.not_yet => (sentence("is not ready yet"), vec![]),
        Outcome::Failed => (format!("{} {name}", paint.red("failed")), vec![end(result)]),
        Outcome::Overruled => (sentence("was asked for something else meanwhile"), vec![]),
    };
    let mut out = head;
    for fact in facts.into_iter().flatten() {
        out.push_str("  ");
        out.push_str(&fact);
    }
    if let Some(message) = &result.message {
        out.push_str(": ");
        out.push_str(&plain(message));
    }
    out = out.trim_end().to_owned();
    out.push('\n');
    for last in &result.last_lines {
        out.push_str("  │ ");
        out.push_str(&quoted(last));
        out.push('\n');
    }
    out
}

/// What is known of a result besides its outcome, each part behind two blanks, and its sentence.
pub fn facts(result: &ActionResult) -> String {
    let pid = |pid: Option<u32>| pid.map(|pid| format!("pid {pid}"));
    let took = Some(time_text::duration(Duration::from_millis(result.elapsed_ms)));
    let facts = match result.outcome {
        Outcome::Started | Outcome::AlreadyRunning => vec![pid(result.pid)],
        Outcome::Restarted => vec![change(result.old_pid, result.pid), took],
        Outcome::Stopped | Outcome::Killed => vec![pid(result.old_pid), end(result), took],
        Outcome::Failed => vec![end(result)],
        Outcome::AlreadyStopped
        | Outcome::Signalled
        | Outcome::NotRunning
        | Outcome::Accepted
        | Outcome::Overruled => vec![],
    };
    let mut out = String::new();
    for fact in facts.into_iter().flatten() {
        out.push_str("  ");
        out.push_str(&fact);
    }
    if let Some(message) = &result.message {
        out = out.trim_end().to_owned();
        out.push_str(": ");
        out.push_str(&plain(message));
    }
    out
}

fn verb(verb: &str, name: &str, widest: usize, paint: Paint) -> String {
    format!("{} {}", paint.green(verb), pad(name, widest))
}

fn change(old: Option<u32>, new: Option<u32>) -> Option<String> {
    match (old, new) {
        (Some(old), Some(new)) => Some(format!("pid {old} → {new}")),
        (None, Some(new)) => Some(format!("pid {new}")),
        (Some(_) | None, None) => None,
    }
}

fn end(result: &ActionResult) -> Option<String> {
    match (&result.exit_signal, result.exit_code) {
        (Some(signal), _) => Some(plain(signal)),
        (None, Some(code)) => Some(format!("code {code}")),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::results;
    use crate::api::messages::{ActionResult, Outcome, Results, SCHEMA};
    use crate::cli::style::Paint;

    fn result(name: &str, outcome: Outcome) -> ActionResult {
        ActionResult {
            name: name.to_owned(),
            outcome,
            old_pid: None,
            pid: None,
            exit_code: None,
            exit_signal: None,
            elapsed_ms: 12,
            message: None,
            last_lines: Vec::new(),
            not_yet: false,
        }
    }

    fn shown(list: Vec<ActionResult>) -> String {
        let list = Results {
            schema: SCHEMA,
            results: list,
        };
        results(&list, Paint::PLAIN)
    }

    #[test]
    fn each_outcome_has_its_sentence() {
        let mut restarted = result("api", Outcome::Restarted);
        (restarted.old_pid, restarted.pid) = (Some(123), Some(456));
        assert_eq!(shown(vec![restarted]), "restarted api  pid 123 → 456  12 ms\n");

        let mut stopped = result("worker", Outcome::Stopped);
        (stopped.old_pid, stopped.exit_signal, stopped.elapsed_ms) = (Some(123), Some("SIGINT".into()), 8);
        assert_eq!(shown(vec![stopped]), "stopped worker  pid 123  SIGINT  8 ms\n");

        let mut started = result("worker", Outcome::Started);
        started.pid = Some(5);
        assert_eq!(shown(vec![started]), "started worker  pid 5\n");

        assert_eq!(
            shown(vec![result("worker", Outcome::AlreadyStopped)]),
            "worker is already stopped\n"
        );
        assert_eq!(
            shown(vec![result("w", Outcome::NotRunning)]),
            "w is not running\n"
        );
    }

    #[test]
    fn a_failure_shows_its_reason_and_last_lines() {
        let mut failed = result("api", Outcome::Failed);
        failed.exit_code = Some(3);
        failed.message = Some("ended 40 ms after its start".into());
        failed.last_lines = vec!["Traceback".into(), "\x1b[31mKeyError\x1b[0m".into()];
        assert_eq!(
            shown(vec![failed]),
            "failed api  code 3: ended 40 ms after its start\n  │ Traceback\n  │ KeyError\n"
        );
    }

    #[test]
    fn the_facts_of_several_services_stand_below_each_other() {
        let mut first = result("a", Outcome::Started);
        first.pid = Some(1);
        let mut second = result("worker#2", Outcome::Started);
        second.pid = Some(2);
        assert_eq!(
            shown(vec![first, second]),
            "started a         pid 1\nstarted worker#2  pid 2\n"
        );
    }
}
