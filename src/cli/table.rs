//! A table of aligned columns that fits a width: which columns say something, which give way when there is no
//! room, and rows whose text runs over the columns behind it. No knowledge of what the cells say.

use super::style::{Paint, fit, pad, push_line, width, wrap};

/// Two blanks between columns.
const GAP: usize = 2;
/// What a column that may shrink keeps at least, if a third of the line is not less.
const SHRINK_TO: usize = 12;

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub title: &'static str,
    /// Which columns go first when there is no room: the highest; 0 never goes.
    pub expendable: u8,
    /// Its cells may be cut.
    pub shrinks: bool,
}

/// A text and its colour (SGR parameters, or empty).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    pub text: String,
    pub sgr: String,
}

impl Cell {
    pub fn new(text: impl Into<String>, sgr: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            sgr: sgr.into(),
        }
    }

    pub fn plain(text: impl Into<String>) -> Self {
        Self::new(text, "")
    }
}

/// One row: its mark (or a blank) and its cells.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub mark: Cell,
    pub cells: Vec<Cell>,
    /// From this cell on, the text of that cell takes the rest of the line, if the cells behind it are empty.
    pub runs_over: Option<usize>,
    /// What stands beneath the row, from its second column on, with as many lines as it takes.
    pub beneath: Vec<String>,
}

/// Lays out `rows` under their titles in `limit` columns. A column in which every cell is empty is left out;
/// so is the mark's.
pub fn table(columns: &[Column], rows: &[Row], limit: usize, paint: Paint) -> String {
    let marked = rows.iter().any(|row| !row.mark.text.is_empty());
    let lead = if marked { GAP } else { 0 };
    let widths = layout(columns, rows, limit.saturating_sub(lead));
    let mut out = String::new();
    let titles: Vec<Cell> = columns.iter().map(|c| Cell::new(c.title, "2")).collect();
    let header = Row {
        cells: titles,
        ..Row::default()
    };
    for row in std::iter::once(&header).chain(rows) {
        let mut line = String::new();
        if marked {
            line.push_str(&paint.sgr(&row.mark.sgr, &row.mark.text));
            line.push_str(&" ".repeat(lead - width(&row.mark.text).min(lead)));
        }
        line.push_str(&cells(row, &widths, limit.saturating_sub(lead), paint));
        push_line(&mut out, line.trim_end());
        let indent = lead + widths.first().copied().flatten().map_or(0, |name| name + GAP);
        let room = limit.saturating_sub(indent);
        for text in row.beneath.iter().flat_map(|text| wrap(text, room)) {
            push_line(
                &mut out,
                &format!("{}{}", " ".repeat(indent), paint.dim(&fit(&text, room))),
            );
        }
    }
    out
}

fn cells(row: &Row, widths: &[Option<usize>], limit: usize, paint: Paint) -> String {
    let mut line = String::new();
    let mut used: usize = 0;
    for (at, cell) in row.cells.iter().enumerate() {
        let Some(columns) = widths[at] else { continue };
        let overflows = row.runs_over == Some(at) && row.cells[at + 1..].iter().all(|c| c.text.is_empty());
        let room = if overflows {
            limit.saturating_sub(used)
        } else {
            columns
        };
        let text = fit(&cell.text, room);
        line.push_str(&paint.sgr(&cell.sgr, &text));
        line.push_str(&" ".repeat(columns.saturating_sub(width(&text)) + GAP));
        used += columns + GAP;
    }
    line
}

