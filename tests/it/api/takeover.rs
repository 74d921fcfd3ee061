//! Those who follow a session on TCP, while its controller is killed and another one takes over at the same address.

use crate::harness::Served;
use crate::harness::Terminal;
use ovr::model::StateWord;

const PROCFILE: &str = "count: i=0; while :; do i=$((i+1)); until [ -e $OUT/upto-$i ]; do sleep 0.02; done; echo number $i; done\nweb: sleep 1000\n";

impl Served {
    /// Lets the counting service go on to `number`.
    fn count_to(&self, numbers: std::ops::RangeInclusive<u32>) {
        for number in numbers {
            std::fs::write(self.project.path("out").join(format!("upto-{number}")), "").unwrap();
        }
    }
}

#[test]
fn followers_on_tcp_go_on_when_another_controller_takes_over_and_say_so_in_one_line() {
    let served = Served::start(PROCFILE);
    served.count_to(1..=5);
    served.project.wait_service("count", "its fifth line", |count| {
        count.last_line.as_deref() == Some("number 5")
    });
    let logs = served.cmd(&["logs", "-f", "count", "-n", "2"]).piped();
    let searching = served
        .cmd(&["logs", "-f", "count", "--since", "1h", "--grep", "number"])
        .piped();
    let echo = served.cmd(&["echo", "count"]).piped();
    let events = served.cmd(&["events", "-f", "web"]).piped();
    let watching = served.cmd(&["status", "--watch", "--json"]).piped();
    for follower in [&logs, &searching, &echo] {
        follower.wait_for_output("number 5");
    }
    events.wait_for_output("web");
    watching.wait_for_output("\"web\"");
    // What a controller has shown and not written down, the next one finds once more.
    served.ovr(&["logs", "count", "--since", "1h"]).success();
    crate::adoption::kill_controller(&served.project);
    // Nobody sees these before the next one reads them.
    served.count_to(6..=8);
    served.project.start_detached(&[]);
    let followers = [&logs, &searching, &echo, &events];
    for follower in followers {
        follower.wait_for_output("a new controller has taken over");
    }
    served.count_to(9..=9);
    served.project.wait_running(["web"]);
    served.ovr(&["stop", "web"]).success();
    for follower in [&logs, &searching, &echo] {
        follower.wait_for_output("number 9");
    }
    events.wait_for_output("stopped");
    watching.wait_for_output("\"stopped\"");
    served.project.wait_state("web", StateWord::Stopped);
    served.ovr(&["quit"]).success();
    for follower in followers {
        follower.wait_for_output("the session has ended");
        assert_eq!(follower.wait_exit(), 0, "{}", follower.stderr());
        let said = follower
            .plain()
            .matches("a new controller has taken over")
            .count();
        assert_eq!(said, 1, "{}", follower.plain());
    }
    assert_eq!(watching.wait_exit(), 69, "{}", watching.stderr());
    assert_eq!(numbers(&logs), [4, 5, 6, 7, 8, 9]);
    assert_eq!(numbers(&searching), (1..=9).collect::<Vec<_>>());
    assert_eq!(numbers(&echo), (1..=9).collect::<Vec<_>>());
}

#[test]
fn a_follower_on_tcp_goes_on_over_a_detach() {
    let (served, _console) = Served::in_foreground("web: echo up; sleep 1000\n");
    served.project.wait_running(["web"]);
    let logs = served.cmd(&["logs", "-f", "web"]).piped();
    logs.wait_for_output("up");
    served.ovr(&["detach"]).success();
    logs.wait_for_output("a new controller has taken over");
    served.ovr(&["restart", "web"]).success();
    logs.wait_for_output("run 2");
    served.ovr(&["quit"]).success();
    assert_eq!(logs.wait_exit(), 0, "{}", logs.stderr());
}

/// What the counting service said, as the follower showed it.
fn numbers(follower: &Terminal) -> Vec<u32> {
    let text = follower.plain();
    let shown = text.lines().filter_map(|line| line.split("number ").nth(1));
    shown.map(|number| number.trim().parse().unwrap()).collect()
}
