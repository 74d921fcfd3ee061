//! Golden texts of the messages, asserted both ways. Append-only: other programs read exactly these, and a
//! client of another build does too. A text that stands here is never changed.

use super::run::{RunNews, RunOrder};
use super::{
    Checked, Clean, Cleaned, Configuration, Detached, Environment, ErrorBody, Goal, Graph, Leftovers,
    LineKind, Outcome, OutputLine, Reloaded, Request, Results, Scale, Sessions, Status, Timing, Wait, Why,
    Window, route,
};
use crate::diag::Kind;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// A status with a service that runs and one that failed.
pub(crate) const STATUS: &str = concat!(
    r#"{"schema":1,"session":{"project":"shop","root":"/a/shop","config":"Procfile","pid":41,"#,
    r#""version":"0.1.0","started_at":"2026-01-31T08:15:30.042Z","detached":false,"ending":false,"#,
    r#""tmux_socket":"/run/t","runtime_dir":"/run/o"},"services":["#,
    r#"{"name":"web#2","service":"web","state":"running","ready":true,"pid":42,"pids":[],"port":5110,"#,
    r#""port_source":"base 5000 + 100 + 10","url":"http://localhost:5110","#,
    r#""started_at":"2026-01-31T08:15:30.050Z","ended_at":null,"for_ms":1234,"restarts":0,"#,
    r#""exit_code":null,"exit_signal":null,"reason":null,"last_line":"ready","waits_for_input":false,"#,
    r#""needs_attention":false,"attached":1,"command":"bin/rails s","origin":"Procfile:1"},"#,
    r#"{"name":"api","service":"api","state":"failed","ready":null,"pid":null,"pids":[43,44],"#,
    r#""port":null,"port_source":null,"url":null,"started_at":null,"#,
    r#""ended_at":"2026-01-31T08:15:31.000Z","for_ms":0,"restarts":3,"exit_code":null,"#,
    r#""exit_signal":"SIGKILL","reason":"killed","last_line":null,"waits_for_input":true,"#,
    r#""needs_attention":true,"attached":0,"command":"cargo run","origin":"Procfile:2"}]}"#
);

/// What a service says more since there are probes.
const PROBED: &str = concat!(
    r#""assumed":true,"probe_failure":{"probe":"readiness","reason":"exit 1","failures":3,"#,
    r#""at":"2026-01-31T08:15:31.000Z"}"#
);

/// What a service says more where it was asked for its resources, or is known to listen.
const LOOKED_AT: &str = concat!(
    r#""listens":[3000,9229],"resources":{"age_ms":2000,"processes":2,"cpu_ms":500,"cpu_percent":25.0,"#,
    r#""rss_bytes":4096,"pss_bytes":null}"#
);

/// The answer about the second service of [`STATUS`]; `SERVICE` stands for it.
const WHY: &str = concat!(
    r#"{"schema":1,"summary":"api is failed","service":SERVICE,"#,
    r#""blockers":[{"of":"api","name":"db","condition":"ready","state":"running","reason":"not ready"}],"#,
    r#""started_by":{"by":"request","text":"a request to restart","at":"2026-01-31T08:15:30.042Z"},"#,
    r#""stopped_by":null,"last_exit":{"exit_code":3,"exit_signal":null,"at":"2026-01-31T08:15:31.000Z","#,
    r#""lived_ms":12,"killed":["7 sleep 60"]},"last_lines":["boom"],"#,
    r#""next":[{"command":"ovr logs api","what":"what it printed"}]}"#
);

