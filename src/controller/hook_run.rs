//! One run of a hook: its process, what it prints, and its end with all it has started.

use super::adopt::pid_of;
use super::hooks::{HookId, TIMEOUT};
use crate::model::{Exit, Signal};
use crate::platform::open_files;
use crate::shim::tree;
use rustix::process::{Signal as SystemSignal, kill_process_group};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{io, thread};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

/// As many lines of one run are shown.
const MOST_LINES: usize = 50;
/// And as many bytes of each.
const LONGEST_LINE: usize = 1000;

/// What to run.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) argv: Vec<String>,
    pub(super) cwd: PathBuf,
    /// All of its environment; of two of one name, the last counts.
    pub(super) env: Vec<(String, String)>,
}

/// What a run has to say.
#[derive(Debug)]
pub(super) enum HookNews {
    Line(HookId, Vec<u8>),
    Ended(HookId, Ended),
}

/// How a run ended.
#[derive(Debug)]
pub(super) enum Ended {
    Exit(Exit),
    NotStarted(io::Error),
    TimedOut,
    /// The session's end cut it short.
    WithSession,
}

/// A run at work.
#[derive(Debug)]
pub(super) struct Running {
    /// `None` when it has been told to end.
    stop: Option<oneshot::Sender<()>>,
    /// What all its processes carry in their environment.
    token: String,
}

impl Running {
    /// Tells it to end at once.
    pub(super) fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may be over.
            stop.send(()).ok();
        }
    }

    /// Ends all of it, and returns when that is done.
    pub(super) fn end_now(self) {
        tree::end_all(&self.token, 0);
    }
}

impl Job {
    /// Starts it; its end is told in any case.
    pub(super) fn start(self, id: HookId, news: UnboundedSender<HookNews>) -> Running {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let token = format!("hook-{}-{number}", std::process::id());
        let (stop, stopped) = oneshot::channel();
        let run = Run {
            id,
            token: token.clone(),
            news,
        };
        tokio::spawn(run.go(self, stopped));
        Running {
            stop: Some(stop),
            token,
        }
    }

    fn spawn(&self, token: &str) -> io::Result<(Child, pipe::Receiver)> {
        let Some((program, arguments)) = self.argv.split_first() else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        // One pipe for both, so that what it prints keeps its order.
        let (read, write) = io::pipe()?;
        let mut command = std::process::Command::new(program);
        open_files::give_back(&mut command);
        command
            .args(arguments)
            .current_dir(&self.cwd)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .env(tree::TOKEN_VARIABLE, token)
            .stdin(Stdio::null())
            .stdout(write.try_clone()?)
            .stderr(write)
            .process_group(0);
        // With its ends of the pipe, which so close with it.
        let child = Command::from(command).spawn()?;
        Ok((child, pipe::Receiver::from_owned_fd(read.into())?))
    }
}

/// The run, from within its task.
struct Run {
    id: HookId,
    token: String,
    news: UnboundedSender<HookNews>,
}

impl Run {
    async fn go(self, job: Job, stopped: oneshot::Receiver<()>) {
        let ended = match job.spawn(&self.token) {
            Ok((child, output)) => self.attend(child, output, stopped).await,
            Err(error) => Ended::NotStarted(error),
        };
        self.tell(HookNews::Ended(self.id, ended));
    }

    async fn attend(
        &self,
        mut child: Child,
        output: pipe::Receiver,
        stopped: oneshot::Receiver<()>,
    ) -> Ended {
        let pid = child.id();
        let mut lines = Lines::default();
        let ended = {
            let listening = self.listen(output, &mut lines);
            tokio::pin!(listening);
            let stopped = async {
                // A sender that is dropped is the session's end, too.
                stopped.await.ok();
            };
            tokio::select! {
                status = wait(&mut child, listening.as_mut()) => Ended::from(status),
                () = stopped => Ended::WithSession,
                () = tokio::time::sleep(TIMEOUT) => Ended::TimedOut,
            }
        };
        match ended {
            Ended::WithSession | Ended::TimedOut => {
                self.end_tree(pid);
                // Only its end is waited for: it has been sent SIGKILL.
                child.wait().await.ok();
            }
            Ended::Exit(_) | Ended::NotStarted(_) => {}
        }
        lines.end(|line| self.tell(HookNews::Line(self.id, line)));
        ended
    }

    /// Reads what it prints for as long as anybody may print.
    async fn listen(&self, mut output: pipe::Receiver, lines: &mut Lines) {
        let mut buffer = [0; 4096];
        loop {
            match output.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(count) => lines.feed(&buffer[..count], |line| self.tell(HookNews::Line(self.id, line))),
            }
        }
    }

    /// The group at once; whoever left it, on a thread that may block.
    fn end_tree(&self, pid: Option<u32>) {
        if let Some(group) = pid.and_then(pid_of) {
            // It may have ended this moment.
            kill_process_group(group, SystemSignal::KILL).ok();
        }
        let token = self.token.clone();
        // Without a thread, the group is all that is ended.
        drop(thread::Builder::new().spawn(move || tree::end_all(&token, 0)));
    }

    fn tell(&self, news: HookNews) {
        // Nobody listens any more when the session is over.
        drop(self.news.send(news));
    }
}

/// Its exit, with what it has printed until then. What it leaves running in the background is not waited for,
/// even if that holds the pipe.
async fn wait(
    child: &mut Child,
    mut listening: std::pin::Pin<&mut impl Future<Output = ()>>,
) -> io::Result<ExitStatus> {
    let status = tokio::select! {
        status = child.wait() => status,
        () = &mut listening => return child.wait().await,
    };
    // What is in the pipe is read without waiting for more.
    tokio::select! {
        biased;
        () = listening => {}
        () = tokio::task::yield_now() => {}
    }
    status
}

