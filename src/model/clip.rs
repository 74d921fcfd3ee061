//! Texts of others in our sentences: no longer than a sentence bears.

/// The first `most` characters, with a mark where there are more.
pub fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::clipped;

    #[test]
    fn only_what_is_too_long_is_cut_and_by_characters() {
        assert_eq!(clipped("größer", 6), "größer");
        assert_eq!(clipped("größer", 4), "größ…");
        assert_eq!(clipped("", 0), "");
    }
}
