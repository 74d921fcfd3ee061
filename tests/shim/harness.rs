//! Plays tmux and controller for one shim: a pty whose master the test holds, and a socket that the shim
//! connects to. Waits on conditions under a deadline, and looks for leftovers by the process table.

mod window;

use crate::controller::Controller;
use crate::processes::{DEADLINE, send, wait_for_exit, wait_readable, with_token};
use crate::stream::read_along;
use ovr::model::{Launch, RunId, Signal, StopPlan};
use ovr::shim::protocol::{Ended, Hello, Order, Report};
use ovr::shim::wire::encode;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A plan that waits for the service for as long as a test may take.
pub(crate) fn patient() -> StopPlan {
    StopPlan {
        grace: Duration::from_secs(3600),
        ..StopPlan::default()
    }
}

/// A plan that soon kills what has not ended.
pub(crate) fn impatient() -> StopPlan {
    StopPlan {
        grace: Duration::from_millis(50),
        ..StopPlan::default()
    }
}

/// A plan that gives a stop command its time, and what hears the signal behind it as well, on a busy machine too.
pub(crate) fn fair() -> StopPlan {
    StopPlan {
        grace: Duration::from_secs(1),
        ..StopPlan::default()
    }
}

pub(crate) struct Pane {
    pub(crate) dir: tempfile::TempDir,
    listener: UnixListener,
    controller: Option<Controller>,
    shim: Child,
    master: Option<Arc<OwnedFd>>,
    reader: Option<(UnixStream, JoinHandle<()>)>,
    chunks: Receiver<Vec<u8>>,
    output: Vec<u8>,
    pub(crate) hello: Hello,
    status: Option<ExitStatus>,
}

impl Pane {
    /// A window with a shim that has said hello.
    pub(crate) fn open() -> Self {
        Self::open_with(|_| {}, true)
    }

    /// The same; `prepare` may change how the shim is started, and without `listening` no controller is there.
    pub(crate) fn open_with(prepare: impl FnOnce(&mut Command), listening: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("shim.sock");
        let listener = UnixListener::bind(if listening {
            path.clone()
        } else {
            dir.path().join("x")
        })
        .unwrap();
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave = OpenOptions::new().read(true).write(true).open(name).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ovr"));
        command.arg("shim").arg(&path).arg("web").env_clear();
        for (name, value) in [
            ("PATH", "/usr/bin:/bin"),
            ("TERM", "tmux-256color"),
            ("TMUX", "/none,1,0"),
            ("TMUX_PANE", "%7"),
        ] {
            command.env(name, value);
        }
        command.stdin(slave.try_clone().unwrap());
        command.stdout(slave.try_clone().unwrap()).stderr(slave);
        // SAFETY: two system calls, both async-signal-safe.
        unsafe {
            command.pre_exec(|| {
                rustix::process::setsid()?;
                Ok(rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?)
            });
        }
        prepare(&mut command);
        let shim = command.spawn().unwrap();
        drop(command);
        let master = Arc::new(master);
        let (reader, chunks) = read_along(Arc::clone(&master));
        let mut pane = Self {
            hello: Hello {
                version: 0,
                program: String::new(),
                instance: "web".parse().unwrap(),
                pid: shim.id(),
                pane: String::new(),
                nonce: "?".into(),
                live: None,
                last: None,
            },
            dir,
            listener,
            controller: None,
            shim,
            master: Some(master),
            reader: Some(reader),
            chunks,
            output: Vec::new(),
            status: None,
        };
        if listening {
            pane.accept();
        }
        pane
    }

    /// Takes the shim's connection and its hello.
    pub(crate) fn accept(&mut self) {
        wait_readable(&self.listener, DEADLINE).expect("the shim connects");
        let (socket, _) = self.listener.accept().unwrap();
        self.controller = Some(Controller::new(socket));
        match self.report() {
            Report::Hello(hello) => self.hello = *hello,
            other => panic!("hello comes first, not {other:?}"),
        }
    }

    /// A new controller at the socket, which tells the shim so. The one before is gone: as this process's, both would be
    /// one to the shim.
    pub(crate) fn take_over(&mut self) {
        if self.controller.is_some() {
            self.lose_controller();
        }
        self.listen_anew();
        self.call();
        self.accept();
    }

    /// The socket of the controller that is there is another.
    pub(crate) fn listen_anew(&mut self) {
        let path = self.dir.path().join("shim.sock");
        let _absent = fs::remove_file(&path);
        self.listener = UnixListener::bind(path).unwrap();
    }

    /// Tells the shim that a controller is at the socket.
    pub(crate) fn call(&self) {
        self.signal_shim(Signal::from_number(libc::SIGUSR1).unwrap());
    }

    /// The controller goes away. Shut down first: closing alone may be delayed by another test's fork.
    pub(crate) fn lose_controller(&mut self) {
        let controller = self.controller.take().expect("connected");
        controller.socket.shutdown(Shutdown::Both).unwrap();
        fs::remove_file(self.dir.path().join("shim.sock")).unwrap();
    }

