use super::*;
use std::io::Cursor;

static LAYOUT: Layout = Layout {
    columns: &["sku", "name", "price", "currency", "store"],
    required: &["sku", "name", "price", "currency"],
    further: "attribute:",
    line_bytes: 64 << 10,
    rows: 5,
};

fn read(bytes: &[u8], format: Format) -> (Vec<(u64, String, String)>, Vec<String>) {
    let mut problems = Problems::default();
    let mut file = Cursor::new(bytes.to_vec());
    let mut found = Vec::new();
    let rows = Rows::open(&mut file, &LAYOUT, format, &mut problems).expect("read");
    if let Some(mut rows) = rows {
        while let Some(cells) = rows.next(&mut problems).expect("read") {
            let texts = (cells.text("sku"), cells.text("price"));
            found.push((cells.row, texts.0.to_owned(), texts.1.to_owned()));
        }
    }
    let listed = problems.listed.iter().map(ToString::to_string).collect();
    (found, listed)
}

fn rows(of: &[(u64, &str, &str)]) -> Vec<(u64, String, String)> {
    of.iter()
        .map(|(row, sku, price)| (*row, (*sku).to_owned(), (*price).to_owned()))
        .collect()
}

#[test]
fn column_order_delimiter_byte_order_mark_quotes_and_blank_lines_do_not_matter() {
    let expected = rows(&[(2, "a,b", "1.5"), (4, "c\"d", "2")]);
    for text in [
        "sku,name,price,currency\n\"a,b\",x,1.5,EUR\n\n\"c\"\"d\",y,2,EUR\n",
        "\u{feff}Currency;PRICE;sku;name\r\nEUR;1.5;a,b;x\r\n  \r\nEUR;\"2\";\"c\"\"d\";y",
        "name,store,sku,price,currency\nx,,\"a,b\",1.5,EUR\n,,,,\ny,s,\"c\"\"d\", 2 ,EUR\n,,,,\n",
    ] {
        assert_eq!(
            read(text.as_bytes(), Format::Csv),
            (expected.clone(), vec![]),
            "{text}"
        );
    }
    let lines = concat!(
        r#"{"sku":"a,b","price":"1.5"}"#,
        "\n\n",
        r#"{"price":"2","sku":"c\"d"}"#,
    );
    let expected = rows(&[(1, "a,b", "1.5"), (3, "c\"d", "2")]);
    assert_eq!(
        read(lines.as_bytes(), Format::JsonLines),
        (expected, vec![])
    );
}

#[test]
fn an_invalid_header_is_rejected_with_all_its_problems() {
    let (found, listed) = read(b"sku,colour,sku\na,b,c\n", Format::Csv);
    assert!(found.is_empty());
    let fields: Vec<_> = listed
        .iter()
        .map(|text| text.split(':').next().expect("a field"))
        .collect();
    assert_eq!(
        fields,
        [
            "row 1, colour",
            "row 1, sku",
            "row 1, name",
            "row 1, price",
            "row 1, currency"
        ]
    );
    assert_eq!(read(b"", Format::Csv).1.len(), 1);
}

#[test]
fn additional_columns_have_their_own_names() {
    let text =
        "Attribute: Floor area ;sku;name;price;currency;attribute:floor area\n120;a;b;1;EUR;\n";
    let mut problems = Problems::default();
    let mut file = Cursor::new(text.as_bytes().to_vec());
    let rows = Rows::open(&mut file, &LAYOUT, Format::Csv, &mut problems).expect("read");
    let mut rows = rows.expect("a header");
    assert_eq!(rows.further(), ["Floor area", "floor area"]);
    let cells = rows.next(&mut problems).expect("read").expect("a row");
    assert_eq!(cells.further(), ["120", ""]);
    let twice = b"sku,attribute:a,name,attribute:a,price,currency,attribute:\n";
    let (_, listed) = read(twice, Format::Csv);
    let known = "must be one of sku, name, price, currency, store, or attribute: and a name";
    assert_eq!(
        listed,
        [
            "row 1, attribute:a: must occur once; this is the second column of this name",
            &format!("row 1, attribute:: {known}"),
        ]
    );
}

#[test]
fn rows_beyond_the_limit_are_rejected() {
    let text = format!("sku,name,price,currency\n{}", "a,b,1,EUR\n".repeat(6));
    let (found, listed) = read(text.as_bytes(), Format::Csv);
    assert_eq!(found.len(), 5);
    let last = "row 7, file: must have at most 5 rows; send the rest in another file";
    assert_eq!(listed, [last]);
}

#[test]
fn unreadable_cells_are_listed_by_row() {
    let mut text = b"sku,name,price,currency\n".to_vec();
    text.extend(b"a,b\n\"x,y,1,EUR\n\xff,n,1,EUR\na,b,1,EUR,,\n");
    let (_, listed) = read(&text, Format::Csv);
    let rows: Vec<_> = listed
        .iter()
        .map(|text| text.split(':').next().expect("a field"))
        .collect();
    assert_eq!(
        rows,
        ["row 2, row", "row 3, row", "row 4, sku", "row 5, row"]
    );
    let (_, listed) = read(
        b"[1]\n{\"sku\":\n{\"price\":1.5,\"size\":\"L\"}\n",
        Format::JsonLines,
    );
    assert_eq!(listed.len(), 4, "{listed:?}");
}

#[test]
fn an_endless_line_is_not_read_into_memory() {
    let mut file = Endless::default();
    let mut problems = Problems::default();
    let mut rows = Rows::open(&mut file, &LAYOUT, Format::Csv, &mut problems)
        .expect("read")
        .expect("a header");
    assert!(rows.next(&mut problems).expect("read").is_none());
    drop(rows);
    assert!(problems.listed[0].to_string().contains("65536 bytes"));
    assert!(file.given < 1 << 20, "{} bytes were read", file.given);
}

/// A header and one endless cell.
#[derive(Default)]
struct Endless {
    given: usize,
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let header = b"sku,name,price,currency\n";
        if self.given == 0 {
            out[..header.len()].copy_from_slice(header);
            self.given = header.len();
            return Ok(header.len());
        }
        out.fill(b'x');
        self.given += out.len();
        Ok(out.len())
    }
}

impl Seek for Endless {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Ok(0)
    }
}
