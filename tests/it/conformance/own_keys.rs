//! Keys that `ovr.yaml` has over Process Compose, and kinds of processes: `docs/process-compose.md`.

use super::{composed, configured, free_port};
use ovr::model::StateWord;
use std::io::Read;
use std::net::TcpStream;

/// Answers every connection on the socket that it was handed with its pid.
const HANDED: &str = "#!/usr/bin/env python3
import os, socket
server = socket.socket(fileno=3)
assert os.environ['LISTEN_FDS'] == '1' and int(os.environ['LISTEN_PID']) == os.getpid()
open(os.environ['OUT'] + '/up', 'a').write(f'{os.getpid()}\\n')
while True:
    client, _ = server.accept()
    client.sendall(b'ok')
    client.close()
";

#[test]
fn listen_refuses_none_of_1000_requests_during_ten_restarts() {
    let port = free_port();
    let project = configured(&format!(
        "  web: {{ command: exec handed, listen: ['127.0.0.1:{port}'] }}\n"
    ))
    .script("handed", HANDED);
    project.start_detached(&[]);
    project.wait_out("up");
    let asked = std::thread::spawn(move || {
        (0..1000)
            .map(|_| {
                let mut answer = String::new();
                let mut stream = TcpStream::connect(("127.0.0.1", port))?;
                std::thread::sleep(std::time::Duration::from_millis(1));
                match stream.read_to_string(&mut answer) {
                    Ok(_) | Err(_) => Ok(answer == "ok"),
                }
            })
            .collect::<std::io::Result<Vec<bool>>>()
    });
    for restarts in 1..=10 {
        project.ovr(&["restart", "web"]).success();
        project.wait_until("its server to be up", || project.out("up").lines().count() > restarts);
    }
    let answers = asked.join().unwrap().expect("no connection is refused");
    assert_eq!(answers.len(), 1000);
    assert_eq!(project.out("up").lines().count(), 11);
}