    pub(crate) fn order(&mut self, order: &Order) {
        self.send_raw(&encode(order));
    }

    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        let controller = self.controller.as_mut().expect("connected");
        controller.socket.write_all(bytes).unwrap();
    }

    pub(crate) fn launch(&self, argv: &[&str]) -> Launch {
        Launch {
            argv: argv.iter().map(ToString::to_string).collect(),
            cwd: self.dir.path().to_owned(),
            env: [("PATH".into(), "/usr/bin:/bin".into())].into_iter().collect(),
            ..Launch::default()
        }
    }

    pub(crate) fn run_argv(&mut self, run: u64, argv: &[&str], stop: StopPlan) {
        self.order_run(run, self.launch(argv), stop);
    }

    fn order_run(&mut self, run: u64, launch: Launch, stop: StopPlan) {
        self.order(&Order::Run {
            run: RunId(run),
            launch,
            stop,
            files: None,
        });
    }

    /// Starts what a launch says and returns its pid.
    pub(crate) fn run_launch(&mut self, run: u64, launch: Launch, stop: StopPlan) -> u32 {
        self.order_run(run, launch, stop);
        self.spawned(RunId(run))
    }

    /// Starts a shell script and returns its pid.
    pub(crate) fn run(&mut self, run: u64, script: &str) -> u32 {
        self.run_with(run, script, StopPlan::default())
    }

    pub(crate) fn run_with(&mut self, run: u64, script: &str, stop: StopPlan) -> u32 {
        self.run_launch(run, self.launch(&["/bin/sh", "-c", script]), stop)
    }

    fn spawned(&mut self, run: RunId) -> u32 {
        match self.report() {
            Report::Spawned {
                run: started, pid, ..
            } if started == run => pid,
            other => panic!("expected run {run} to start, not {other:?}"),
        }
    }

    pub(crate) fn stop(&mut self, run: u64, plan: StopPlan) {
        let run = RunId(run);
        self.order(&Order::Stop {
            run,
            plan,
            kill: false,
            why: None,
        });
    }

    pub(crate) fn kill(&mut self, run: u64) {
        let (run, plan) = (RunId(run), StopPlan::default());
        self.order(&Order::Stop {
            run,
            plan,
            kill: true,
            why: None,
        });
    }

    /// The next report.
    pub(crate) fn report(&mut self) -> Report {
        let until = Instant::now() + DEADLINE;
        loop {
            let controller = self.controller.as_mut().expect("connected");
            if let Some(report) = controller.reports.pop_front() {
                return report;
            }
            let left = until.saturating_duration_since(Instant::now());
            let ready = wait_readable(&controller.socket, left).is_some();
            assert!(
                ready,
                "no report in time; the window shows:
{}",
                self.shown()
            );
            assert!(
                controller.receive(),
                "the shim hung up; the window shows:\n{}",
                self.shown()
            );
        }
    }

    /// Whether the shim waits at the controller's socket.
    pub(crate) fn is_called(&self) -> bool {
        wait_readable(&self.listener, Duration::ZERO).is_some()
    }

    /// Whether the shim has said nothing so far.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let controller = self.controller.as_mut().expect("connected");
        wait_readable(&controller.socket, Duration::ZERO).is_none() && controller.reports.is_empty()
    }

    /// The next report, which must be the end of this run.
    pub(crate) fn ended(&mut self, run: u64) -> Ended {
        match self.report() {
            Report::Ended(ended) if ended.run == RunId(run) => ended,
            other => panic!(
                "expected the end of run {run}, not {other:?}; shown:\n{}",
                self.shown()
            ),
        }
    }

    /// The same where the main process may be seen to end before those that got the same signal.
    pub(crate) fn ended_cleanly_or_not(&mut self, run: u64) -> Ended {
        match self.report() {
            Report::Ended(ended) if ended.run == RunId(run) => ended,
            Report::Cleaning { .. } => self.ended(run),
            other => panic!("expected the end of run {run}, not {other:?}"),
        }
    }

    /// Closes the window, as tmux does.
    pub(crate) fn hang_up(&mut self) {
        self.stop_reading();
        drop(self.master.take());
    }

    pub(crate) fn shim_pid(&self) -> u32 {
        self.shim.id()
    }

    pub(crate) fn signal_shim(&self, signal: Signal) {
        send(self.shim.id(), signal.number());
    }

    /// Waits for the shim's end.
    pub(crate) fn wait_for_shim(&mut self) -> ExitStatus {
        if self.status.is_none() {
            self.status = Some(wait_for_exit(&mut self.shim));
        }
        self.status.unwrap()
    }

    /// The processes that this shim has started and that are alive, found by their environment.
    pub(crate) fn leftovers(&self) -> Vec<u32> {
        with_token(&self.hello.nonce)
    }

    /// Ends the shim by order and checks that it went well and that nothing is left.
    pub(crate) fn close(mut self) {
        self.order(&Order::Close);
        assert!(self.wait_for_shim().success());
        assert_eq!(self.leftovers(), Vec::<u32>::new());
    }
}

impl Drop for Pane {
    /// A failed test leaves nothing behind either.
    fn drop(&mut self) {
        if self.status.is_none() {
            let _gone = self.shim.kill();
            let _gone = self.shim.wait();
            if self.hello.nonce.len() == 16 {
                ovr::shim::tree::end_all(&self.hello.nonce, self.shim.id());
            }
        }
        self.hang_up();
    }
}
