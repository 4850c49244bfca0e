//! The time of day after a date.

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    /// Since midnight, in whole seconds.
    pub seconds: i64,
    /// Seconds east of UTC, if the text states them.
    pub offset: Option<i64>,
}

/// Reads the time after a day: a space, a comma and a space, or `T`; then `18:03`, `18:03:07`, `18:03:07.250`,
/// `18.03.07`, `180307` or `6:03 PM`; then nothing, `Z`, `UTC`, `GMT`, `+01`, `+0100` or `+01:00`.
pub(super) fn clock(text: &str) -> Option<Clock> {
    let blanks = |text: &str| text.starts_with(char::is_whitespace);
    let time = match text.strip_prefix(['T', 't']) {
        Some(time) => time,
        None => {
            let rest = text.strip_prefix(',').unwrap_or(text);
            blanks(rest).then(|| rest.trim_start())?
        }
    };
    let (seconds, rest) = time_of_day(time)?;
    let (seconds, rest) = half(seconds, time, rest)?;
    let offset = match rest.trim_start() {
        "" => None,
        "Z" | "z" | "UTC" | "GMT" => Some(0),
        rest => Some(offset(rest)?),
    };
    Some(Clock { seconds, offset })
}

fn time_of_day(text: &str) -> Option<(i64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (first, mut rest) = text.split_at(digits);
    let number = |text: &str, below: i64| text.parse::<i64>().ok().filter(|number| *number < below);
    let (hour, minute, second) = match digits {
        4 | 6 => {
            let second = first
                .get(4..)
                .filter(|text| !text.is_empty())
                .unwrap_or("0");
            (
                number(&first[..2], 24)?,
                number(&first[2..4], 60)?,
                number(second, 60)?,
            )
        }
        1 | 2 => {
            let mark = rest
                .chars()
                .next()
                .filter(|mark| matches!(mark, ':' | '.'))?;
            let mut next = || {
                let (two, after) = rest.strip_prefix(mark)?.split_at_checked(2)?;
                let two = two
                    .bytes()
                    .all(|byte| byte.is_ascii_digit())
                    .then_some(two)?;
                rest = after;
                Some(two)
            };
            let (minute, second) = (next()?, next());
            (
                number(first, 24)?,
                number(minute, 60)?,
                number(second.unwrap_or("0"), 60)?,
            )
        }
        _ => return None,
    };
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        rest = (1..=9).contains(&digits).then(|| &fraction[digits..])?;
    }
    Some((hour * 3600 + minute * 60 + second, rest))
}

/// Applies `AM` or `PM`.
fn half<'t>(seconds: i64, time: &str, rest: &'t str) -> Option<(i64, &'t str)> {
    let trimmed = rest.trim_start();
    let word = trimmed.get(..2).unwrap_or_default();
    let afternoon = word.eq_ignore_ascii_case("pm");
    if !afternoon && !word.eq_ignore_ascii_case("am") {
        return Some((seconds, rest));
    }
    // Without a mark the hour has two digits of four or six, which no clock with AM and PM writes.
    let twelve = (3600..13 * 3600).contains(&seconds) && time.contains([':', '.']);
    let of_half = seconds % (12 * 3600);
    let start = if afternoon { 12 * 3600 } else { 0 };
    twelve.then(|| (start + of_half, &trimmed[2..]))
}

fn offset(text: &str) -> Option<i64> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest.len() {
        2 => (rest, "00"),
        4 => rest.split_at_checked(2)?,
        5 => rest.split_once(':')?,
        _ => return None,
    };
    let two = |text: &str, below: i64| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>()
            .ok()
            .filter(|number| digits && *number < below)
    };
    Some(sign * (two(hours, 24)? * 3600 + two(minutes, 60)? * 60))
}
