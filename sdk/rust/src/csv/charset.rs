//! Charsets of written files.

use galleria_text::windows_1252;

/// The charset of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub enum Charset {
    /// All of Unicode. The default.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// All of Unicode, in two bytes each, low byte first. Some spreadsheets call it Unicode.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// Western Europe, without the euro sign.
    #[serde(rename = "iso-8859-1")]
    Iso8859_1,
    /// Western Europe, with the euro sign. Older spreadsheets there expect it.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

/// The treatment of a character that the charset lacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unwritable {
    /// The file is rejected, with the row and the character.
    #[default]
    Refuse,
    /// A `?` replaces it.
    Replace,
}

impl Charset {
    /// Returns the name in a media type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Iso8859_1 => "iso-8859-1",
            Self::Windows1252 => "windows-1252",
        }
    }

    /// Returns the byte order mark, if the charset has one.
    pub(super) fn mark(self) -> Option<&'static [u8]> {
        match self {
            Self::Utf8 => Some(b"\xef\xbb\xbf"),
            Self::Utf16Le => Some(b"\xff\xfe"),
            Self::Iso8859_1 | Self::Windows1252 => None,
        }
    }

    /// Re-encodes the UTF-8 text from `begin` on. The error is the first character that the charset
    /// lacks.
    pub(super) fn encode(
        self,
        out: &mut Vec<u8>,
        begin: usize,
        unwritable: Unwritable,
    ) -> Result<(), char> {
        if self == Self::Utf8 {
            return Ok(());
        }
        // The text consists of whole strings and ASCII, so it is UTF-8.
        let text = String::from_utf8(out.split_off(begin)).unwrap_or_default();
        if self == Self::Utf16Le {
            out.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
            return Ok(());
        }
        for letter in text.chars() {
            match (self.byte(letter), unwritable) {
                (Some(byte), _) => out.push(byte),
                (None, Unwritable::Replace) => out.push(b'?'),
                (None, Unwritable::Refuse) => return Err(letter),
            }
        }
        Ok(())
    }

    fn byte(self, letter: char) -> Option<u8> {
        let low = u8::try_from(letter);
        match (self, low) {
            (_, Ok(byte @ (0..=0x7f | 0xa0..))) => Some(byte),
            (Self::Iso8859_1, Ok(byte)) => Some(byte),
            (Self::Windows1252, _) => (0x80..=0x9f).find(|byte| windows_1252(*byte) == letter),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::{Options, Writer};

    fn written(
        charset: Charset,
        unwritable: Unwritable,
        cells: &[&str],
    ) -> Result<Vec<u8>, String> {
        let options = Options {
            charset,
            unwritable,
            crlf: false,
            ..Options::default()
        };
        let mut rows = Writer::new(&options).expect("good options");
        for cell in cells {
            rows.text(cell).amount(-150, 2).end_row();
        }
        rows.finish().map_err(|error| error.to_string())
    }

    #[test]
    fn letters_of_western_europe_are_one_byte() {
        let found = written(
            Charset::Windows1252,
            Unwritable::Refuse,
            &["ñé €", "Š\u{201c}"],
        );
        let expected = b"\xf1\xe9 \x80,-1.50\n\x8a\x93,-1.50\n";
        assert_eq!(found.as_deref(), Ok(expected.as_slice()));
        let found = written(Charset::Iso8859_1, Unwritable::Refuse, &["ñ\u{85}"]);
        assert_eq!(found.as_deref(), Ok(b"\xf1\x85,-1.50\n".as_slice()));
    }

    #[test]
    fn every_byte_is_read_again() {
        for byte in 0..=255 {
            let letter = windows_1252(byte);
            assert_eq!(Charset::Windows1252.byte(letter), Some(byte), "{letter:?}");
            assert_eq!(Charset::Iso8859_1.byte(char::from(byte)), Some(byte));
        }
    }

    #[test]
    fn utf_16_has_a_mark_and_two_bytes_a_unit() {
        let options = Options {
            charset: Charset::Utf16Le,
            bom: true,
            crlf: false,
            ..Options::default()
        };
        let mut rows = Writer::new(&options).expect("good options");
        rows.text("é\u{1f6d2}").end_row();
        let file = rows.finish().expect("a file");
        assert_eq!(file, b"\xff\xfe\xe9\x00\x3d\xd8\xd2\xde\x0a\x00");
    }

    #[test]
    fn characters_outside_of_the_charset_are_rejected_with_their_row_or_replaced() {
        let cells = ["a", "Łódź", "b"];
        let refused = written(Charset::Iso8859_1, Unwritable::Refuse, &cells);
        let message = refused.expect_err("refused");
        assert!(
            message.contains("row 2") && message.contains("Ł"),
            "{message}"
        );
        let found = written(Charset::Iso8859_1, Unwritable::Replace, &cells);
        assert_eq!(
            found.as_deref(),
            Ok(b"a,-1.50\n?\xf3d?,-1.50\nb,-1.50\n".as_slice())
        );
        let euro = written(Charset::Iso8859_1, Unwritable::Refuse, &["1 €"]);
        assert!(euro.is_err(), "no euro in ISO 8859-1");
    }
}
