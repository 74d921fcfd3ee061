//! How the last starts went: each service's steps, and the chain of waits that took longest.

use super::super::table::{Cell, Column, Row, table};
use crate::api::messages::{Service, Status, Timing, Waited};
use crate::cli::style::{Paint, plain, push_line};
use crate::model::{Condition, time_text};
use std::collections::BTreeMap;
use std::time::Duration;

/// One link: who, what had to come of it, and when that came.
struct Link<'a> {
    service: &'a Service,
    timing: &'a Timing,
    condition: Condition,
    at: u64,
}

/// The steps of each service, and the critical chain below.
pub fn timing(status: &Status, paint: Paint) -> String {
    let rows: Vec<Row> = status.services.iter().map(row).collect();
    let mut out = table(&columns(), &rows, usize::MAX, paint);
    let chain = longest_chain(&status.services);
    let (Some(last), Some(first)) = (chain.first(), chain.last()) else {
        return out;
    };
    let total = millis(last.at.saturating_sub(first.timing.asked_ms));
    out.push('\n');
    push_line(&mut out, &format!("the longest chain, {total}:"));
    for (depth, link) in chain.iter().enumerate() {
        let branch = if depth == 0 {
            String::new()
        } else {
            format!("{}└─ ", "   ".repeat(depth - 1))
        };
        let own = link
            .timing
            .started_ms
            .map(|started| link.at.saturating_sub(started));
        let own = own.map(|own| format!(" (+{})", millis(own))).unwrap_or_default();
        let after = millis(link.at.saturating_sub(first.timing.asked_ms));
        let name = paint.bold(&plain(&link.service.name));
        push_line(
            &mut out,
            &format!("{branch}{name} {} after {after}{own}", link.condition),
        );
    }
    out
}

fn columns() -> [Column; 5] {
    ["NAME", "WAITED", "STARTED", "READY", "AFTER"].map(|title| Column {
        title,
        expendable: 0,
        shrinks: false,
    })
}

fn row(service: &Service) -> Row {
    let timing = service.timing.as_ref();
    let since_asked = |at: Option<u64>| {
        let (timing, at) = (timing?, at?);
        Some(millis(at.saturating_sub(timing.asked_ms)))
    };
    let started = timing.and_then(|timing| timing.started_ms);
    let ready = timing.and_then(|timing| timing.ready_ms);
    let took = |at: Option<u64>| Some(format!("+{}", millis(at?.saturating_sub(started?))));
    let after = timing.and_then(|timing| timing.after.as_ref());
    let cells = [
        plain(&service.name),
        since_asked(started).unwrap_or_default(),
        started.map(|at| format!("at {}", millis(at))).unwrap_or_default(),
        took(ready).unwrap_or_default(),
        after
            .map(|after| format!("{}: {}", plain(&after.on), after.condition))
            .unwrap_or_default(),
    ];
    Row {
        cells: cells.into_iter().map(Cell::plain).collect(),
        ..Row::default()
    }
}

/// From the service that came up last, in its own time, down to the one that was waited for first.
fn longest_chain(services: &[Service]) -> Vec<Link<'_>> {
    let by_name: BTreeMap<&str, &Service> = services.iter().map(|s| (s.name.as_str(), s)).collect();
    let chains = services.iter().filter_map(|service| {
        let timing = service.timing.as_ref()?;
        let (condition, at) = match (timing.ready_ms, timing.started_ms) {
            (Some(at), _) => (Condition::Ready, at),
            (None, Some(at)) => (Condition::Started, at),
            (None, None) => return None,
        };
        Some(chain(
            &by_name,
            Link {
                service,
                timing,
                condition,
                at,
            },
        ))
    });
    let length = |chain: &Vec<Link<'_>>| match (chain.first(), chain.last()) {
        (Some(last), Some(first)) => last.at.saturating_sub(first.timing.asked_ms),
        _ => 0,
    };
    // Of equals the first in the file.
    chains.rev().max_by_key(length).unwrap_or_default()
}