/// The width of each column, `None` for one that is left out.
fn layout(columns: &[Column], rows: &[Row], limit: usize) -> Vec<Option<usize>> {
    let mut widths: Vec<Option<usize>> = (0..columns.len())
        .map(|at| natural_width(columns, rows, at))
        .collect();
    let least = SHRINK_TO.min(limit / 3);
    while total(&widths) > limit {
        let excess = total(&widths) - limit;
        let shrinkable = (0..columns.len())
            .filter(|at| columns[*at].shrinks)
            .filter_map(|at| widths[at].map(|width| (at, width.saturating_sub(least))))
            .max_by_key(|(_, spare)| *spare);
        let expendable = (0..columns.len())
            .filter(|at| columns[*at].expendable > 0 && widths[*at].is_some())
            .max_by_key(|at| columns[*at].expendable);
        match (shrinkable, expendable) {
            (Some((at, spare)), _) if spare > 0 => {
                widths[at] = widths[at].map(|width| width - spare.min(excess));
            }
            (_, Some(at)) => widths[at] = None,
            (_, None) => break,
        }
    }
    widths
}

fn natural_width(columns: &[Column], rows: &[Row], at: usize) -> Option<usize> {
    let counted = |row: &&Row| row.runs_over != Some(at);
    let cell = |row: &Row| row.cells.get(at).map_or(0, |cell| width(&cell.text));
    let says_something = rows.iter().any(|row| cell(row) > 0);
    let widest = rows.iter().filter(counted).map(cell).max().unwrap_or(0);
    says_something.then(|| widest.max(width(columns[at].title)))
}

fn total(widths: &[Option<usize>]) -> usize {
    let shown: Vec<usize> = widths.iter().flatten().copied().collect();
    shown.iter().sum::<usize>() + GAP * shown.len().saturating_sub(1)
}

/// Lines of `left  right`, the right sides aligned.
pub fn pairs(lines: &[(String, String)], indent: usize) -> String {
    let widest = lines.iter().map(|(left, _)| width(left)).max().unwrap_or(0);
    let mut out = String::new();
    for (left, right) in lines {
        let line = format!("{}{}  {right}", " ".repeat(indent), pad(left, widest));
        push_line(&mut out, line.trim_end());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Cell, Column, Row, table};
    use crate::cli::style::{Paint, width};

    const COLUMNS: &[Column] = &[
        Column {
            title: "NAME",
            expendable: 0,
            shrinks: true,
        },
        Column {
            title: "STATE",
            expendable: 0,
            shrinks: true,
        },
        Column {
            title: "PORT",
            expendable: 1,
            shrinks: false,
        },
        Column {
            title: "PID",
            expendable: 2,
            shrinks: false,
        },
    ];

    fn row(cells: [&str; 4], runs_over: bool) -> Row {
        Row {
            cells: cells.map(Cell::plain).into(),
            runs_over: runs_over.then_some(1),
            ..Row::default()
        }
    }

    #[test]
    fn columns_without_a_word_are_left_out() {
        let rows = [row(["web", "running", "", "12"], false)];
        assert_eq!(
            table(COLUMNS, &rows, 80, Paint::PLAIN),
            "NAME  STATE    PID\nweb   running  12\n"
        );
    }

    #[test]
    fn a_sentence_runs_over_the_empty_cells_behind_it() {
        let rows = [
            row(["web", "running", "5000", "12"], false),
            row(["api", "failed (3) 12 s ago: KeyError", "", ""], true),
        ];
        assert_eq!(
            table(COLUMNS, &rows, 30, Paint::PLAIN),
            "NAME  STATE    PORT  PID\nweb   running  5000  12\napi   failed (3) 12 s ago: Ke…\n"
        );
    }

    #[test]
    fn a_narrow_terminal_loses_columns_before_it_wraps() {
        let rows = [row(
            [
                "a-long-service-name",
                "waits for input: \"continue?\"",
                "5000",
                "4194304",
            ],
            false,
        )];
        for limit in 26..100 {
            let out = table(COLUMNS, &rows, limit, Paint::PLAIN);
            assert!(out.lines().all(|line| width(line) <= limit), "{limit}:\n{out}");
        }
        assert!(!table(COLUMNS, &rows, 30, Paint::PLAIN).contains("4194304"));
        assert!(table(COLUMNS, &rows, usize::MAX, Paint::PLAIN).contains("continue?"));
    }
}
