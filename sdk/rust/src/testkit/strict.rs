//! A second reader of tables and amounts, for tests that compare it with a plugin. It shares no code with
//! the readers of the SDK.

/// Decodes a file by its byte order mark, otherwise as UTF-8 or Windows-1252. `None` if it is invalid.
pub fn decode(bytes: &[u8], windows_1252: bool) -> Option<String> {
    let utf_16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (units, rest) = bytes.as_chunks::<2>();
        let units: Vec<u16> = units.iter().copied().map(unit).collect();
        String::from_utf16(&units).ok().filter(|_| rest.is_empty())
    };
    // Of the letters that differ from ISO 8859-1, only the sign of the euro matters here.
    let letter = |byte: &u8| {
        if *byte == 0x80 {
            '€'
        } else {
            char::from(*byte)
        }
    };
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes)?,
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => match String::from_utf8(rest.to_vec()) {
            Ok(text) if !windows_1252 || rest.len() < bytes.len() => text,
            _ if windows_1252 => rest.iter().map(letter).collect(),
            _ => return None,
        },
    };
    Some(text.trim_end_matches('\u{1a}').to_owned())
}

/// Splits a text into rows of trimmed cells, without empty rows. `None` if text follows a closing quote, or
/// a quote is never closed.
pub fn rows(text: &str, delimiter: char) -> Option<Vec<Vec<String>>> {
    let named = text
        .strip_prefix("sep=")
        .and_then(|rest| rest.chars().next());
    let (delimiter, text) = match named {
        Some(named) => (
            named,
            text.trim_start_matches(|letter| letter != '\n' && letter != '\r'),
        ),
        None => (delimiter, text),
    };
    let mut rows = vec![vec![]];
    let mut letters = text.chars().peekable();
    loop {
        let mut cell = String::new();
        if letters.next_if_eq(&'"').is_some() {
            loop {
                match letters.next()? {
                    '"' if letters.next_if_eq(&'"').is_none() => break,
                    letter => cell.push(letter),
                }
            }
        } else {
            while let Some(letter) =
                letters.next_if(|letter| *letter != delimiter && !matches!(letter, '\r' | '\n'))
            {
                cell.push(letter);
            }
        }
        rows.last_mut()?.push(cell.trim().to_owned());
        match letters.next() {
            None => break,
            Some('\r' | '\n') => rows.push(vec![]),
            Some(letter) if letter == delimiter => {}
            Some(_) => return None,
        }
    }
    rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
    Some(rows)
}

/// Finds the only column of this name, without regard to case.
pub fn column(header: &[String], name: &str) -> Option<usize> {
    let same = |found: &&String| found.to_lowercase() == name.to_lowercase();
    let count = header.iter().filter(same).count();
    let at = header.iter().position(|found| same(&found))?;
    (count == 1).then_some(at)
}

/// Returns the number of digits after the decimal point of a currency, for the currencies of the fixtures.
pub fn minor_digits(currency: &str) -> u32 {
    match currency.to_uppercase().as_str() {
        "JPY" | "ISK" => 0,
        "KWD" => 3,
        _ => 2,
    }
}

/// Parses an amount as minor units: digits with marks, at most one sign, and a code or sign of a currency.
pub fn minor(text: &str, decimal: char, thousands: Option<char>, digits: u32) -> Option<i64> {
    let blank = |letter: char| letter.is_whitespace();
    let currency = |letter: char| letter.is_ascii_uppercase() || letter == '€' || blank(letter);
    let (mut rest, mut negative, mut signs) = (text.trim_matches(currency), false, 0);
    if let Some(inner) = rest
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
    {
        (rest, negative, signs) = (inner.trim_matches(currency), true, 1);
    }
    for sign in ['-', '\u{2212}', '+'] {
        for without in [rest.strip_prefix(sign), rest.strip_suffix(sign)]
            .into_iter()
            .flatten()
        {
            (rest, negative, signs) = (without.trim_matches(currency), sign != '+', signs + 1);
        }
    }
    let (whole, part) = rest.split_once(decimal).unwrap_or((rest, ""));
    let group =
        |letter: char| thousands == Some(letter) || thousands.is_some_and(blank) && blank(letter);
    let whole: String = whole.chars().filter(|letter| !group(*letter)).collect();
    let kept = part.trim_end_matches('0');
    let all_digits = [&*whole, part]
        .concat()
        .bytes()
        .all(|byte| byte.is_ascii_digit());
    if signs > 1 || !all_digits || whole.is_empty() || kept.len() > digits as usize {
        return None;
    }
    let value: i128 = [
        &*whole,
        &format!("{kept:0<width$}", width = digits as usize),
    ]
    .concat()
    .parse()
    .ok()?;
    i64::try_from(if negative { -value } else { value }).ok()
}