/// An answer to why.
pub(crate) fn why() -> String {
    let services = &STATUS[STATUS.find(r#"{"name":"api""#).unwrap()..];
    WHY.replacen("SERVICE", services.strip_suffix("]}").unwrap(), 1)
}

const RESULTS: &str = concat!(
    r#"{"schema":1,"results":[{"name":"web","outcome":"restarted","old_pid":1,"pid":2,"exit_code":null,"#,
    r#""exit_signal":"SIGINT","elapsed_ms":12,"message":null,"last_lines":[]}]}"#
);

const RELOADED: &str = concat!(
    r#"{"schema":1,"changes":[{"name":"web","kind":"added","why":null,"result":null},"#,
    r#"{"name":"api","kind":"restarted","why":"command changed","result":null}],"kept":3}"#
);

const OUTPUT_LINE: &str = concat!(
    r#"{"at":"2026-01-31T08:15:30.042Z","name":"web","position":0,"run":3,"kind":"output","#,
    r#""text":"\u001b[1mhi\u001b[m"}"#
);

const WINDOW: &str = concat!(
    r#"{"name":"web","tmux_binary":"tmux","tmux_socket":"/run/t","window":"@3","pane":"%4","#,
    r#""state":"running"}"#
);

const GRAPH: &str = concat!(
    r#"{"schema":1,"services":[{"name":"web","state":"pending","ready":null,"#,
    r#""reason":"waits for db: ready","optional":false,"#,
    r#""depends_on":[{"on":"db","condition":"ready","holds":false},"#,
    r#"{"on":"seed","condition":"ended_well","holds":true}]}]}"#
);

const TIMING: &str = concat!(
    r#"{"asked_ms":0,"started_ms":1200,"ready_ms":null,"ended_ms":null,"#,
    r#""after":{"on":"db","condition":"started"}}"#
);

const ERROR: &str = concat!(
    r#"{"error":{"code":"no_such_service","message":"no service \"wbe\"","#,
    r#""hints":["did you mean \"web\"?"],"causes":["why"]}}"#
);

/// A finding with its place, and one without.
const FINDINGS: &str = concat!(
    r#"[{"severity":"warning","code":"config","message":"odd","path":"Procfile","line":2,"column":3,"#,
    r#""length":4,"hints":["do this"],"causes":["why"],"text":"odd: line"},{"severity":"error","#,
    r#""code":"no_config","message":"nothing","path":null,"line":null,"column":null,"length":null,"#,
    r#""hints":[],"causes":[],"text":null}]"#
);

const CHECKED: &str = concat!(
    r#"{"schema":1,"ok":true,"services":[{"name":"web","command":"bin/rails s","origin":"Procfile:4","#,
    r#""port":5000}],"findings":FINDINGS,"config":"/a/Procfile"}"#
);

const CONFIGURATION: &str = concat!(
    r##"{"schema":1,"config":{"a":1},"sources":{"/a":"ovr.yaml:1"},"yaml":"a: 1  # ovr.yaml:1\n","##,
    r#""findings":[]}"#
);

const ENVIRONMENT: &str = concat!(
    r#"{"schema":1,"service":"web","variables":[{"name":"A","value":"1","source":".env:3","#,
    r#""overrides":[{"value":"0","source":"caller"}]}]}"#
);

const SESSIONS: &str = concat!(
    r#"{"schema":1,"sessions":[{"project":"shop","root":"/a/shop","config":"Procfile","pid":41,"#,
    r#""version":"0.1.0","started_at":"2026-01-31T08:15:30.042Z","detached":false,"ending":false,"#,
    r#""tmux_socket":"/run/t","runtime_dir":"/run/o","up":3,"services":4}],"silent":[],"findings":[]}"#
);

fn keeps<T: Serialize + DeserializeOwned + PartialEq + Debug>(golden: &str) {
    let read: T = serde_json::from_str(golden).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), golden);
}

