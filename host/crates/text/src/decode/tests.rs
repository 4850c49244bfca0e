use super::*;

/// Returns a few bytes at a time, so that pieces end at every place.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.0.len().min(out.len()).min(self.1);
        let (piece, rest) = self.0.split_at(count);
        out[..count].copy_from_slice(piece);
        self.0 = rest;
        Ok(count)
    }
}

fn decoded(bytes: &[u8], encoding: Encoding, step: usize) -> (Vec<u8>, Form, bool) {
    let mut decoder = Decoder::new(Slow(bytes, step), encoding);
    let mut text = Vec::new();
    decoder.read_to_end(&mut text).expect("text");
    (text, decoder.form(), decoder.note().is_some())
}

fn utf16(text: &str, low_first: bool) -> Vec<u8> {
    let bytes = |unit: u16| match low_first {
        true => unit.to_le_bytes(),
        false => unit.to_be_bytes(),
    };
    "\u{feff}"
        .encode_utf16()
        .chain(text.encode_utf16())
        .flat_map(bytes)
        .collect()
}

#[test]
fn every_encoding_gives_the_same_text() {
    let short = "a;é\r\n1;€ \u{1f6d2}\u{10ffff}x\r\n".to_owned();
    for text in [short.repeat(20_000), short, String::new(), "x".into()] {
        let western = text.replace(['\u{1f6d2}', '\u{10ffff}'], "?");
        let byte = |letter: char| (0..=255).find(|byte| windows_1252(*byte) == letter);
        let bytes: Option<Vec<u8>> = western.chars().map(byte).collect();
        let steps: &[usize] = if text.len() > 100 {
            &[4096, 1 << 20]
        } else {
            &[1, 2, 3, 5]
        };
        for step in steps {
            for (bytes, encoding, expected, form) in [
                (text.clone().into_bytes(), Encoding::Utf8, &text, Form::Utf8),
                (
                    ["\u{feff}", &text].concat().into_bytes(),
                    Encoding::Windows1252,
                    &text,
                    Form::Utf8,
                ),
                (
                    utf16(&text, true),
                    Encoding::Windows1252,
                    &text,
                    Form::Utf16Le,
                ),
                (utf16(&text, false), Encoding::Utf8, &text, Form::Utf16Be),
                (
                    bytes.clone().expect("western"),
                    Encoding::Windows1252,
                    &western,
                    Form::Windows1252,
                ),
            ] {
                let found = decoded(&bytes, encoding, *step);
                assert_eq!(
                    found,
                    (expected.clone().into_bytes(), form, false),
                    "{form:?} by {step}"
                );
            }
        }
    }
}

#[test]
fn invalid_bytes_become_invalid_utf8() {
    let cases: [(&[u8], &[u8]); 5] = [
        (b"\xff\xfea\0\x3d\xd8b\0", b"a\xffb"),
        (b"\xff\xfea\0\xd2\xdeb\0", b"a\xffb"),
        (b"\xff\xfea\0\x3d\xd8", b"a\xff"),
        (b"\xfe\xff\0a\0", b"a\xff"),
        (b"a\xffb", b"a\xffb"),
    ];
    for (bytes, expected) in cases {
        for step in 1..5 {
            assert_eq!(decoded(bytes, Encoding::Utf8, step).0, expected);
        }
    }
}

#[test]
fn unsupported_encodings_are_named() {
    let refused = |bytes: &[u8]| {
        let mut decoder = Decoder::new(bytes, Encoding::Utf8);
        decoder.start().err().map(|error| error.to_string())
    };
    let without = |text: &str, low_first| utf16(text, low_first)[2..].to_vec();
    let fix = "save the file as UTF-8, or as UTF-16 with a byte order mark";
    for text in [
        "a;b\r\n1;2\r\n",
        "Дата;Сумма;Комиссия\r\n01.02.2026;1;2\r\n",
        "ĀĀ;1;2;3;4;5;6\n",
    ] {
        for (low_first, order) in [(true, "low"), (false, "high")] {
            let expected =
                format!("is UTF-16 ({order} byte first) without a byte order mark: {fix}");
            assert_eq!(refused(&without(text, low_first)), Some(expected), "{text}");
        }
        let wide = |text: &str| {
            text.chars()
                .flat_map(|c| u32::from(c).to_le_bytes())
                .collect::<Vec<_>>()
        };
        let expected = format!("is UTF-32 without a byte order mark: {fix}");
        assert_eq!(refused(&wide(text)), Some(expected));
        let expected = format!("is UTF-32: {fix}");
        assert_eq!(
            refused(&wide(&["\u{feff}", text].concat())),
            Some(expected.clone())
        );
        let high: Vec<u8> = text
            .chars()
            .flat_map(|c| u32::from(c).to_be_bytes())
            .collect();
        assert_eq!(refused(&[b"\0\0\xfe\xff", &*high].concat()), Some(expected));
    }
    for text in ["a;b\n1;x\0y\n", "\0", "a\0", "name\0\0\0\0\0;1\n"] {
        assert_eq!(refused(text.as_bytes()), None, "{text:?}");
    }
    assert!(
        Decoder::new(&without("a;b", true)[..], Encoding::Utf8)
            .read(&mut [0; 9])
            .is_err()
    );
}

#[test]
fn only_a_mark_after_everything_else_is_ignored() {
    for (text, expected, mark) in [
        ("a\r\n1\r\n\x1a", "a\r\n1\r\n", true),
        ("a\n1\x1a\x1a\x1a", "a\n1", true),
        ("a\n1\x1a\r\n", "a\n1", true),
        ("\x1a", "", true),
        ("a\x1ab", "a\x1ab", false),
        ("a\n\x1a\n1\n\x1a", "a\n\x1a\n1\n", true),
        ("a\n", "a\n", false),
    ] {
        for step in 1..6 {
            let found = decoded(text.as_bytes(), Encoding::Utf8, step);
            assert_eq!(
                found,
                (expected.into(), Form::Utf8, mark),
                "{text:?} by {step}"
            );
            let found = decoded(&utf16(text, true), Encoding::Utf8, step);
            assert_eq!(
                found,
                (expected.into(), Form::Utf16Le, mark),
                "{text:?} by {step}"
            );
        }
    }
}

#[test]
fn an_endless_file_of_marks_is_not_kept_in_memory() {
    let mut decoder = Decoder::new(io::repeat(END_MARK), Encoding::Utf8);
    let mut text = vec![0; 1 << 20];
    decoder.read_exact(&mut text).expect("text");
    assert!(decoder.text.capacity() + decoder.tail.capacity() < 1 << 20);
}

#[test]
fn a_line_that_names_the_delimiter_leaves_an_empty_row() {
    for (text, delimiter, rest) in [
        ("sep=;\r\na;b", Some(Ok(b';')), "\r\na;b"),
        ("\u{feff}SEP=|\na|b", Some(Ok(b'|')), "\na|b"),
        ("a;b", None, "a;b"),
        ("", None, ""),
    ] {
        for bytes in [
            text.as_bytes().to_vec(),
            utf16(text.trim_start_matches('\u{feff}'), false),
        ] {
            let mut decoder = Decoder::new(&bytes[..], Encoding::Utf8);
            decoder.start().expect("a start");
            assert_eq!(decoder.separator(), delimiter);
            let mut found = String::new();
            decoder.read_to_string(&mut found).expect("text");
            assert_eq!(found, rest);
        }
    }
}
