//! Numbers into rows: medians, units, Markdown. Nothing is measured here.

use super::manager::Manager;
use std::fmt;

/// The head of the table: peers, where there are any, come last.
pub(crate) fn heading(managers: &[Manager]) -> String {
    let mut names = "| what | budget | ovr | bare tmux | bare pty | ovr : tmux | ovr : pty |".to_owned();
    let mut rule = "|---|---|---|---|---|---|---|".to_owned();
    for Manager { name, .. } in managers.iter().skip(1) {
        names.extend([" ", name, " | ovr : ", name, " |"]);
        rule.push_str("---|---|");
    }
    format!("{names}\n{rule}")
}

/// What one attempt gave: a number, or why there is none.
pub(crate) type Attempt = Result<f64, String>;

/// One line of the table.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) budget: &'static str,
    /// `ovr`, bare tmux, bare pty, and the peers if this row has any.
    pub(crate) cells: Vec<Cell>,
}

/// What one contender gave, in words and, where there is one, as the number that is compared.
pub(crate) struct Cell {
    text: String,
    median: Option<f64>,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, median: None }
    }
}

/// How many times the reference `ovr` takes, or does. Machines differ; this differs less.
fn ratio(ovr: &Cell, reference: &Cell) -> String {
    match (ovr.median, reference.median) {
        (Some(ovr), Some(reference)) if reference > 0.0 => format!("{:.2}", ovr / reference),
        (_, _) => "–".to_owned(),
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [ovr, tmux, raw, peers @ ..] = self.cells.as_slice() else {
            return Err(fmt::Error);
        };
        write!(f, "| {} | {} |", self.what, self.budget)?;
        write!(f, " {} | {} | {} |", ovr.text, tmux.text, raw.text)?;
        write!(f, " {} | {} |", ratio(ovr, tmux), ratio(ovr, raw))?;
        for peer in peers {
            write!(f, " {} | {} |", peer.text, ratio(ovr, peer))?;
        }
        Ok(())
    }
}

/// Measures the managers (`ovr` is the first) and the two references in turn, `rounds` times, so that what disturbs
/// the machine disturbs all of them.
pub(crate) fn in_turn(
    managers: &[Manager],
    rounds: usize,
    unit: fn(f64) -> String,
    managed: &mut dyn FnMut(&Manager) -> Attempt,
    references: &mut [&mut dyn FnMut() -> Attempt; 2],
) -> Vec<Cell> {
    let mut attempts: Vec<Vec<Attempt>> = Vec::new();
    attempts.resize_with(managers.len() + references.len(), Vec::new);
    for _ in 0..rounds {
        for (place, attempts) in attempts.iter_mut().enumerate() {
            // Who cannot do it at all is not waited for again and again.
            if attempts.len() < 2 || attempts.iter().any(Result::is_ok) {
                attempts.push(match place {
                    0 => managed(&managers[0]),
                    1 | 2 => references[place - 1](),
                    _ => managed(&managers[place - references.len()]),
                });
            }
        }
    }
    attempts
        .into_iter()
        .map(|attempts| summary(attempts, unit))
        .collect()
}

/// The median and the spread of what worked; the first reason of what did not.
fn summary(attempts: Vec<Attempt>, unit: fn(f64) -> String) -> Cell {
    let tried = attempts.len();
    let (good, bad): (Vec<_>, Vec<_>) = attempts.into_iter().partition(Result::is_ok);
    let mut numbers: Vec<f64> = good.into_iter().flatten().collect();
    let reason = bad.into_iter().find_map(Result::err).unwrap_or_default();
    numbers.sort_by(f64::total_cmp);
    let (Some(low), Some(high)) = (numbers.first(), numbers.last()) else {
        let text = if reason.is_empty() {
            "–".to_owned()
        } else {
            format!("– ({reason})")
        };
        return text.into();
    };
    let median = numbers[numbers.len() / 2];
    let mut text = unit(median);
    if tried > 1 {
        text = format!("**{text}** ({}–{})", unit(*low), unit(*high));
    }
    if numbers.len() < tried {
        text = format!("{text}, {} of {tried} ({reason})", numbers.len());
    }
    Cell {
        text,
        median: Some(median),
    }
}

/// A reference that makes no sense for this row.
pub(crate) fn none() -> Attempt {
    Err(String::new())
}

pub(crate) fn milliseconds(seconds: f64) -> String {
    let ms = seconds * 1000.0;
    if ms < 100.0 {
        format!("{ms:.1} ms")
    } else {
        format!("{ms:.0} ms")
    }
}

pub(crate) fn millions_a_second(rate: f64) -> String {
    format!("{:.2} M/s", rate / 1e6)
}