#[test]
fn every_message_keeps_its_text() {
    keeps::<Status>(STATUS);
    let origin = r#""origin":"Procfile:2""#;
    keeps::<Status>(&STATUS.replacen(origin, &format!("{origin},{PROBED}"), 1));
    keeps::<Status>(&STATUS.replacen(origin, &format!("{origin},{LOOKED_AT}"), 1));
    let revised = STATUS.replacen(r#","services""#, r#","revision":7,"services""#, 1);
    keeps::<Status>(&revised);
    keeps::<Why>(&why());
    keeps::<Results>(RESULTS);
    keeps::<OutputLine>(OUTPUT_LINE);
    keeps::<Window>(WINDOW);
    keeps::<ErrorBody>(ERROR);
    keeps::<Reloaded>(RELOADED);
    keeps::<Scale>(r#"{"counts":{"web":3}}"#);
    keeps::<Wait>(r#"{"names":["web"],"timeout_ms":60000}"#);
    keeps::<Wait>(r#"{"names":[],"timeout_ms":null,"for":"exited"}"#);
    keeps::<Results>(&RESULTS.replacen(r#""last_lines":[]"#, r#""last_lines":[],"not_yet":true"#, 1));
    keeps::<Graph>(GRAPH);
    keeps::<Timing>(TIMING);
    keeps::<Detached>(r#"{"pid":7}"#);
    keeps::<Checked>(&CHECKED.replacen("FINDINGS", FINDINGS, 1));
    keeps::<Configuration>(CONFIGURATION);
    keeps::<Environment>(ENVIRONMENT);
    keeps::<Sessions>(SESSIONS);
    keeps::<Leftovers>(r#"{"schema":1,"leftovers":[{"path":"/s/logs/a","bytes":7,"what":"logs"}]}"#);
    keeps::<Clean>(r#"{"paths":["/s/logs/a"]}"#);
    keeps::<Cleaned>(r#"{"schema":1,"items":1,"bytes":7,"errors":[]}"#);
    keeps::<Request>(r#"{"names":["web"],"signal":"TERM","no_wait":true}"#);
    keeps::<Request>(r#"{"names":[],"signal":null,"no_wait":false,"namespaces":["back"],"no_deps":true}"#);
}

#[test]
fn what_is_said_about_a_command_keeps_its_text() {
    for order in [
        r#"{"run":{"command":["bin/migrate","--all"]}}"#,
        r#"{"run":{"command":["sh"],"service":"web","terminal":{"cols":80,"rows":24,"term":"xterm"}}}"#,
        r#"{"resize":{"cols":90,"rows":20}}"#,
        r#"{"end_of_input":{}}"#,
        r#"{"signal":{"signal":"INT"}}"#,
    ] {
        keeps::<RunOrder>(order);
    }
    for news in [
        r#"{"started":{"pid":7}}"#,
        r#"{"took":{"bytes":4096}}"#,
        r#"{"ended":{"exit_code":null,"exit_signal":"SIGTERM"}}"#,
        r#"{"refused":{"error":{"code":"usage","message":"no","hints":[],"causes":[]},"exit_code":127}}"#,
    ] {
        keeps::<RunNews>(news);
    }
    assert!(serde_json::from_str::<RunOrder>(r#"{"run":{"command":["a"],"shell":true}}"#).is_err());
}

#[test]
fn a_message_from_an_earlier_build_is_read() {
    // Before `causes`.
    let error = r#"{"error":{"code":"usage","message":"no"}}"#;
    assert!(serde_json::from_str::<ErrorBody>(error).is_ok());
    assert_eq!(serde_json::from_str::<Request>("{}").unwrap(), Request::default());
}

#[test]
fn a_message_from_a_later_build_is_read_but_a_request_that_is_not_understood_is_refused() {
    let later = STATUS.replacen(r#"{"schema":1,"#, r#"{"new":[1],"schema":2,"#, 1);
    assert!(serde_json::from_str::<Status>(&later).is_ok());
    assert!(serde_json::from_str::<Request>(r#"{"names":[],"new":1}"#).is_err());
}

#[test]
fn the_words_of_outcomes_lines_and_errors_stay() {
    let outcomes = [
        (Outcome::Started, "started"),
        (Outcome::AlreadyRunning, "already_running"),
        (Outcome::Restarted, "restarted"),
        (Outcome::Stopped, "stopped"),
        (Outcome::Killed, "killed"),
        (Outcome::AlreadyStopped, "already_stopped"),
        (Outcome::Signalled, "signalled"),
        (Outcome::NotRunning, "not_running"),
        (Outcome::Accepted, "accepted"),
        (Outcome::Failed, "failed"),
        (Outcome::Overruled, "overruled"),
    ];
    for (outcome, word) in outcomes {
        assert_eq!(serde_json::to_value(outcome).unwrap(), word);
    }
    for (kind, word) in [
        (LineKind::Output, "output"),
        (LineKind::Open, "open"),
        (LineKind::Event, "event"),
        (LineKind::Gap, "gap"),
        (LineKind::End, "end"),
    ] {
        assert_eq!(serde_json::to_value(kind).unwrap(), word);
    }
    for goal in [Goal::Ready, Goal::Running, Goal::Exited, Goal::Healthy] {
        assert_eq!(serde_json::to_value(goal).unwrap(), goal.as_str());
    }
    assert_eq!(Kind::NoSuchService.code(), "no_such_service");
}

#[test]
fn the_routes_stay() {
    assert_eq!(
        [
            route::STATUS,
            route::GRAPH,
            route::ACTION,
            route::QUIT,
            route::DETACH,
            route::OUTPUT,
            route::WINDOW
        ],
        [
            "/v1/status",
            "/v1/graph",
            "/v1/services/{verb}",
            "/v1/quit",
            "/v1/detach",
            "/v1/output",
            "/v1/window"
        ]
    );
}