fn chain<'a>(by_name: &BTreeMap<&str, &'a Service>, head: Link<'a>) -> Vec<Link<'a>> {
    let mut links = vec![head];
    while let Some(link) = links.last()
        && let Some(next) = link
            .timing
            .after
            .as_ref()
            .and_then(|after| waited_for(by_name, link, after))
    {
        links.push(next);
    }
    links
}

/// The dependency that a link waited for; `None` if it has been started anew since.
fn waited_for<'a>(
    by_name: &BTreeMap<&str, &'a Service>,
    link: &Link<'_>,
    after: &Waited,
) -> Option<Link<'a>> {
    let service: &'a Service = by_name.get(after.on.as_str()).copied()?;
    let timing = service.timing.as_ref()?;
    let at = match after.condition {
        Condition::Started => timing.started_ms,
        // Where nothing says what ready means, it is ready when it runs.
        Condition::Ready => timing.ready_ms.or(timing.started_ms),
        Condition::Ended | Condition::EndedWell => timing.ended_ms,
    }?;
    let is_before = link.timing.started_ms.is_some_and(|started| at <= started);
    is_before.then_some(Link {
        service,
        timing,
        condition: after.condition,
        at,
    })
}

fn millis(millis: u64) -> String {
    time_text::duration(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::timing;
    use crate::api::messages::{Status, Timing, Waited, golden};
    use crate::cli::style::Paint;
    use crate::model::Condition;

    /// A service, when it was asked for, began, was ready and ended, and what it waited for.
    type Started<'a> = (&'a str, [Option<u64>; 4], Option<(&'a str, Condition)>);

    fn session(starts: &[Started<'_>]) -> Status {
        let mut status: Status = serde_json::from_str(golden::STATUS).unwrap();
        let pattern = status.services[0].clone();
        status.services = starts
            .iter()
            .map(|(name, [asked, started, ready, ended], after)| {
                let mut service = pattern.clone();
                service.name = (*name).to_owned();
                service.timing = Some(Timing {
                    asked_ms: asked.unwrap_or_default(),
                    started_ms: *started,
                    ready_ms: *ready,
                    ended_ms: *ended,
                    after: after.map(|(on, condition)| Waited {
                        on: on.to_owned(),
                        condition,
                    }),
                });
                service
            })
            .collect();
        status
    }

    #[test]
    fn the_longest_chain_leads_from_the_last_service_to_what_it_waited_for_first() {
        let status = session(&[
            ("db", [Some(0), Some(10), Some(1210), None], None),
            (
                "migrate",
                [Some(0), Some(1215), None, Some(1900)],
                Some(("db", Condition::Ready)),
            ),
            (
                "web",
                [Some(0), Some(1910), Some(2300), None],
                Some(("migrate", Condition::EndedWell)),
            ),
            ("mail", [Some(0), Some(12), None, None], None),
        ]);
        let shown = timing(&status, Paint::PLAIN);
        let chain = shown.split_once("\n\n").unwrap().1;
        assert_eq!(
            chain,
            "the longest chain, 2.3 s:\n\
             web ready after 2.3 s (+390 ms)\n\
             └─ migrate ended well after 1.9 s (+685 ms)\n   \
             └─ db ready after 1.2 s (+1.2 s)\n"
        );
        let web = shown.lines().find(|line| line.contains("web")).unwrap();
        assert!(web.contains("1.9 s") && web.contains("+390 ms") && web.contains("migrate: ended well"));
    }

    #[test]
    fn a_dependency_that_was_started_anew_since_is_no_part_of_a_chain() {
        let status = session(&[
            ("db", [Some(9000), Some(9010), Some(9100), None], None),
            (
                "web",
                [Some(0), Some(1000), None, None],
                Some(("db", Condition::Ready)),
            ),
        ]);
        let shown = timing(&status, Paint::PLAIN);
        assert!(
            shown.ends_with("the longest chain, 1 s:\nweb started after 1 s (+0 ms)\n"),
            "{shown}"
        );
    }
}