impl From<io::Result<ExitStatus>> for Ended {
    fn from(status: io::Result<ExitStatus>) -> Self {
        match status {
            Ok(status) => Self::Exit(match (status.code(), status.signal()) {
                (Some(code), _) => Exit::Code(code),
                (None, signal) => Exit::Signal(signal.and_then(Signal::from_number).unwrap_or(Signal::KILL)),
            }),
            Err(error) => Self::NotStarted(error),
        }
    }
}

/// Lines out of what is read, as many as are shown.
#[derive(Debug, Default)]
struct Lines {
    open: Vec<u8>,
    told: usize,
    left_out: usize,
}

impl Lines {
    fn feed(&mut self, bytes: &[u8], mut tell: impl FnMut(Vec<u8>)) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, is_whole) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            let room = LONGEST_LINE.saturating_sub(self.open.len());
            self.open.extend_from_slice(&text[..text.len().min(room)]);
            if is_whole {
                self.close(&mut tell);
            }
        }
    }

    fn close(&mut self, tell: &mut impl FnMut(Vec<u8>)) {
        let line = std::mem::take(&mut self.open);
        if self.told < MOST_LINES {
            self.told += 1;
            tell(line);
        } else {
            self.left_out += 1;
        }
    }

    fn end(mut self, mut tell: impl FnMut(Vec<u8>)) {
        if !self.open.is_empty() {
            self.close(&mut tell);
        }
        if self.left_out > 0 {
            let noun = if self.left_out == 1 { "line" } else { "lines" };
            tell(format!("… {} more {noun} left out", self.left_out).into_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ended, HookNews, Job, LONGEST_LINE, Lines, MOST_LINES};
    use crate::controller::hooks::Kind;
    use crate::model::{Exit, InstanceId};
    use std::time::Duration;
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    fn job(script: &str) -> Job {
        Job {
            argv: vec!["/bin/sh".into(), "-c".into(), script.into()],
            cwd: "/".into(),
            env: vec![
                ("PATH".into(), "/usr/bin:/bin".into()),
                ("OVR_EVENT".into(), "service's own".into()),
                ("OVR_EVENT".into(), "exit".into()),
            ],
        }
    }

    async fn outcome(news: &mut UnboundedReceiver<HookNews>) -> (Vec<String>, Ended) {
        let mut lines = Vec::new();
        loop {
            match tokio::time::timeout(Duration::from_secs(20), news.recv())
                .await
                .unwrap()
                .unwrap()
            {
                HookNews::Line(_, line) => lines.push(String::from_utf8(line).unwrap()),
                HookNews::Ended(_, ended) => return (lines, ended),
            }
        }
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(future)
    }

    fn run(job: Job) -> (Vec<String>, Ended) {
        block_on(async {
            let (sender, mut news) = unbounded_channel();
            let _running = job.start((InstanceId(0), Kind::Exit), sender);
            outcome(&mut news).await
        })
    }

    #[test]
    fn a_hook_has_its_environment_no_input_and_its_lines_in_order() {
        let (lines, ended) = run(job("echo $OVR_EVENT; cat; echo two >&2; printf three; exit 4"));
        assert_eq!(lines, ["exit", "two", "three"]);
        assert!(matches!(ended, Ended::Exit(Exit::Code(4))), "{ended:?}");
    }

    #[test]
    fn what_a_hook_leaves_in_the_background_is_not_waited_for() {
        let (lines, ended) = run(job("sleep 1000 & echo $!"));
        let pid: i32 = lines[0].parse().unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        assert!(matches!(ended, Ended::Exit(Exit::Code(0))), "{ended:?}");
    }

    #[test]
    fn a_program_that_is_not_there_is_told() {
        let missing = Job {
            argv: vec!["/no/such/program".into()],
            ..job("")
        };
        let (_, ended) = run(missing);
        assert!(matches!(ended, Ended::NotStarted(_)), "{ended:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_hook_that_is_told_to_end_goes_with_all_it_has_started() {
        block_on(async {
            let (sender, mut news) = unbounded_channel();
            let script = "setsid sleep 1000 & echo $!; trap '' TERM INT; wait";
            let mut running = job(script).start((InstanceId(0), Kind::Exit), sender);
            let Some(HookNews::Line(_, line)) = news.recv().await else {
                panic!("its first line is its background process");
            };
            let pid = String::from_utf8(line).unwrap();
            running.end();
            let (_, ended) = outcome(&mut news).await;
            assert!(matches!(ended, Ended::WithSession), "{ended:?}");
            running.end_now();
            let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            assert!(command.is_empty(), "pid {pid} is still there");
        });
    }

    #[test]
    fn a_chatty_hook_is_cut_short_and_what_is_missing_is_counted() {
        let mut told = Vec::new();
        let mut lines = Lines::default();
        lines.feed(&vec![b'x'; 3 * LONGEST_LINE], |line| told.push(line));
        for _ in 0..MOST_LINES + 6 {
            lines.feed(b"\n", |line| told.push(line));
        }
        lines.end(|line| told.push(line));
        assert_eq!(told.len(), MOST_LINES + 1);
        assert_eq!(told[0].len(), LONGEST_LINE);
        assert_eq!(told[MOST_LINES], "… 6 more lines left out".as_bytes());
    }
}
