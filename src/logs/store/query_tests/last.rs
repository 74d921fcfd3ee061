//! The last so many lines: as many as a reader gets to see.

use super::{Logs, T, WEB, texts};
use crate::logs::store::EntryKind;
use crate::model::RunId;

#[tokio::test]
async fn the_last_lines_are_as_many_as_are_shown() {
    let mut logs = Logs::new();
    for run in 1..=9 {
        logs.begin(run, WEB, run);
        let told = format!("── run {run}, pid 7 ──");
        logs.store
            .line(T + run, WEB, RunId(run), EntryKind::Event, told.as_bytes());
        logs.line(run, WEB, run, &format!("line {run}"));
    }
    logs.written().await;
    for count in [0, 1, 2, 3, 5, 9] {
        let mut query = logs.query(&["web"]);
        query.last = Some(count);
        let lines = query.run().unwrap().lines;
        assert_eq!(lines.iter().filter(|line| !line.is_told_again).count(), count);
        query.printed_only = true;
        let printed: Vec<_> = (1..=9).map(|run| format!("line {run}")).collect();
        assert_eq!(texts(&query), printed[9 - count..], "{count}");
    }
}
