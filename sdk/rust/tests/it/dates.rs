//! Drawn days, rendered and broken, compared with the parser of jiff.

use galleria_sdk::DateFormat;
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::{Offset, TimeZone};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

const CASES: usize = 100_000;

/// A pattern, and the forms of jiff that it accepts. The first one is rendered with zeros.
struct Pattern {
    ours: &'static str,
    forms: Vec<String>,
    pivot: Option<i16>,
    format: DateFormat,
}

impl Pattern {
    fn new(ours: &'static str, pivot: Option<i16>) -> Self {
        let mut forms = vec![ours.to_owned()];
        for (part, theirs) in [
            ("yyyy", &["%Y"][..]),
            ("yy", &["%y"]),
            ("dd", &["%$"]),
            ("d", &["%$", "%-$"]),
            ("mm", &["%m"]),
            ("m", &["%m", "%-m"]),
        ] {
            let replace = |form: &String| {
                // `%m` of an earlier replacement is not a part.
                let parts = form.replace("%m", "%\u{1}").replace("%-m", "%-\u{1}");
                let all = theirs
                    .iter()
                    .map(|it| parts.replacen(part, it, 1).replace('\u{1}', "m"));
                match parts.contains(part) {
                    true => all.collect(),
                    false => vec![form.clone()],
                }
            };
            forms = forms.iter().flat_map(replace).collect();
        }
        let pivot_year = pivot.map(|pivot| u16::try_from(pivot).expect("a year"));
        Self {
            ours,
            forms: forms.iter().map(|form| form.replace('$', "d")).collect(),
            pivot,
            format: DateFormat::in_zone(ours, pivot_year, Some("Europe/Madrid")).expect(ours),
        }
    }

    fn render(&self, date: Date, form: usize) -> String {
        date.strftime(&self.forms[form]).to_string()
    }

    /// The day that jiff reads, if rendering it returns the same text: jiff
    /// reads more than the pattern allows, such as years before 1900.
    fn oracle(&self, text: &str) -> Option<Date> {
        self.forms.iter().find_map(|form| {
            let date = BrokenDownTime::parse(form, text).ok()?.to_date().ok()?;
            let date = match self.pivot {
                None => date,
                Some(pivot) => {
                    let year = pivot + (date.year() - pivot).rem_euclid(100);
                    Date::new(year, date.month(), date.day()).ok()?
                }
            };
            ((1900..2200).contains(&date.year()) && date.strftime(form).to_string() == text)
                .then_some(date)
        })
    }
}

fn patterns() -> Vec<Pattern> {
    [
        ("dd/mm/yyyy", None),
        ("d/m/yyyy", None),
        ("yyyy-mm-dd", None),
        ("yyyymmdd", None),
        ("ddmmyyyy", None),
        ("m/d/yyyy", None),
        ("d.mm.yyyy", None),
        ("yyyy. m. d.", None),
        ("dd.mm.yy", Some(2000)),
        ("d/m/yy", Some(1950)),
        ("yymmdd", Some(1970)),
        ("yy-m-d", Some(2026)),
    ]
    .map(|(ours, pivot)| Pattern::new(ours, pivot))
    .into()
}

fn draw(rng: &mut ChaCha8Rng, pivot: Option<i16>) -> Date {
    let first = pivot.unwrap_or(1900);
    let years = if pivot.is_some() { 100 } else { 300 };
    let begin = Date::new(first, 1, 1).expect("a day");
    let end = Date::new(first + years - 1, 12, 31).expect("a day");
    let days = begin.until(end).expect("a span").get_days();
    begin + jiff::Span::new().days(rng.random_range(0..=days))
}

/// Changes, removes or adds one character.
fn broken(rng: &mut ChaCha8Rng, text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let at = rng.random_range(0..letters.len());
    let other = [
        '0', '1', '3', '9', '/', '-', '.', ' ', 'x', '٣', '+', '\u{a0}',
    ][rng.random_range(0..12)];
    match rng.random_range(0..3) {
        0 => letters[at] = other,
        1 => drop(letters.remove(at)),
        _ => letters.insert(at, other),
    }
    letters.into_iter().collect()
}

#[test]
fn days_are_read_as_by_jiff() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let patterns = patterns();
    let (mut read, mut refused) = (0, 0);
    for _ in 0..CASES {
        let pattern = &patterns[rng.random_range(0..patterns.len())];
        let date = draw(&mut rng, pattern.pivot);
        let form = rng.random_range(0..pattern.forms.len());
        let mut text = pattern.render(date, form);
        let good = rng.random_ratio(1, 3);
        if !good {
            text = broken(&mut rng, &text);
        }
        let expected = pattern.oracle(&text).map(|date| date.to_string());
        let found = pattern.format.read(&text).ok().map(|date| date.to_string());
        assert_eq!(found, expected, "{text:?} as {}", pattern.ours);
        if good {
            assert_eq!(
                found,
                Some(date.to_string()),
                "{text:?} as {}",
                pattern.ours
            );
        }
        match found {
            Some(_) => read += 1,
            None => refused += 1,
        }
    }
    assert!(
        read > CASES / 3 && refused > CASES / 3,
        "{read} read, {refused} refused"
    );
}

#[test]
fn moments_fall_on_the_day_of_the_account() {
    const ZONES: [&str; 6] = [
        "Europe/Madrid",
        "America/New_York",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "UTC",
    ];
    let mut rng = ChaCha8Rng::seed_from_u64(80);
    let zones = ZONES.map(|name| {
        let format = DateFormat::in_zone("yyyy-mm-dd", None, Some(name)).expect(name);
        (format, TimeZone::get(name).expect(name))
    });
    for _ in 0..CASES / 4 {
        let (format, zone) = &zones[rng.random_range(0..zones.len())];
        let second = rng.random_range(0..86_400);
        let time = jiff::civil::Time::midnight() + jiff::Span::new().seconds(second);
        let local: DateTime = draw(&mut rng, Some(1970)).to_datetime(time);
        let minutes = rng.random_range(-14 * 60..=14 * 60);
        let offset = Offset::from_seconds(minutes * 60).expect("an offset");
        let moment = offset.to_timestamp(local).expect("a moment");
        let expected = zone.to_datetime(moment).date().to_string();
        let sign = if minutes < 0 { '-' } else { '+' };
        let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
        let text = local
            .strftime(["%F %T", "%FT%T", "%F %H.%M.%S", "%F %I:%M:%S %p"][rng.random_range(0..4)]);
        let text = format!("{text}{sign}{hours:02}:{rest:02}");
        let found = format.read(&text).expect(&text).to_string();
        assert_eq!(found, expected, "{text} in {zone:?}");
        let found = format.read(text.split(['+']).next().unwrap_or(&text));
        if sign == '+' {
            assert_eq!(
                found.map(|date| date.to_string()),
                Ok(local.date().to_string())
            );
        }
    }
}
