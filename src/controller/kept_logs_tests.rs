//! What a request for kept lines means, and what its bounds are.

use super::{GATHERED_MAX, query};
use crate::api::call::LogsRequest;
use crate::diag::Kind;
use crate::logs::store::{Query, RunChoice, Since};
use crate::model::time_text::from_epoch_millis;
use std::path::PathBuf;

fn read(request: &LogsRequest) -> Query {
    query(request, PathBuf::from("/logs"), from_epoch_millis(1_000_000)).unwrap()
}

#[test]
fn a_request_without_bounds_means_the_last_lines_and_a_question_all_that_answer_it() {
    assert_eq!(read(&LogsRequest::default()).last, Some(100));
    let since = read(&LogsRequest {
        since: Some("10s".to_owned()),
        ..LogsRequest::default()
    });
    assert_eq!((since.last, since.max_bytes), (None, None));
    assert_eq!(since.since, Some(Since::Time(990_000)));
    let run = read(&LogsRequest {
        run: Some("-1".to_owned()),
        lines: Some(7),
        ..LogsRequest::default()
    });
    assert_eq!((run.run, run.last), (Some(RunChoice::Back(1)), Some(7)));
}

#[test]
fn what_has_to_be_held_in_memory_is_bounded_whatever_is_asked_for() {
    for (lines, context, max_bytes) in [
        (Some(usize::MAX), 0, None),
        (Some(usize::MAX), 0, Some(usize::MAX)),
        (None, usize::MAX, None),
    ] {
        let query = read(&LogsRequest {
            lines,
            context,
            max_bytes,
            since: Some("1h".to_owned()),
            ..LogsRequest::default()
        });
        assert_eq!(query.max_bytes, Some(GATHERED_MAX), "{lines:?} {context}");
    }
    let small = read(&LogsRequest {
        max_bytes: Some(1000),
        ..LogsRequest::default()
    });
    assert_eq!(small.max_bytes, Some(1000));
}

#[test]
fn what_makes_no_sense_is_a_mistake_of_the_request() {
    let ask = |change: fn(&mut LogsRequest)| {
        let mut request = LogsRequest::default();
        change(&mut request);
        query(&request, PathBuf::from("/logs"), from_epoch_millis(0)).unwrap_err()
    };
    for error in [
        ask(|request| request.since = Some("yesterday".to_owned())),
        ask(|request| request.until = Some("c1.7.web=1".to_owned())),
        ask(|request| request.grep = Some("(".to_owned())),
        ask(|request| request.run = Some("first".to_owned())),
    ] {
        assert_eq!(error.kind, Kind::Usage, "{error:?}");
    }
}
