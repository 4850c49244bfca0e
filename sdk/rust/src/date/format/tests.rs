use super::*;

fn format(pattern: &str, pivot: Option<u16>, zone: Option<&str>) -> DateFormat {
    DateFormat::in_zone(pattern, pivot, zone).expect(pattern)
}

fn read(format: &DateFormat, text: &str) -> Option<String> {
    format.read(text).ok().map(|date| date.to_string())
}

#[test]
fn patterns_define_order_separators_and_zeros() {
    for (text, pattern) in [
        ("03/02/2026", "dd/mm/yyyy"),
        ("2026.02.03", "yyyy.mm.dd"),
        ("20260203", "yyyymmdd"),
        ("02-03-2026", "mm-dd-yyyy"),
        ("3/2/2026", "d/m/yyyy"),
        ("03/2/2026", "d/m/yyyy"),
        ("2026-2-3", "yyyy-m-d"),
        ("3.2. 2026 г", "d.m. yyyy г"),
    ] {
        assert_eq!(
            read(&format(pattern, None, None), text).as_deref(),
            Some("2026-02-03"),
            "{text}"
        );
    }
    for (text, pattern) in [
        ("3/2/2026", "dd/mm/yyyy"),
        ("03/2/2026", "dd/mm/yyyy"),
        ("03-02-2026", "dd/mm/yyyy"),
        ("30/02/2026", "dd/mm/yyyy"),
        ("003/2/2026", "d/m/yyyy"),
        ("0/2/2026", "d/m/yyyy"),
        ("3/2/26", "d/m/yyyy"),
        ("3/2/02026", "d/m/yyyy"),
        ("+3/2/2026", "d/m/yyyy"),
        ("3/ 2/2026", "d/m/yyyy"),
        ("٣/2/2026", "d/m/yyyy"),
        ("99/99/9999", "dd/mm/yyyy"),
        ("", "d/m/yyyy"),
        ("202602031", "yyyymmdd"),
    ] {
        assert_eq!(read(&format(pattern, None, None), text), None, "{text}");
    }
}

#[test]
fn years_outside_1900_to_2199_are_rejected() {
    let format = format("dd/mm/yyyy", None, None);
    for year in [1900, 2199] {
        let expected = format!("{year}-02-01");
        assert_eq!(read(&format, &format!("01/02/{year}")), Some(expected));
    }
    for year in ["0000", "0026", "1899", "2200", "9999"] {
        let text = format!("01/02/{year}");
        let message = format.read(&text).expect_err(&text).message;
        let rule = "is not a date in the form dd/mm/yyyy with a year from 1900 to 2199";
        assert_eq!(message, format!("`{text}` {rule}"));
    }
}

#[test]
fn patterns_that_do_not_describe_a_day_are_rejected() {
    for pattern in [
        "",
        "dd/mm",
        "ddd/mm/yyyy",
        "dd/mm/yyyyy",
        "dd/mm/yyy",
        "dd/mm/y",
        "dd/mm/yyyy d",
        "dmyyyy",
        "yyyymd",
        "d1m2yyyy",
        "DD/MM/YYYY",
        "yy/mm/yyyy/dd",
    ] {
        let problems = DateFormat::new(pattern, None).expect_err(pattern);
        assert_eq!(problems[0].field, "date", "{pattern}");
    }
    let fields = |pattern: &str, pivot, zone| {
        let problems = DateFormat::in_zone(pattern, pivot, zone)
            .err()
            .unwrap_or_default();
        problems
            .into_iter()
            .map(|problem| problem.field)
            .collect::<Vec<_>>()
    };
    assert_eq!(fields("dd/mm/yy", None, None), ["pivot_year"]);
    assert_eq!(fields("dd/mm/yy", Some(26), None), ["pivot_year"]);
    assert_eq!(fields("dd/mm/yyyy", Some(2000), None), ["pivot_year"]);
    assert_eq!(fields("dd/mm/yy", Some(2000), None), Vec::<String>::new());
    for zone in [
        "CET",
        "EST",
        "Etc/GMT+1",
        "Etc/Unknown",
        "Japan",
        "europe/madrid",
        "Europe/Madird",
        "+01:00",
        "",
    ] {
        assert_eq!(
            fields("d/m/yyyy", None, Some(zone)),
            ["time_zone"],
            "{zone}"
        );
    }
    for zone in ["UTC", "Etc/UTC", "Europe/Kiev", "America/Argentina/Ushuaia"] {
        assert_eq!(fields("d/m/yyyy", None, Some(zone)), Vec::<String>::new());
    }
    assert_eq!(
        fields("dd/mm", None, Some("Japan")),
        ["date", "time_zone"],
        "all problems"
    );
}

