//! Whatever nonsense is sent to whatever route.

use super::{DEADLINE, Served, exchange};
use serde_json::Value;
use std::os::unix::net::UnixStream;

#[test]
fn whatever_is_sent_to_whatever_route_is_answered_as_the_clients_mistake() {
    let served = Served::start("web: sleep 1000\n");
    let [before] = served.project.wait_running(["web"]);
    let socket = format!("{}/api.sock", served.project.status().session.runtime_dir);
    let document: Value = serde_json::from_str(ovr::api::openapi::DOCUMENT).unwrap();
    let long = "x".repeat(20_000);
    let deep = format!("{}1{}", "[".repeat(30_000), "]".repeat(30_000));
    let nested = format!("{{\"names\":{deep}}}");
    let bodies = [
        "{",
        "[]",
        "null",
        "1e999",
        "\"\"",
        "\u{0}",
        &deep,
        &nested,
        r#"{"names":1}"#,
        r#"{"names":[null]}"#,
        r#"{"names":["\u0000"]}"#,
        r#"{"names":["\ud800"]}"#,
        r#"{"counts":{"web":-1}}"#,
        r#"{"counts":{"web":4294967296}}"#,
        r#"{"counts":{"web":1e99}}"#,
        r#"{"counts":{"":1}}"#,
        r#"{"timeout_ms":-1}"#,
        r#"{"timeout_ms":1e300}"#,
        r#"{"signal":""}"#,
        r#"{"signal":"99999999999999999999"}"#,
        r#"{"signal":{}}"#,
        r#"{"no_wait":"yes"}"#,
        r#"{"what":1}"#,
    ];
    let queries = [
        "name=%00",
        "name=%ff%fe",
        "name=",
        "names=%ff",
        "names=,,,",
        "lines=-1",
        "lines=99999999999999999999999",
        "lines=1e9",
        "follow=maybe",
        "color=%F0%9F%92%A9",
        "cols=0&rows=0",
        "cols=70000",
        "what=1",
        "%",
        "&&&==&",
    ];
    let mut requests = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item
            .as_object()
            .unwrap()
            .keys()
            .map(|method| method.to_uppercase())
        {
            if path == "/v1/openapi.json" {
                continue;
            }
            let verbs: &[&str] = if path.contains("{verb}") {
                &["start", "signal", "%00", "%ff", "..%2f..", "\u{e9}", &long]
            } else {
                &[""]
            };
            for verb in verbs {
                let path = path.replace("{verb}", verb);
                for query in queries
                    .iter()
                    .copied()
                    .chain([long.as_str()])
                    .filter(|_| method == "GET")
                {
                    requests.push((format!("{method} {path}?{query}"), ""));
                }
                for body in bodies.iter().filter(|_| method == "POST") {
                    requests.push((format!("{method} {path}"), body));
                }
            }
        }
    }
    assert!(requests.len() > 200, "{}", requests.len());
    for (line, body) in &requests {
        let head = format!(
            "{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let stream = UnixStream::connect(&socket).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let (status, answer) = exchange(stream, head.as_bytes());
        assert!(
            (200..500).contains(&status),
            "{line:.200} {body:.200}: {answer:.500}"
        );
    }
    assert_eq!(
        served.project.wait_running(["web"]),
        [before],
        "nothing of it was taken for a request"
    );
}
