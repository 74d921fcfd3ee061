//! What a run is handed beside its terminal: sockets that outlive it, a socket to say things on, limits.

use crate::harness::{Pane, patient};
use crate::processes::wait_until;
use ovr::model::{Launch, Limits, Listen, ListenAddress, RunId};
use ovr::shim::protocol::{Order, Report};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Answers each connection on its inherited socket with its own pid, and makes the socket non-blocking as many
/// servers do.
const SERVER: &str = r#"
import os, select, signal, socket, sys
idle = over = False
def end(*_):
    global over
    over = True
    if idle: sys.exit(0)
signal.signal(signal.SIGINT, end)
assert os.environ["LISTEN_PID"] == str(os.getpid()), os.environ["LISTEN_PID"]
assert os.environ["LISTEN_FDS"] == "1" and os.environ["LISTEN_FDNAMES"] == "http"
listener = socket.socket(fileno=3)
if not listener.getblocking(): print("not blocking")
os.set_blocking(3, False)
print("up", os.getpid())
while not over:
    idle = True
    select.select([listener], [], [])
    idle = False
    connection, _ = listener.accept()
    connection.recv(100)
    connection.sendall(b"%d" % os.getpid())
    connection.close()
"#;

pub(crate) fn python(pane: &Pane, script: &str) -> Launch {
    // Python sees to a signal between two steps of its own: one that comes just before it waits for input is not seen.
    let script = format!("import signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\n{script}");
    let mut launch = pane.launch(&["python3", "-u", "-c", &script]);
    let path = std::env::var("PATH").unwrap();
    launch.env = [("PATH".into(), path)].into_iter().collect();
    launch
}

/// An address that was free a moment ago.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn listen(address: SocketAddr) -> Vec<Listen> {
    vec![Listen {
        address: ListenAddress::Tcp(address),
        name: "http".into(),
    }]
}

fn ask(address: SocketAddr) -> std::io::Result<u32> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"?")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.parse().expect("an answer is a pid"))
}

#[test]
fn a_thousand_requests_during_ten_restarts_are_all_answered() {
    let mut pane = Pane::open();
    let address = free_address();
    let launch = Launch {
        listen: listen(address),
        ..python(&pane, SERVER)
    };
    let (answered, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let mut pids = vec![pane.run_launch(1, launch.clone(), patient())];
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) || answered.load(Ordering::SeqCst) < 1000 {
                    ask(address).expect("no request is refused or cut off");
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        for run in 2..=11 {
            let so_far = answered.load(Ordering::SeqCst);
            pane.wait_for(format!("up {}", pids.last().unwrap()));
            wait_until(|| answered.load(Ordering::SeqCst) >= so_far + 50);
            pane.stop(run - 1, patient());
            pane.ended(run - 1);
            pids.push(pane.run_launch(run, launch.clone(), patient()));
        }
        over.store(true, Ordering::SeqCst);
    });
    assert!(answered.load(Ordering::SeqCst) >= 1000);
    assert_eq!(ask(address).unwrap(), *pids.last().unwrap());
    for run in 1..=10 {
        assert!(!pane.output_of(run).contains("not blocking"));
    }
    // A new controller finds the same socket at work.
    pane.take_over();
    assert_eq!(pane.hello.live.as_ref().unwrap().launch, launch);
    assert_eq!(ask(address).unwrap(), *pids.last().unwrap());
    pane.close();
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn several_sockets_come_in_their_order_with_their_names() {
    let mut pane = Pane::open();
    let address = free_address();
    let mut launch = pane.launch(&[
        "/bin/sh",
        "-c",
        "echo $LISTEN_FDS $LISTEN_FDNAMES; test $LISTEN_PID = $$ && for n in 3 4 5; do \
         readlink /proc/self/fd/$n; done; test -e /proc/self/fd/6 || echo no more",
    ]);
    let local = |name: &str| Listen {
        address: ListenAddress::Unix(format!("{name}.sock").into()),
        name: name.into(),
    };
    let stale = [
        ("PATH", "/usr/bin:/bin"),
        ("LISTEN_PID", "1"),
        ("LISTEN_FDS", "9"),
    ];
    launch.env = stale
        .into_iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    launch.listen = vec![local("a"), listen(address).remove(0), local("b")];
    pane.run_launch(1, launch, patient());
    pane.ended(1);
    let output = pane.output_of(1);
    assert!(output.starts_with("3 a:http:b\r\n"), "{output}");
    assert_eq!(output.matches("socket:").count(), 3, "{output}");
    assert!(output.ends_with("no more\r\n"), "{output}");
    // Without sockets the next run hears nothing of them.
    pane.run(2, "echo \"<$LISTEN_FDS$LISTEN_PID$NOTIFY_SOCKET>\"");
    pane.ended(2);
    assert_eq!(pane.output_of(2), "<>\r\n");
    assert!(!pane.dir.path().join("a.sock").exists());
    pane.close();
}

#[test]
fn a_program_that_does_not_exist_is_named_beside_sockets_too() {
    let mut pane = Pane::open();
    let mut launch = pane.launch(&["no-such-program"]);
    launch.listen = (0..20)
        .map(|number| Listen {
            address: ListenAddress::Unix(format!("{number}.sock").into()),
            name: "x".into(),
        })
        .collect();
    let (run, stop) = (RunId(1), patient());
    pane.order(&Order::Run {
        run,
        launch,
        stop,
        files: None,
    });
    let message = "no-such-program: not found".to_owned();
    assert_eq!(pane.report(), Report::SpawnFailed { run, message });
    pane.close();
}

