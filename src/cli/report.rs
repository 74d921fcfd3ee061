//! How a [`Diagnostic`] reaches the user: on standard error, coloured on a terminal or as JSON where the command
//! was asked for that, and as an exit code. The layout is the diagnostic's own; here it only gets its colours.

use super::style::Paint;
use crate::api::messages::{ErrorBody, ErrorDetail};
use crate::diag::{Diagnostic, Kind, Severity};
use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// The command was asked for JSON.
static IN_JSON: AtomicBool = AtomicBool::new(false);
/// A session prints to the terminal.
static LEFT: AtomicBool = AtomicBool::new(false);

/// From here on, tells errors and warnings as JSON: one object a line, still on standard error.
pub fn speak_json() {
    IN_JSON.store(true, Ordering::Relaxed);
}

/// From here on the terminal is the session's output's, which is not to be written into.
pub fn leave_terminal() {
    LEFT.store(true, Ordering::Relaxed);
}

/// Whether somebody sits at standard error who is told in words what goes on.
pub fn is_heard() -> bool {
    let silent = IN_JSON.load(Ordering::Relaxed) || LEFT.load(Ordering::Relaxed);
    !silent && std::io::stderr().is_terminal()
}

/// Prints `diagnostic` and answers with its exit code.
pub fn report(diagnostic: &Diagnostic) -> ExitCode {
    print(diagnostic);
    ExitCode::from(diagnostic.kind.exit_code())
}

/// Prints all of them, in order; the exit code is that of the first error (success if all are warnings).
pub fn report_all(diagnostics: &[Diagnostic]) -> ExitCode {
    diagnostics.iter().for_each(print);
    diagnostics
        .iter()
        .find(|diagnostic| diagnostic.severity == Severity::Error)
        .map_or(ExitCode::SUCCESS, |error| ExitCode::from(error.kind.exit_code()))
}

/// Prints `diagnostic` and goes on: for warnings.
pub fn print(diagnostic: &Diagnostic) {
    let text = if IN_JSON.load(Ordering::Relaxed) {
        as_json(diagnostic)
    } else {
        painted(diagnostic, Paint::for_stderr())
    };
    // When standard error is gone there is nobody left to tell.
    writeln!(std::io::stderr().lock(), "{text}").ok();
}

/// `{"error":{"code":…,"message":…,"hints":[…],"causes":[…]}}`, as the API tells it; a warning as `warning`.
fn as_json(diagnostic: &Diagnostic) -> String {
    let body = ErrorBody::from(diagnostic);
    let text = match diagnostic.severity {
        Severity::Error => serde_json::to_string(&body),
        Severity::Warning => serde_json::to_string(&Warning { warning: body.error }),
    };
    text.expect("outputs are plain data")
}

#[derive(serde::Serialize)]
struct Warning {
    warning: ErrorDetail,
}

/// Writes `text` to standard error: what is told meanwhile, and is not the answer.
pub fn print_aside(text: &str) {
    // When standard error is gone there is nobody left to tell.
    std::io::stderr().lock().write_all(text.as_bytes()).ok();
}

/// Writes `text` to standard output. A reader that has gone away (`ovr status | head -1`) is no failure.
pub fn print_out(text: &str) -> Result<(), Diagnostic> {
    write_out(text.as_bytes())
}

/// Writes bytes to standard output, as [`print_out`] does.
pub fn write_out(bytes: &[u8]) -> Result<(), Diagnostic> {
    write_if_read(bytes).map(drop)
}

/// The same for what goes on and on; `false`: the reader has gone away, and with it the reason to.
pub fn write_if_read(bytes: &[u8]) -> Result<bool, Diagnostic> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Diagnostic::error(
            Kind::System,
            format!("cannot write to standard output: {error}"),
        )),
    }
}

/// Writes `value` to standard output as JSON, with a line end.
pub fn print_json<T: serde::Serialize>(value: &T) -> Result<(), Diagnostic> {
    let mut text = serde_json::to_string_pretty(value).expect("outputs are plain data");
    text.push('\n');
    print_out(&text)
}

/// The diagnostic's text with its colours.
pub fn painted(diagnostic: &Diagnostic, paint: Paint) -> String {
    let text = diagnostic.to_string();
    let (heading, colour) = match diagnostic.severity {
        Severity::Warning => ("warning:", "1;33"),
        Severity::Error => ("error:", "1;31"),
    };
    let mut hints = diagnostic.hints.len();
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    // Hints come last, so that a message that happens to hold the word is not taken for one.
    for line in lines.iter_mut().rev() {
        if hints == 0 {
            break;
        }
        if let Some(rest) = line.strip_prefix("  hint: ") {
            *line = format!("  {} {rest}", paint.sgr("36", "hint:"));
            hints -= 1;
        }
    }
    if let Some(rest) = lines[0].strip_prefix(heading) {
        lines[0] = format!("{}{}", paint.sgr(colour, heading), bold_after_blank(rest, paint));
    }
    for line in &mut lines {
        let carets = line.rsplit_once("| ").map(|(_, behind)| behind.trim_start());
        if let Some(carets) = carets.filter(|c| !c.is_empty() && c.chars().all(|c| c == '^')) {
            let gutter = &line[..line.len() - carets.len()];
            *line = format!("{gutter}{}", paint.sgr(colour, carets));
        }
    }
    lines.join("\n")
}

fn bold_after_blank(rest: &str, paint: Paint) -> String {
    match rest.strip_prefix(' ') {
        Some(message) => format!(" {}", paint.bold(message)),
        None => rest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{as_json, painted};
    use crate::cli::style::{Paint, plain};
    use crate::diag::{Diagnostic, Kind, Source, Span};
    use std::sync::Arc;

    fn diagnostic() -> Diagnostic {
        let source = Arc::new(Source::new("Procfile", "web: run\nworkr\n"));
        Diagnostic::error(Kind::Config, "no colon in this line")
            .at(Span {
                source,
                line: 2,
                column: 1,
                length: 5,
            })
            .cause("  hint: a trap")
            .hint("write `name: command`")
    }

    #[test]
    fn in_json_an_error_is_one_line_and_a_warning_is_called_so() {
        let diagnostic = diagnostic();
        assert_eq!(
            as_json(&diagnostic),
            "{\"error\":{\"code\":\"config\",\"message\":\"Procfile:2:1: no colon in this line\",\
             \"hints\":[\"write `name: command`\"],\"causes\":[\"  hint: a trap\"]}}"
        );
        let warning = Diagnostic::warning(Kind::Config, "odd");
        assert!(as_json(&warning).starts_with("{\"warning\":{\"code\":\"config\","));
    }

    #[test]
    fn colours_change_nothing_but_the_colour() {
        let diagnostic = diagnostic();
        assert_eq!(painted(&diagnostic, Paint::PLAIN), diagnostic.to_string());
        let coloured = painted(&diagnostic, Paint::COLOUR);
        let bare: Vec<String> = coloured.lines().map(plain).collect();
        assert_eq!(bare.join("\n"), diagnostic.to_string());
        assert!(coloured.contains("\x1b[1;31merror:\x1b[0m"));
        assert!(coloured.contains("\x1b[1;31m^^^^^\x1b[0m"));
        assert!(coloured.contains("\x1b[36mhint:\x1b[0m write"));
    }
}
