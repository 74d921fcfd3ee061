//! The last lines of an instance's files, read from the end, so that a look at a few lines costs the same however
//! much there is. Lines in, lines out; what they say is for others.

use super::listing::Segment;
use flate2::read::GzDecoder;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileExt;

/// Read at once; more when that does not do.
const FIRST_CHUNK: u64 = 64 * 1024;

/// The last `count` lines without their ends, oldest first.
pub(super) fn last_lines(segments: &[Segment], count: usize) -> io::Result<Vec<Vec<u8>>> {
    let mut newest_first: Vec<Vec<u8>> = Vec::new();
    for segment in segments.iter().rev() {
        let left = count - newest_first.len();
        if left == 0 {
            break;
        }
        let text = match end_of(segment, left) {
            // Removed as the oldest since the directory was read.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            text => text?,
        };
        newest_first.extend(lines(&text).into_iter().rev().take(left).map(<[u8]>::to_vec));
    }
    newest_first.reverse();
    Ok(newest_first)
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    if text.is_empty() {
        Vec::new()
    } else {
        text.split(|byte| *byte == b'\n').collect()
    }
}

/// A piece of the file that reaches to its end, begins with a line, and holds `count` lines or all there are.
fn end_of(segment: &Segment, count: usize) -> io::Result<Vec<u8>> {
    let (mut file, is_packed) = segment.open()?;
    if is_packed {
        let mut text = Vec::new();
        GzDecoder::new(file).read_to_end(&mut text)?;
        return Ok(text);
    }
    let size = file.metadata()?.len();
    let mut chunk = FIRST_CHUNK;
    while chunk < size {
        let length = usize::try_from(chunk).expect("a chunk is a few doublings of 64 KiB within a file");
        let mut text = vec![0; length];
        match file.read_exact_at(&mut text, size - chunk) {
            Ok(()) => {}
            // It has become shorter: somebody has emptied it.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        }
        let ends = memchr::memchr_iter(b'\n', &text).count();
        // The first line of the piece may have begun before it.
        if ends > count {
            let first = memchr::memchr(b'\n', &text).map_or(0, |at| at + 1);
            text.drain(..first);
            return Ok(text);
        }
        chunk *= 2;
    }
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::last_lines;
    use crate::logs::store::listing::segments;
    use flate2::{Compression, write::GzEncoder};
    use std::fs;
    use std::io::Write;

    fn numbered(numbers: std::ops::Range<usize>) -> String {
        let lines: Vec<_> = numbers.map(|number| format!("line {number:06}\n")).collect();
        lines.concat()
    }

    #[test]
    fn the_last_lines_are_found_across_files_packed_or_not() {
        let dir = tempfile::tempdir().unwrap();
        let packed = fs::File::create(dir.path().join("web~000001.log.gz")).unwrap();
        let mut packed = GzEncoder::new(packed, Compression::fast());
        packed.write_all(numbered(0..10_000).as_bytes()).unwrap();
        packed.finish().unwrap();
        fs::write(dir.path().join("web~000002.log"), numbered(10_000..30_000)).unwrap();
        fs::write(dir.path().join("web.log"), numbered(30_000..30_003)).unwrap();
        let segments = segments(dir.path(), "web").unwrap();
        for count in [0, 1, 3, 4, 5000, 9000, 20_003, 20_004, 30_003] {
            let found = last_lines(&segments, count).unwrap();
            assert_eq!(found.len(), count);
            let found: Vec<_> = found
                .into_iter()
                .map(|line| String::from_utf8(line).unwrap())
                .collect();
            assert_eq!(
                found.join("\n"),
                numbered(30_003 - count..30_003).trim_end(),
                "{count}"
            );
        }
        assert_eq!(last_lines(&segments, 40_000).unwrap().len(), 30_003);
    }

    #[test]
    fn a_line_that_is_being_written_counts_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("web.log"), "one\ntw").unwrap();
        let segments = segments(dir.path(), "web").unwrap();
        assert_eq!(
            last_lines(&segments, 5).unwrap(),
            [b"one".to_vec(), b"tw".to_vec()]
        );
        fs::write(dir.path().join("web.log"), "").unwrap();
        assert_eq!(last_lines(&segments, 5).unwrap(), Vec::<Vec<u8>>::new());
    }
}
