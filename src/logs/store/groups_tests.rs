//! Groups against the same found by gathering everything, and how much of it is held.

use super::{Line, Lines, each};
use crate::logs::store::entry::EntryKind;
use crate::logs::store::found::Found;
use crate::logs::store::{FoundLine, Query};
use crate::model::RunId;
use proptest::prelude::{prop, proptest};
use proptest::prop_assert_eq;
use regex::bytes::Regex;
use std::cell::Cell;
use std::ops::ControlFlow;
use std::rc::Rc;

fn line(at_ms: u64, text: &str) -> Line {
    Line {
        at_ms,
        run: RunId(1),
        kind: EntryKind::Output,
        text: text.into(),
        is_told_again: false,
    }
}

fn of(lines: Vec<Line>) -> Lines {
    Box::new(lines.into_iter().map(Ok))
}

fn query(instances: usize, context: usize) -> Query {
    let names = (0..instances).map(|index| format!("s{index}"));
    Query {
        grep: Some(Regex::new("x").unwrap()),
        context,
        ..Query::new("/nowhere".into(), names.collect())
    }
}

proptest! {
    #[test]
    fn what_is_handed_on_is_what_gathering_everything_would_find(
        logs in prop::collection::vec(prop::collection::vec((0_u64..4, 0_u8..5), 0..40), 1..5),
        context in 1_usize..4,
    ) {
        let instances = logs.iter().map(|steps| {
            let mut at_ms = 0;
            let lines = steps.iter().enumerate().map(|(number, (step, matches))| {
                at_ms += step;
                line(at_ms, &format!("{}{number}", if *matches == 0 { "x" } else { "-" }))
            });
            lines.collect::<Vec<_>>()
        });
        let instances: Vec<_> = instances.collect();
        let query = query(instances.len(), context);
        let sources = || instances.iter().cloned().map(of).collect();
        let mut gathered = Found::default();
        let expected = query.read(sources(), &mut |line| {
            gathered.push(line);
            ControlFlow::Continue(())
        }).unwrap();
        gathered.gather_groups();
        let mut found: Vec<FoundLine> = Vec::new();
        let summary = each(&query, sources(), &mut |line| {
            found.push(line);
            ControlFlow::Continue(())
        }).unwrap();
        prop_assert_eq!(found, Vec::from(gathered.lines));
        prop_assert_eq!(summary.cursor, expected.cursor);
        prop_assert_eq!(summary.printed, expected.printed);
        prop_assert_eq!((summary.lines, summary.matches), (expected.lines, expected.matches));
    }
}

/// Lines without end in sight, which are counted as they are read.
fn counted(read: &Rc<Cell<usize>>, count: u64, text: &'static str) -> Lines {
    let read = Rc::clone(read);
    Box::new((0..count).map(move |at_ms| {
        read.set(read.get() + 1);
        Ok(line(at_ms, text))
    }))
}

#[test]
fn no_more_is_held_than_a_match_and_the_lines_before_it() {
    let read = Rc::new(Cell::new(0));
    // The neighbours of the third one's match come after everything that the others say.
    let quiet = vec![line(1, "x"), line(1_000_000, "-")];
    let sources = vec![
        counted(&read, 100_000, "x"),
        counted(&read, 100_000, "x"),
        of(quiet),
    ];
    let (mut handed, mut most) = (0, 0);
    let summary = each(&query(3, 3), sources, &mut |_| {
        handed += 1;
        most = most.max(read.get().saturating_sub(handed));
        ControlFlow::Continue(())
    });
    assert_eq!(summary.unwrap().lines, 200_002);
    assert!(most < 20, "{most} lines were held");
}

#[test]
fn a_reader_that_wants_no_more_ends_the_reading() {
    let read = Rc::new(Cell::new(0));
    let sources = vec![counted(&read, 100_000, "x")];
    let mut taken = 0;
    each(&query(1, 1), sources, &mut |_| {
        taken += 1;
        if taken == 3 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
    .unwrap();
    assert!(taken == 3 && read.get() < 10, "{taken} of {}", read.get());
}
