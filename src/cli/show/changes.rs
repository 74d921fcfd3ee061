//! What a reload or a scaling came to: one line for each change, and how many were left alone.

use super::results::facts;
use crate::api::messages::{Change, ChangeKind, Outcome, Reloaded};
use crate::cli::style::{Paint, pad, plain, width};

/// The lines of `reloaded`, in its order. A service that failed is followed by its last lines.
pub fn changes(reloaded: &Reloaded, paint: Paint) -> String {
    let widest = reloaded
        .changes
        .iter()
        .map(|change| width(&plain(&change.name)))
        .max();
    let mut out: String = reloaded
        .changes
        .iter()
        .map(|change| line(change, widest.unwrap_or(0), paint))
        .collect();
    out.extend(["kept ", &reloaded.kept.to_string(), "\n"]);
    out
}

fn line(change: &Change, widest: usize, paint: Paint) -> String {
    let failed = change
        .result
        .as_ref()
        .is_some_and(|result| result.outcome == Outcome::Failed);
    let verb = match change.kind {
        _ if failed => paint.red("failed"),
        ChangeKind::Added => paint.green("added"),
        ChangeKind::Removed => paint.green("removed"),
        ChangeKind::Restarted => paint.green("restarted"),
        ChangeKind::Changed => paint.green("changed"),
    };
    let mut out = format!("{verb} {}", pad(&plain(&change.name), widest));
    if let Some(why) = &change.why {
        out.extend(["  (", &plain(why), ")"]);
    }
    if let Some(result) = &change.result {
        let facts = facts(result);
        if facts.starts_with(':') {
            out.truncate(out.trim_end().len());
        }
        out.push_str(&facts);
    }
    out = out.trim_end().to_owned();
    out.push('\n');
    for last in change.result.iter().flat_map(|result| &result.last_lines) {
        out.push_str("  │ ");
        out.push_str(&plain(last));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::changes;
    use crate::api::messages::{ActionResult, Change, ChangeKind, Outcome, Reloaded};
    use crate::cli::style::Paint;

    fn result(outcome: Outcome) -> ActionResult {
        ActionResult {
            name: "web".to_owned(),
            outcome,
            old_pid: Some(10),
            pid: Some(20),
            exit_code: None,
            exit_signal: None,
            elapsed_ms: 12,
            message: None,
            last_lines: Vec::new(),
            not_yet: false,
        }
    }

    #[test]
    fn each_change_is_a_line_and_what_was_kept_is_a_number() {
        let change = |name: &str, kind, why: Option<&str>, result| Change {
            name: name.to_owned(),
            kind,
            why: why.map(str::to_owned),
            result,
        };
        let mut failed = result(Outcome::Failed);
        failed.message = Some("no such program".to_owned());
        failed.last_lines = vec!["oh".to_owned()];
        let reloaded = Reloaded {
            schema: 1,
            changes: vec![
                change(
                    "web",
                    ChangeKind::Restarted,
                    Some("command changed"),
                    Some(result(Outcome::Restarted)),
                ),
                change("worker", ChangeKind::Changed, Some("its rules changed"), None),
                change("bad", ChangeKind::Added, None, Some(failed)),
            ],
            kept: 3,
        };
        assert_eq!(
            changes(&reloaded, Paint::PLAIN),
            "restarted web     (command changed)  pid 10 → 20  12 ms\n\
             changed worker  (its rules changed)\n\
             failed bad: no such program\n  │ oh\nkept 3\n"
        );
    }
}