#[test]
fn the_zone_of_an_account_has_the_rule_of_the_host() {
    for name in galleria_time_zones::names() {
        let format = DateFormat::in_zone("d/m/yyyy", None, Some(name));
        assert!(format.is_ok(), "{name}");
    }
    for name in ["Europe/Madird", "Japan", "EST", "Factory", "GMT+1", "utc"] {
        let problems = DateFormat::in_zone("d/m/yyyy", None, Some(name)).expect_err(name);
        let rule = galleria_domain::zone::parse(name).expect_err(name);
        assert_eq!(problems, [Problem::new("time_zone", rule)], "{name}");
    }
}

#[test]
fn a_local_time_is_read_as_written() {
    let format = format("d/m/yyyy", None, None);
    let read = |text: &str| {
        let local = format.read_local(text);
        local.map(|(date, time)| [date.to_string(), time.unwrap_or_default()])
    };
    for (text, time) in [
        ("3/2/2026", ""),
        ("3/2/2026 9:05", "09:05:00"),
        ("3/2/2026T23.59.07", "23:59:07"),
    ] {
        assert_eq!(read(text), Ok(["2026-02-03".into(), time.into()]), "{text}");
    }
    let message = read("3/2/2026 9:05Z").expect_err("an offset").message;
    assert!(message.contains("has an offset from UTC"), "{message}");
    assert!(read("3/2/2026 x").is_err() && read("").is_err());
}

#[test]
fn two_digits_are_a_year_from_the_pivot_on() {
    for (pivot, text, expected) in [
        (2000, "24/11/26", "2026-11-24"),
        (2000, "24/11/99", "2099-11-24"),
        (2000, "01/01/00", "2000-01-01"),
        (1950, "24/11/49", "2049-11-24"),
        (1950, "24/11/50", "1950-11-24"),
        (1927, "24/11/26", "2026-11-24"),
        (1926, "24/11/26", "1926-11-24"),
        (2000, "29/02/00", "2000-02-29"),
    ] {
        let format = format("dd/mm/yy", Some(pivot), None);
        assert_eq!(read(&format, text).as_deref(), Some(expected), "{pivot}");
        // Four digits are two digits and a time without a separator.
        assert_eq!(read(&format, "24/11/2026"), None);
    }
    assert_eq!(
        read(&format("dd/mm/yy", Some(1900), None), "29/02/00"),
        None
    );
}

#[test]
fn a_time_after_the_day_changes_the_day_only_with_an_offset() {
    let local = format("dd/mm/yyyy", None, None);
    let madrid = format("dd/mm/yyyy", None, Some("Europe/Madrid"));
    for time in [
        " 23:59",
        " 23:59:59",
        "T23:59:59.999",
        "  23.59.59",
        ", 23:59:59",
        " 9:05",
        " 235959",
        "T2359",
        " 11:59 PM",
        " 11:59:59pm",
        " 23:59:59,5",
    ] {
        let text = ["24/11/2026", time].concat();
        for format in [&local, &madrid] {
            assert_eq!(read(format, &text).as_deref(), Some("2026-11-24"), "{text}");
        }
    }
    for (text, expected) in [
        ("24/11/2026T23:30:00Z", "2026-11-25"),
        ("24/11/2026 22:59:59 UTC", "2026-11-24"),
        ("24/11/2026 23:00:00 GMT", "2026-11-25"),
        ("25/11/2026 00:30+02:00", "2026-11-24"),
        ("25/11/2026 00:30:00 +0100", "2026-11-25"),
        ("24/11/2026 6:30 PM -05", "2026-11-25"),
        // Summer time ends on 25 October, at 01:00 UTC.
        ("24/10/2026 21:59:59Z", "2026-10-24"),
        ("24/10/2026 22:00:00Z", "2026-10-25"),
        ("25/10/2026 22:59:59Z", "2026-10-25"),
        ("25/10/2026 23:00:00Z", "2026-10-26"),
    ] {
        assert_eq!(read(&madrid, text).as_deref(), Some(expected), "{text}");
        let message = local.read(text).expect_err("an offset").message;
        assert!(message.contains("set `time_zone`"), "{message}");
    }
    for time in [
        " ",
        "T",
        "23:59",
        " 24:00",
        " 23:60",
        " 23:59:60",
        " 23:5",
        " 123:59",
        " 23:59:",
        " 23:59.",
        " 13:00 PM",
        " 0:30 AM",
        " 23:59 CET",
        " 23:59 +1",
        " 23:59+24:00",
        " 23:59+01:60",
        " 23:59 +01:00:00",
        " 23:59 Z x",
        " 2359 PM",
        " x",
        "/1",
        " 23:59:59.1234567890",
    ] {
        let text = ["24/11/2026", time].concat();
        assert_eq!(read(&madrid, &text), None, "{text}");
    }
}
