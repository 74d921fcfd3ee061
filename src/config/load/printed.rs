//! Variables whose values commands print (`env_cmds`): the commands are run side by side, once for each reading
//! of the configuration.

use super::super::Checked;
use super::super::environment::{Assignment, Environment, Origin};
use super::super::project::Located;
use super::super::shell::Shell;
use crate::diag::{Diagnostic, Kind};
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a command may take. Process Compose gives it two seconds, which a cold `docker` or `aws` does not
/// keep.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// More than this is no value of a variable.
const MOST: u64 = 1 << 20;

/// How much of what a failed command said is shown.
const LAST_LINES: usize = 5;

/// What a command gave.
struct Answer {
    status: ExitStatus,
    out: Vec<u8>,
    err: Vec<u8>,
}

/// Runs all commands, in `environment` and in `cwd`, and gives each variable what its command has printed,
/// without the white space around it. Every command that fails is an error.
pub fn run_env_cmds(
    commands: &[(String, Located<String>)],
    shell: &Shell<'_>,
    cwd: &Path,
    environment: &Environment,
    patience: Duration,
) -> Checked<Vec<Assignment>> {
    let deadline = Instant::now() + patience;
    // All are begun before the first is waited for.
    let begun: Vec<_> = commands
        .iter()
        .map(|(_, command)| begin(&shell.argv(&command.value), cwd, environment))
        .collect();
    let mut diagnostics = Vec::new();
    let mut assignments = Vec::new();
    for ((name, command), begun) in commands.iter().zip(begun) {
        match begun
            .map_err(|error| vec![error.to_string()])
            .and_then(|running| running.value(deadline, patience))
        {
            Ok(value) => assignments.push(Assignment {
                name: name.clone(),
                value,
                origin: Origin::At(command.span.clone()),
            }),
            Err(causes) => diagnostics.push(failed(name, command, causes)),
        }
    }
    Checked::new(assignments, diagnostics)
}

fn failed(name: &str, command: &Located<String>, causes: Vec<String>) -> Diagnostic {
    let error = Diagnostic::error(
        Kind::Config,
        format!(
            "env_cmds: {name} has no value: `{}` failed",
            first_line(&command.value)
        ),
    )
    .at(command.span.clone());
    causes.into_iter().fold(error, Diagnostic::cause)
}

fn first_line(command: &str) -> &str {
    command.trim().lines().next().unwrap_or_default()
}

/// A command under way.
struct Running {
    group: Option<rustix::process::Pid>,
    answer: mpsc::Receiver<io::Result<Answer>>,
}

fn begin(argv: &[String], cwd: &Path, environment: &Environment) -> io::Result<Running> {
    let (program, arguments) = argv
        .split_first()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "there is no shell to run it"))?;
    let child = Command::new(program)
        .args(arguments)
        .current_dir(cwd)
        .env_clear()
        .envs(environment.pairs())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| io::Error::new(error.kind(), format!("cannot run {program}: {error}")))?;
    let group = i32::try_from(child.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let (say, answer) = mpsc::channel();
    // Ends with the command, or when it is killed.
    thread::spawn(move || say.send(listen(child)));
    Ok(Running { group, answer })
}

/// Reads a command's output to its end and waits for it.
fn listen(mut child: Child) -> io::Result<Answer> {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let err = thread::spawn(move || read(err));
    let out = read(out)?;
    let err = err.join().unwrap_or_else(|_| Ok(Vec::new()))?;
    let status = child.wait()?;
    Ok(Answer { status, out, err })
}

fn read(from: Option<impl Read>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        (&mut from).take(MOST).read_to_end(&mut bytes)?;
        // The rest is read as well: nobody should wait for a reader.
        io::copy(&mut from, &mut io::sink())?;
    }
    Ok(bytes)
}

impl Running {
    /// What the command has printed, or why that is nothing to go by.
    fn value(self, deadline: Instant, patience: Duration) -> Result<String, Vec<String>> {
        let left = deadline.saturating_duration_since(Instant::now());
        let answer = match self.answer.recv_timeout(left) {
            Ok(answer) => answer.map_err(|error| vec![error.to_string()])?,
            Err(RecvTimeoutError::Timeout) => {
                self.kill();
                return Err(vec![format!("it gave no answer within {} s", patience.as_secs())]);
            }
            Err(RecvTimeoutError::Disconnected) => return Err(vec!["it was lost".to_owned()]),
        };
        if !answer.status.success() {
            let mut causes = vec![ended(answer.status)];
            causes.extend(last_lines(&answer.err));
            return Err(causes);
        }
        match String::from_utf8(answer.out) {
            Ok(text) if !text.contains('\0') => Ok(text.trim().to_owned()),
            Ok(_) | Err(_) => Err(vec!["what it printed is no text".to_owned()]),
        }
    }