#[test]
fn an_address_that_somebody_else_has_fails_the_run() {
    let mut pane = Pane::open();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let mut launch = pane.launch(&["/bin/true"]);
    launch.listen = listen(address);
    let (run, stop) = (RunId(1), patient());
    pane.order(&Order::Run {
        run,
        launch: launch.clone(),
        stop,
        files: None,
    });
    let message = format!("address in use: {address}");
    assert_eq!(pane.report(), Report::SpawnFailed { run, message });
    drop(other);
    pane.run_launch(2, launch, patient());
    pane.ended(2);
    pane.close();
}

/// Says `text` on the notification socket.
pub(crate) fn says(text: &str) -> String {
    format!(
        "import os, socket\n\
         s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n\
         s.sendto({text:?}.encode(), os.environ['NOTIFY_SOCKET'])\n"
    )
}

#[test]
fn what_a_service_says_is_passed_on_and_a_new_controller_is_told_of_it() {
    let mut pane = Pane::open();
    let script = format!("{}input()\n{}input()", says("STATUS=loading"), says("READY=1"));
    let launch = Launch {
        notify: true,
        ..python(&pane, &script)
    };
    let run = RunId(1);
    pane.run_launch(1, launch.clone(), patient());
    let text = "STATUS=loading".to_owned();
    assert_eq!(pane.report(), Report::Notify { run, text });
    pane.take_over();
    assert_eq!(pane.hello.live.as_ref().unwrap().told_ready, None);
    pane.type_keys(b"\n");
    let text = "READY=1".to_owned();
    assert_eq!(pane.report(), Report::Notify { run, text });
    pane.take_over();
    assert_eq!(pane.hello.live.as_ref().unwrap().told_ready, Some(true));
    pane.stop(1, patient());
    pane.ended_cleanly_or_not(1);
    // The next run has said nothing yet.
    let silent = Launch {
        notify: true,
        ..python(&pane, "input()")
    };
    pane.run_launch(2, silent, patient());
    pane.take_over();
    assert_eq!(pane.hello.live.as_ref().unwrap().told_ready, None);
    pane.close();
}

#[test]
fn a_grandchild_may_speak_and_a_stranger_and_a_long_talker_may_not() {
    let mut pane = Pane::open();
    let script = format!(
        "import os\nprint(os.environ['NOTIFY_SOCKET'])\ninput()\n{}{}if os.fork() == 0:\n os.setsid()\n {}\n os._exit(0)\n\
         os.wait()\n{}input()",
        says(&"x".repeat(5000)),
        says("A=1"),
        says("B=2").replace('\n', ";"),
        "os.execvp('sh', ['sh', '-c', 'echo done; read x'])\n",
    );
    let launch = Launch {
        notify: true,
        ..python(&pane, &script)
    };
    pane.run_launch(1, launch, patient());
    let shown = pane.wait_for("\r\n");
    let shown = String::from_utf8_lossy(&shown).into_owned();
    let from = shown.find('/').unwrap();
    let path = &shown[from..shown[from..].find('\r').unwrap() + from];
    let stranger = UnixDatagram::unbound().unwrap();
    stranger.send_to(b"READY=1", path).unwrap();
    pane.type_keys(b"\n");
    for text in ["A=1", "B=2"] {
        let (run, text) = (RunId(1), text.to_owned());
        assert_eq!(pane.report(), Report::Notify { run, text });
    }
    pane.wait_for("done");
    pane.stop(1, patient());
    pane.ended_cleanly_or_not(1);
    let path = std::path::PathBuf::from(path);
    assert!(path.exists());
    pane.close();
    assert!(!path.exists());
}

#[test]
fn a_chatterer_holds_nothing_up_while_its_controller_reads_nothing() {
    let mut pane = Pane::open();
    let script = format!(
        "{}for _ in range(20000): s.sendto(b'STATUS=' + b'x' * 1000, os.environ['NOTIFY_SOCKET'])\n\
         s.sendto(b'READY=1', os.environ['NOTIFY_SOCKET'])\nprint('said', 'all')\ninput()",
        says("STATUS=0")
    );
    let launch = Launch {
        notify: true,
        ..python(&pane, &script)
    };
    pane.run_launch(1, launch, patient());
    pane.wait_for("said all");
    let ready = Report::Notify {
        run: RunId(1),
        text: "READY=1".into(),
    };
    while pane.report() != ready {}
    pane.close();
}

#[test]
fn open_files_are_limited_for_the_run_alone() {
    let mut pane = Pane::open();
    let mut launch = pane.launch(&["/bin/sh", "-c", "ulimit -Sn; ulimit -Hn"]);
    launch.limits.nofile = Some(77);
    pane.run_launch(1, launch.clone(), patient());
    pane.ended(1);
    assert_eq!(pane.output_of(1), "77\r\n77\r\n");
    launch.limits = Limits::default();
    pane.run_launch(2, launch, patient());
    pane.ended(2);
    assert!(!pane.output_of(2).contains("77\r\n"));
    pane.close();
}

#[test]
fn memory_is_limited_for_all_processes_or_for_each_and_then_that_is_said() {
    let mut pane = Pane::open();
    let script = "import resource\nprint(resource.getrlimit(resource.RLIMIT_DATA)[0], 'bytes')\ninput()";
    let mut launch = python(&pane, script);
    launch.limits.memory = Some(256 << 20);
    let pid = pane.run_launch(1, launch, patient());
    let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    if groups.contains(&format!("/ovr-{}-1", pane.hello.nonce)) {
        pane.wait_for("-1 bytes");
    } else {
        let Report::Caution {
            run: RunId(1),
            text,
            stuck: false,
        } = pane.report()
        else {
            panic!("a limit that holds only in part is told")
        };
        assert!(
            text.starts_with("limits: memory holds for each process alone"),
            "{text}"
        );
        pane.wait_for(format!("{} bytes", 256 << 20));
    }
    pane.stop(1, patient());
    pane.ended(1);
    pane.close();
}
