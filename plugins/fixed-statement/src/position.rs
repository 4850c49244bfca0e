//! Positions in a record, which count characters or bytes.

use crate::settings::PositionUnit;
use galleria_sdk::quoted;
use galleria_sdk::text::Form;

/// The unit of the positions of a file.
#[derive(Clone, Copy, Debug)]
pub struct Positions {
    pub form: Form,
    /// The setting.
    pub unit: Option<PositionUnit>,
}

/// The length of a field.
#[derive(Clone, Copy, Debug)]
pub enum Length<'a> {
    Of(u32),
    /// As long as the longest of these words.
    Longest([&'a str; 2]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Count {
    Characters,
    Bytes,
    /// The units of UTF-16.
    Units,
}

impl Count {
    fn width(self, form: Form, letter: char) -> usize {
        match (self, form) {
            (Self::Characters, _) | (Self::Bytes, Form::Windows1252) => 1,
            (Self::Bytes, Form::Utf8) => letter.len_utf8(),
            (Self::Bytes, Form::Utf16Le | Form::Utf16Be) => 2 * letter.len_utf16(),
            (Self::Units, _) => letter.len_utf16(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Characters => "character",
            Self::Bytes => "byte",
            Self::Units => "16-bit unit",
        }
    }
}

impl Positions {
    /// Returns the text of a field, or what is wrong with it. If the setting is missing, all possible counts must find
    /// the same text: otherwise an amount could begin or end at a wrong digit.
    pub fn cut<'r>(self, text: &'r str, at: u32, length: Length<'_>) -> Result<&'r str, String> {
        let cut = |count| self.cut_by(count, text, at, length);
        let (count, other) = match (self.unit, self.form) {
            (Some(PositionUnit::Bytes), _) => (Count::Bytes, None),
            (Some(PositionUnit::Characters), _) | (None, Form::Windows1252) => {
                (Count::Characters, None)
            }
            // Nearly always one byte per letter.
            (None, _) if text.is_ascii() => (Count::Characters, None),
            (None, Form::Utf8) => (Count::Characters, Some(Count::Bytes)),
            (None, Form::Utf16Le | Form::Utf16Be) => (Count::Characters, Some(Count::Units)),
        };
        let found = cut(count);
        let Some(other) = other else {
            return found;
        };
        let second = cut(other);
        match found == second {
            true => found,
            false => {
                let show = |cut: Result<&str, String>| cut.map_or_else(|wrong| wrong, quoted);
                Err([
                    "depends on what positions count: set `unit`; by characters: ",
                    &*show(found),
                    "; by ",
                    other.name(),
                    "s: ",
                    &show(second),
                ]
                .concat())
            }
        }
    }

    fn cut_by<'r>(
        self,
        count: Count,
        text: &'r str,
        at: u32,
        length: Length<'_>,
    ) -> Result<&'r str, String> {
        let wide = |text: &str| {
            let widths = text.chars().map(|letter| count.width(self.form, letter));
            widths.sum::<usize>()
        };
        let length = match length {
            Length::Of(length) => length as usize,
            Length::Longest([one, other]) => wide(one).max(wide(other)),
        };
        let begin = at.saturating_sub(1) as usize;
        let end = begin + length;
        let (begin, end) = (self.index(count, text, begin), self.index(count, text, end));
        match (begin, end) {
            (Ok(begin), Ok(end)) => Ok(text[begin..end].trim()),
            (Err(Some(letter)), _) => Err(inside("starts", letter)),
            (_, Err(Some(letter))) => Err(inside("ends", letter)),
            (Err(None), _) | (_, Err(None)) => Err(format!(
                "ends at {} {}, but the record has {}",
                count.name(),
                at.saturating_sub(1) as usize + length,
                wide(text)
            )),
        }
    }

    /// Returns the index of a position in the text. The error is the character around the position, or nothing after
    /// the end.
    fn index(self, count: Count, text: &str, position: usize) -> Result<usize, Option<char>> {
        let mut before = 0;
        for (index, letter) in text.char_indices() {
            if before == position {
                return Ok(index);
            }
            before += count.width(self.form, letter);
            if before > position {
                return Err(Some(letter));
            }
        }
        if before == position {
            Ok(text.len())
        } else {
            Err(None)
        }
    }
}

