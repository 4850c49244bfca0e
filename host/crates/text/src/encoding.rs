//! Encodings of files.

/// The encoding of a file without a byte order mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub enum Encoding {
    /// The default.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// Spreadsheets in Western Europe write it; it covers ISO 8859-1.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

/// The encoding in which a file is read: that of its byte order mark, otherwise the configured one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One to four bytes for a character.
    Utf8,
    /// One byte for a character.
    Windows1252,
    /// Two or four bytes for a character, low byte first.
    Utf16Le,
    /// Two or four bytes for a character, high byte first.
    Utf16Be,
}

impl From<Encoding> for Form {
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Utf8 => Self::Utf8,
            Encoding::Windows1252 => Self::Windows1252,
        }
    }
}

impl Form {
    /// Returns the name for messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Windows1252 => "Windows-1252",
            Self::Utf16Le | Self::Utf16Be => "UTF-16",
        }
    }
}

/// Decodes a byte of Windows-1252 by the WHATWG encoding standard. The five undefined bytes become control
/// characters, which readers reject.
pub fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}',
        '\u{2021}', '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}',
        '\u{8f}', '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}',
        '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}',
        '\u{178}',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

/// Recognises UTF-16 and UTF-32 without a byte order mark by the start of the file.
///
/// Text contains no NUL. In UTF-16 every second byte of an ASCII character is NUL, and delimiters, digits and line
/// ends are ASCII in every language. A file with another NUL is rejected later, with its row and column.
pub(crate) fn unmarked(start: &[u8]) -> Option<&'static str> {
    let mut nul = [0_usize; 4];
    for (index, _) in start.iter().enumerate().filter(|(_, byte)| **byte == 0) {
        nul[index % 4] += 1;
    }
    if nul.iter().filter(|count| **count > start.len() / 8).count() >= 3 {
        return Some("UTF-32");
    }
    let (even, odd) = (nul[0] + nul[2], nul[1] + nul[3]);
    let needed = 2.max(start.len() / 16);
    // In an encoding of single bytes, the neighbour of a line end or a delimiter is not NUL.
    let aligned = |low: usize| {
        let special = |byte: u8| matches!(byte, b'\n' | b'\r' | b',' | b';' | b'"');
        let pairs = start.as_chunks::<2>().0;
        pairs.iter().all(|pair| match special(pair[low]) {
            true => pair[1 - low] == 0,
            false => !special(pair[1 - low]),
        })
    };
    match () {
        () if odd >= needed && odd > even * 4 && aligned(0) => Some("UTF-16 (low byte first)"),
        () if even >= needed && even > odd * 4 && aligned(1) => Some("UTF-16 (high byte first)"),
        () => None,
    }
}
