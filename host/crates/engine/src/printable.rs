//! Texts of a guest that people read: cut, in one line, without control characters.

use std::fmt::{self, Write};

/// Cuts a text and replaces its control characters with spaces.
pub(crate) fn printable(text: &str, max_bytes: usize) -> String {
    text[..text.floor_char_boundary(max_bytes)]
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// The first line of what a value displays. Stops the value when the line is complete, because the rest can
/// be of any size.
pub(crate) fn first_line(value: impl fmt::Display, max_bytes: usize) -> String {
    struct Line {
        text: String,
        max_bytes: usize,
    }

    impl Write for Line {
        fn write_str(&mut self, piece: &str) -> fmt::Result {
            let line = piece.split('\n').next().unwrap_or_default();
            let space = self.max_bytes - self.text.len();
            self.text += &line[..line.floor_char_boundary(space)];
            match line.len() == piece.len() && piece.len() <= space {
                true => Ok(()),
                false => Err(fmt::Error),
            }
        }
    }

    let mut line = Line {
        text: String::new(),
        max_bytes,
    };
    // The error means that the line is complete.
    _ = write!(line, "{value}");
    printable(&line.text, max_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Endless;

    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            loop {
                f.write_str("né")?;
            }
        }
    }

    #[test]
    fn texts_are_cut_at_characters() {
        assert_eq!(printable("a\0b\nc", 9), "a b c");
        assert_eq!(printable("éé", 3), "é");
        assert_eq!(first_line("one\ntwo", 9), "one");
        assert_eq!(first_line("one", 9), "one");
        assert_eq!(first_line(Endless, 8), "nénén");
        assert_eq!(first_line("\n", 9), "");
    }
}
