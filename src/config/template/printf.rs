//! `printf`, as Go has it, for the verbs that make sense of a configuration's values.

use super::super::project::Var;
use super::super::yaml::around_escaped;
use super::functions::{number, shown};

/// The flags, width and precision of one verb.
#[derive(Clone, Copy, Debug, Default)]
struct Layout {
    left: bool,
    zeros: bool,
    sign: bool,
    width: usize,
    precision: Option<usize>,
}

pub(super) fn printf(format: &str, values: &[Var]) -> Result<String, String> {
    let mut out = String::new();
    let mut values = values.iter();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut spec = String::new();
        while let Some(c) = chars.next_if(|c| matches!(c, '-' | '+' | ' ' | '#' | '.') || c.is_ascii_digit())
        {
            spec.push(c);
        }
        let verb = chars.next().ok_or("printf: a `%` at the end; write `%%`")?;
        if verb == '%' {
            out.push('%');
            continue;
        }
        let value = values
            .next()
            .ok_or_else(|| format!("printf: there is no value for %{spec}{verb}"))?;
        out.push_str(&formatted(verb, layout(&spec), value)?);
    }
    match values.next() {
        Some(_) => Err("printf: more values than verbs".to_owned()),
        None => Ok(out),
    }
}

fn layout(spec: &str) -> Layout {
    let flags: String = spec
        .chars()
        .take_while(|c| matches!(c, '-' | '+' | ' ' | '#' | '0'))
        .collect();
    let numbers = &spec[flags.len()..];
    let (width, precision) = match numbers.split_once('.') {
        Some((width, precision)) => (width, Some(precision.parse().unwrap_or(0))),
        None => (numbers, None),
    };
    Layout {
        left: flags.contains('-'),
        zeros: flags.contains('0') && !flags.contains('-'),
        sign: flags.contains('+'),
        // Nobody wants a value of megabytes from a typing mistake.
        width: width.parse().unwrap_or(0).min(1000),
        precision: precision.map(|precision: usize| precision.min(100)),
    }
}

fn formatted(verb: char, layout: Layout, value: &Var) -> Result<String, String> {
    let wrong = || format!("printf: %{verb} cannot print {:?}", shown(value));
    let whole = || match value {
        Var::Int(number) => Ok(*number),
        Var::Text(text) => text.trim().parse().map_err(|_| wrong()),
        Var::Null | Var::Bool(_) | Var::Float(_) | Var::List(_) | Var::Map(_) => Err(wrong()),
    };
    let text = match verb {
        's' | 'v' => {
            let text = shown(value);
            match layout.precision {
                Some(most) if verb == 's' => text.chars().take(most).collect(),
                Some(_) | None => text,
            }
        }
        'q' => quoted(&shown(value)),
        't' => match value {
            Var::Bool(yes) => yes.to_string(),
            Var::Null | Var::Int(_) | Var::Float(_) | Var::Text(_) | Var::List(_) | Var::Map(_) => {
                return Err(wrong());
            }
        },
        'd' if layout.sign => format!("{:+}", whole()?),
        'd' => whole()?.to_string(),
        'x' => format!("{:x}", whole()?),
        'X' => format!("{:X}", whole()?),
        'o' => format!("{:o}", whole()?),
        'b' => format!("{:b}", whole()?),
        'f' | 'F' => format!(
            "{:.*}",
            layout.precision.unwrap_or(6),
            number(value).ok_or_else(wrong)?
        ),
        'g' => number(value).ok_or_else(wrong)?.to_string(),
        _ => {
            return Err(format!(
                "printf: %{verb} is not known; use %s, %d, %v, %q, %x, %f"
            ));
        }
    };
    Ok(padded(text, layout))
}

fn quoted(text: &str) -> String {
    let inside = around_escaped(text, |part| {
        let quoted = format!("{part:?}");
        quoted[1..quoted.len() - 1].to_owned()
    });
    format!("\"{inside}\"")
}

fn padded(text: String, layout: Layout) -> String {
    let missing = layout.width.saturating_sub(text.chars().count());
    if missing == 0 {
        return text;
    }
    if layout.left {
        return text + &" ".repeat(missing);
    }
    if layout.zeros {
        let (sign, digits) = text.split_at(usize::from(text.starts_with(['-', '+'])));
        return format!("{sign}{}{digits}", "0".repeat(missing));
    }
    " ".repeat(missing) + &text
}