    fn kill(&self) {
        if let Some(group) = self.group {
            // It may have ended by itself just now.
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
        }
    }
}

fn ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it exited with code {code}"),
        (None, Some(signal)) => format!("it was ended by signal {signal}"),
        (None, None) => "it ended".to_owned(),
    }
}

fn last_lines(said: &[u8]) -> Vec<String> {
    let said = String::from_utf8_lossy(said);
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    last.iter().map(|line| line.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::{PATIENCE, run_env_cmds};
    use crate::config::Checked;
    use crate::config::environment::{Assignment, Environment};
    use crate::config::project::{Located, ShellDef};
    use crate::config::shell::Shell;
    use crate::config::source::{decode, span};
    use std::path::Path;
    use std::time::Duration;

    fn run(commands: &[(&str, &str)], cwd: &Path, patience: Duration) -> Checked<Vec<Assignment>> {
        let commands: Vec<(String, Located<String>)> = commands
            .iter()
            .map(|(name, command)| {
                let source = decode("ovr.yaml", command.as_bytes()).unwrap();
                let located = Located {
                    value: (*command).to_owned(),
                    span: span(&source, 0, command.len()),
                };
                ((*name).to_owned(), located)
            })
            .collect();
        let path = std::env::var("PATH").unwrap();
        let environment = Environment::from_caller([("PATH", path.as_str()), ("A", "from the environment")]);
        let written = ShellDef::default();
        let shell = Shell {
            asked: None,
            written: [&written, &written],
            usual: "sh",
        };
        run_env_cmds(&commands, &shell, cwd, &environment, patience)
    }

    #[test]
    fn each_variable_has_what_its_command_printed() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("port"), " 7474\n\n").unwrap();
        let commands = [("PORT", "cat port"), ("A", "echo \"$A\""), ("NONE", "true")];
        let checked = run(&commands, dir.path(), PATIENCE);
        assert_eq!(checked.diagnostics, []);
        let found: Vec<_> = checked
            .value
            .iter()
            .map(|assignment| (assignment.name.as_str(), assignment.value.as_str()))
            .collect();
        assert_eq!(
            found,
            [("PORT", "7474"), ("A", "from the environment"), ("NONE", "")]
        );
        assert_eq!(checked.value[0].origin.to_string(), "ovr.yaml:1");
    }

    #[test]
    fn commands_run_side_by_side() {
        // Each waits for what the other one makes.
        let dir = tempfile::tempdir().unwrap();
        assert!(
            std::process::Command::new("mkfifo")
                .args([dir.path().join("there"), dir.path().join("back")])
                .status()
                .unwrap()
                .success()
        );
        let commands = [
            ("A", "echo hello >there; cat back"),
            ("B", "cat there; echo goodbye >back"),
        ];
        let values = run(&commands, dir.path(), PATIENCE).value;
        assert_eq!(
            (values[0].value.as_str(), values[1].value.as_str()),
            ("goodbye", "hello")
        );
    }

    #[test]
    fn every_failure_is_told_with_code_and_last_words() {
        let commands = [
            ("A", "echo nope >&2; exit 3"),
            ("B", "echo fine"),
            ("C", "kill -9 $$"),
            ("D", "printf '\\377'"),
        ];
        let checked = run(&commands, Path::new("/"), PATIENCE);
        let told: Vec<String> = checked.diagnostics.iter().map(ToString::to_string).collect();
        assert_eq!(
            told[0],
            "error: ovr.yaml:1:1: env_cmds: A has no value: `echo nope >&2; exit 3` failed\n    \
             |\n  1 | echo nope >&2; exit 3\n    | ^^^^^^^^^^^^^^^^^^^^^\n  \
             because: it exited with code 3\n  because: nope"
        );
        assert!(
            told[1].ends_with("because: it was ended by signal 9"),
            "{}",
            told[1]
        );
        assert!(
            told[2].ends_with("because: what it printed is no text"),
            "{}",
            told[2]
        );
        assert_eq!(checked.value.len(), 1);
    }

    #[test]
    fn a_command_that_never_answers_is_ended() {
        let checked = run(
            &[("A", "sleep 1000 | cat")],
            Path::new("/"),
            Duration::from_millis(50),
        );
        assert_eq!(checked.diagnostics[0].causes, ["it gave no answer within 0 s"]);
    }
}
