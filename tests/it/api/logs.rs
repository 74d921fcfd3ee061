//! `ovr logs` against an address: kept lines, as on the machine that keeps them.

use crate::harness::Served;
use ovr::model::StateWord;
use serde_json::Value;

const PROCFILE: &str = "count: seq -f 'number %g' 30; until [ -e $OUT/go ]; do sleep 0.02; done; echo number 31; exec sleep 1000\n\
     bad: echo boom; exit 3\n";

fn start() -> Served {
    let served = Served::start_with(PROCFILE, &["--any-can-die"]);
    served.project.wait_running(["count"]);
    served.project.wait_state("bad", StateWord::Failed);
    served.project.wait_until("all to be printed", || {
        served
            .project
            .ovr(&["logs", "count", "--plain"])
            .stdout
            .contains("number 30")
    });
    served
}

#[test]
fn logs_over_tcp_are_those_that_the_machine_itself_shows() {
    let served = start();
    for args in [
        &["logs", "count", "--plain"][..],
        &["logs", "count", "-n", "3"],
        &["logs", "count", "-n", "all", "--plain"],
        &["logs", "--plain", "-n", "3"],
        &["logs", "--plain", "-n", "3", "--since", "2h"],
        &["logs", "count", "--grep", "number 2[89]"],
        &["logs", "count", "--grep", "nothing like it"],
        &["logs", "count", "--reverse", "-n", "4", "--plain"],
        &["logs", "count", "--since", "2h", "--plain"],
        &["logs", "count", "--since", "2001-02-03 04:05:06", "--plain"],
        &["logs", "count", "--max-bytes", "40"],
        &["logs", "count", "-n", "all", "--max-bytes", "40", "--plain"],
        &["logs", "count", "--run", "7"],
        &["logs", "count", "--grep", "[", "--plain"],
        &["logs", "bad"],
        &["logs", "bad", "--plain"],
        &["logs", "cuont"],
        &["logs", "count", "--json"],
        &["logs", "count", "--grep", "number (5|20)$", "-C", "2"],
        &["logs", "--grep", "boom|number (5|7|20)$", "-C", "1", "--plain"],
        &[
            "logs",
            "count",
            "--grep",
            "number (5|20)$",
            "-C",
            "2",
            "--reverse",
        ],
        &["logs", "count", "--grep", "number (5|20)$", "-C", "2", "--json"],
        &["logs", "count", "--until", "0s"],
        &["logs", "count", "--until", "2h", "-n", "5"],
        &["logs", "count", "--until", "2001-02-03"],
        &["logs", "count", "-n", "4", "-T"],
        &["logs", "count", "--grep", "number 7", "-T"],
        &["logs", "count", "--run", "last", "-n", "3"],
        &["logs", "bad", "--run", "1"],
        &["logs", "count", "--run", "last", "--grep", "number 7"],
        &["logs", "count", "--no-prefix", "-n", "2"],
    ] {
        let (near, far) = (served.project.ovr(args), served.ovr(args));
        assert_eq!(
            (&near.stdout, near.code),
            (&far.stdout, far.code),
            "{args:?}\n{far}"
        );
    }
}

#[test]
fn a_reading_over_tcp_goes_on_from_its_cursor_and_a_follower_gets_what_comes() {
    let served = start();
    let read = |args: &[&str]| -> (Vec<String>, Value) {
        let told = served.ovr(&[&["logs", "count", "--json"], args].concat());
        let lines = told.success().stdout.lines();
        let mut objects: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
        let end = objects.pop().unwrap();
        let printed = objects.iter().filter(|line| line["kind"] == "output");
        (
            printed
                .map(|line| line["text"].as_str().unwrap().to_owned())
                .collect(),
            end["cursor"].clone(),
        )
    };
    let (first, cursor) = read(&[]);
    assert_eq!(first.len(), 30);
    let simple = served.cmd(&["logs", "-f", "count", "-n", "1"]).piped();
    simple.wait_for_output("number 30");
    let searching = served
        .cmd(&["logs", "-f", "count", "--grep", "number 3.", "--plain"])
        .piped();
    searching.wait_for_output("number 30");
    std::fs::write(served.project.path("out").join("go"), "").unwrap();
    simple.wait_for_output("number 31");
    searching.wait_for_output("number 31");
    assert_eq!(read(&["--since", cursor.as_str().unwrap()]).0, ["number 31"]);
    served.project.ovr(&["quit"]).success();
    for follower in [&simple, &searching] {
        assert_eq!(follower.wait_exit(), 0, "{}", follower.stderr());
    }
    assert_eq!(searching.plain(), "number 30\nnumber 31\n");
    simple.wait_for_output("the session has ended");
}