fn inside(verb: &str, letter: char) -> String {
    let letter = quoted(letter.encode_utf8(&mut [0; 4]));
    [
        verb,
        " within ",
        &*letter,
        ", which has several bytes: correct `at` and `length`, or `unit`",
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use PositionUnit::{Bytes, Characters};

    fn cut(
        form: Form,
        unit: Option<PositionUnit>,
        text: &str,
        at: u32,
        length: u32,
    ) -> Result<&str, String> {
        Positions { form, unit }.cut(text, at, Length::Of(length))
    }

    #[test]
    fn a_field_has_the_same_text_in_all_counts_or_needs_the_setting() {
        use Form::{Utf8, Utf16Be, Windows1252};
        // Ten places for a name, five for an amount.
        let by_bytes = "Jos\u{e9}     12345";
        let by_characters = "Jos\u{e9}      12345";
        for (form, unit, text, expected) in [
            (Utf8, Some(Bytes), by_bytes, "12345"),
            (Utf8, Some(Characters), by_characters, "12345"),
            (Utf8, Some(Characters), "Jose\u{301}     12345", "12345"),
            (Utf8, Some(Bytes), "Jose\u{301}    12345", "12345"),
            (Utf8, Some(Bytes), "\u{1f6d2}      12345", "12345"),
            (Windows1252, None, by_characters, "12345"),
            (Windows1252, Some(Bytes), by_characters, "12345"),
            (Utf16Be, None, by_characters, "12345"),
            (
                Utf16Be,
                Some(Characters),
                "\u{1f6d2}         12345",
                "12345",
            ),
        ] {
            assert_eq!(
                cut(form, unit, text, 11, 5).as_deref(),
                Ok(expected),
                "{form:?} {unit:?} {text}"
            );
        }
        // In UTF-16 every one of these characters has two bytes.
        assert_eq!(
            cut(Utf16Be, Some(Bytes), by_characters, 21, 10).as_deref(),
            Ok("12345")
        );
        for (text, by_characters, by_bytes) in [
            (
                by_bytes,
                "ends at character 15, but the record has 14",
                "`12345`",
            ),
            (by_characters, "`12345`", "`1234`"),
            ("Jose\u{301}     12345", "`12345`", "`1234`"),
        ] {
            let expected = [
                "depends on what positions count: set `unit`; by characters: ",
                by_characters,
                "; by bytes: ",
                by_bytes,
            ];
            assert_eq!(cut(Utf8, None, text, 11, 5), Err(expected.concat()));
        }
        let astral = cut(Utf16Be, None, "\u{1f6d2}         12345", 11, 5).expect_err("two counts");
        assert!(astral.contains("; by 16-bit units: `1234`"), "{astral}");
        // The character is after the field, or the difference is only spaces.
        assert_eq!(
            cut(Utf8, None, "12345Jos\u{e9}", 1, 5).as_deref(),
            Ok("12345")
        );
        assert_eq!(cut(Utf8, None, by_bytes, 1, 8).as_deref(), Ok("Jos\u{e9}"));
    }

    #[test]
    fn a_field_must_not_start_or_end_within_a_character() {
        let fix = ", which has several bytes: correct `at` and `length`, or `unit`";
        for (at, length, verb) in [
            (1, 4, "ends"),
            (5, 4, "starts"),
            (4, 1, "ends"),
            (5, 1, "starts"),
        ] {
            let expected = format!("{verb} within `\u{e9}`{fix}");
            assert_eq!(
                cut(Form::Utf8, Some(Bytes), "Jos\u{e9}  12", at, length),
                Err(expected)
            );
        }
        assert_eq!(
            cut(Form::Utf8, Some(Bytes), "Jos\u{e9}  12", 4, 2),
            Ok("\u{e9}")
        );
        assert_eq!(
            cut(Form::Utf8, Some(Bytes), "Jos\u{e9}", 1, 6),
            Err("ends at byte 6, but the record has 5".to_owned())
        );
    }

    #[test]
    fn a_sign_is_as_long_as_its_word() {
        let sign = |unit, text| {
            let positions = Positions {
                form: Form::Utf8,
                unit: Some(unit),
            };
            positions.cut(text, 3, Length::Longest(["\u{2212}", "+"]))
        };
        assert_eq!(sign(Bytes, "12\u{2212}").as_deref(), Ok("\u{2212}"));
        assert_eq!(sign(Characters, "12+x").as_deref(), Ok("+"));
    }
}
