//! Output as server-sent events.

use crate::harness::Served;
use serde_json::Value;

#[test]
fn events_go_on_behind_the_last_one_that_was_seen() {
    let served = Served::start(
        "count: i=0; while :; do i=$((i+1)); echo number $i; [ $i -ge 20 ] && until [ -e $OUT/go ]; do sleep 0.02; done; [ $i = 40 ] && exec sleep 1000; done\n",
    );
    let target = "/v1/output?names=count&lines=1000&follow=true";
    let first = served.events_until(target, &[served.bearer()], "number 20\"");
    std::fs::write(served.project.path("out").join("go"), "").unwrap();
    let last = first.last().unwrap().0.clone();
    let headers = [served.bearer(), format!("last-event-id: {last}")];
    let rest = served.events_until(target, &headers, "number 40\"");
    let texts = |events: &[(String, Value)]| -> Vec<String> {
        let texts = events.iter().filter(|(_, line)| line["kind"] == "output");
        texts
            .map(|(_, line)| line["text"].as_str().unwrap().to_owned())
            .collect()
    };
    let seen = [texts(&first), texts(&rest)].concat();
    let expected: Vec<String> = (1..=40).map(|number| format!("number {number}")).collect();
    assert_eq!(seen, expected);
    // What another controller has numbered is a gap, and then the lines that a newcomer gets.
    let headers = [served.bearer(), "last-event-id: 1-1".to_owned()];
    let anew = served.events_until(target, &headers, "number 40\"");
    assert_eq!(anew[0].1["kind"], "gap");
    assert_eq!(texts(&anew), expected);
    let nonsense = [
        served.host(),
        served.bearer(),
        "last-event-id: x".to_owned(),
        "accept: text/event-stream".to_owned(),
    ];
    assert_eq!(served.ask("GET /v1/output", &nonsense, "").0, 400);
}
