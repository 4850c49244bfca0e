use super::*;

const CELLS: [&str; 12] = [
    "plain",
    "",
    "a,b",
    "a;b",
    "say \"hi\"",
    "two\r\nlines",
    " blanks ",
    "é\u{1f6d2}",
    "\"",
    "'",
    "1.5",
    "-",
];

fn written(options: &Options, write: impl FnOnce(&mut Writer)) -> String {
    let mut rows = Writer::new(options).expect("good options");
    write(&mut rows);
    String::from_utf8(rows.finish().expect("a file")).expect("UTF-8")
}

/// Reads with a library that shares no code with the writer.
fn read(text: &str, delimiter: u8) -> Vec<Vec<String>> {
    let mut reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    let (mut rows, mut row, mut cell) = (vec![], vec![], vec![]);
    let mut input = text.as_bytes();
    loop {
        let mut out = [0; 256];
        let (result, taken, given) = reader.read_field(input, &mut out);
        input = &input[taken..];
        cell.extend_from_slice(&out[..given]);
        match result {
            csv_core::ReadFieldResult::Field { record_end } => {
                row.push(String::from_utf8(std::mem::take(&mut cell)).expect("UTF-8"));
                if record_end {
                    rows.push(std::mem::take(&mut row));
                }
            }
            csv_core::ReadFieldResult::End => return rows,
            _ => {}
        }
    }
}

#[test]
fn an_independent_reader_reads_the_same_cells() {
    for delimiter in [',', ';', '\t', '|'] {
        for quotes in [Quotes::Necessary, Quotes::Texts, Quotes::Always] {
            let options = Options {
                delimiter,
                quotes,
                decimal_mark: ',',
                crlf: quotes != Quotes::Texts,
                ..Options::default()
            };
            let text = written(&options, |rows| {
                for cell in CELLS {
                    rows.text(cell);
                }
                rows.amount(-1299, 2).end_row().text("").end_row();
            });
            let mut expected: Vec<String> = CELLS.map(str::to_owned).into();
            expected[11] = "'-".into();
            expected.push("-12,99".into());
            assert_eq!(
                read(&text, delimiter as u8),
                [expected, vec![String::new()]],
                "{options:?}"
            );
        }
    }
}

#[test]
fn formulas_are_escaped_and_numbers_are_not() {
    let text = written(&Options::default(), |rows| {
        for cell in ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "x=1", "'=1", "'n"] {
            rows.text(cell);
        }
        rows.amount(-1, 0).decimal(Decimal::new(-15, 1)).end_row();
    });
    assert_eq!(
        text,
        "'=1+1,'+1,'-1,'@x,'\tx,\"'\rx\",x=1,''=1,'n,-1,-1.5\r\n"
    );
}

#[test]
fn the_guard_is_a_setting() {
    let options: Options = serde_json::from_str(r#"{ "guard": false }"#).expect("options");
    let text = written(&options, |rows| {
        rows.text("=1").text("-").text("'+").end_row();
    });
    assert_eq!(text, "=1,-,'+\r\n");
}

#[test]
fn a_decimal_comma_that_is_the_delimiter_is_quoted() {
    let options = Options {
        decimal_mark: ',',
        bom: true,
        crlf: false,
        ..Options::default()
    };
    let text = written(&options, |rows| {
        rows.amount(150, 2).integer(7).empty().end_row();
    });
    assert_eq!(text, "\u{feff}\"1,50\",7,\n");
}

#[test]
fn options_that_break_a_file_are_rejected() {
    for delimiter in ['"', 'x', '\n', 'é', '0', '-', '.'] {
        assert!(
            Writer::new(&Options {
                delimiter,
                ..Options::default()
            })
            .is_err(),
            "{delimiter}"
        );
    }
    let bad = Options {
        decimal_mark: ' ',
        ..Options::default()
    };
    assert_eq!(bad.problems("")[0].field, "decimal_mark");
    let mut unfinished = Writer::new(&Options::default()).expect("good options");
    unfinished.text("a");
    assert!(unfinished.finish().is_err());
}
