use super::*;
use std::io::Cursor;

static LAYOUT: Layout = Layout {
    columns: &["sku", "name", "price", "currency", "store"],
    required: &["sku", "name", "price", "currency"],
    integers: &[],
    further: "attribute:",
    row_bytes: 64 << 10,
    rows: 8,
};

fn read(bytes: &[u8], format: Format) -> (Vec<(u64, String, String)>, Vec<String>) {
    let mut problems = Problems::default();
    let mut file = Cursor::new(bytes.to_vec());
    let mut found = Vec::new();
    let rows = Rows::open(&mut file, &LAYOUT, format, Guards::Remove, &mut problems).expect("read");
    if let Some(mut rows) = rows {
        while let Some(cells) = rows.next(&mut problems).expect("read") {
            let texts = (cells.text("sku"), cells.text("price"));
            found.push((cells.at.row, texts.0.to_owned(), texts.1.to_owned()));
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
        "sku\tname\tprice\tcurrency\na,b\tx\t1.5\tEUR\n\n\"c\"\"d\"\ty\t2\tEUR\n",
        "sku|name|price|currency\na,b|x;|1.5|EUR\n\n\"c\"\"d\"|y|2|EUR\n",
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
fn a_delimiter_at_the_end_of_every_row_does_not_add_a_column() {
    let read = |text: &str| read(text.as_bytes(), Format::Csv);
    let header = "sku;name;price;currency; ;\n";
    let text = format!("{header}a;b;1;EUR;;\nc;d;2;EUR\n");
    assert_eq!(read(&text), (rows(&[(2, "a", "1"), (3, "c", "2")]), vec![]));
    let (_, listed) = read(&format!("{header}a;b;1;EUR;;x\n"));
    let surplus = "row 2, column 6: the row must have 4 cells like the header, got 6";
    assert_eq!(listed, [surplus]);
    let (_, listed) = read("sku;;name;price;currency\n");
    let unnamed = "row 1, column 2: must have a name, because it is not the last column";
    assert_eq!(listed, [unnamed]);
}

#[test]
fn a_field_occurs_once_in_an_object() {
    let text = br#"{"sku":"a","price":"1","\u0070rice":"2","sku":"a"}"#;
    let (found, listed) = read(text, Format::JsonLines);
    assert_eq!(found, rows(&[(1, "a", "1")]));
    let twice = "must occur once in the object";
    let expected = ["price", "sku"].map(|name| format!("row 1, {name}: {twice}"));
    assert_eq!(listed, expected);
}

#[test]
fn additional_columns_have_their_own_names() {
    let text =
        "Attribute: Floor area ;sku;name;price;currency;ATTRIBUTE:H\u{f6}he\n120;a;b;1;EUR;\n";
    let mut problems = Problems::default();
    let mut file = Cursor::new(text.as_bytes().to_vec());
    let rows = Rows::open(
        &mut file,
        &LAYOUT,
        Format::Csv,
        Guards::Remove,
        &mut problems,
    )
    .expect("read");
    let mut rows = rows.expect("a header");
    assert_eq!(rows.further(), ["Floor area", "H\u{f6}he"]);
    let cells = rows.next(&mut problems).expect("read").expect("a row");
    assert_eq!(cells.further(), ["120", ""]);
    let twice = "sku,attribute:\u{e5},name,attribute:A\u{30a},price,currency,attribute:\n";
    let (_, listed) = read(twice.as_bytes(), Format::Csv);
    let known = "must be one of sku, name, price, currency, store, or attribute: and a name";
    assert_eq!(
        listed,
        [
            "row 1, attribute:A\\u{30a}: must occur once; this is the second column of this name",
            &format!("row 1, attribute:: {known}"),
        ]
    );
}

#[test]
fn names_are_compared_without_case_and_composition() {
    let text = "\u{17f}ku,NAME,Price,currency\na,b,1,EUR\n";
    let read = |text: &str| read(text.as_bytes(), Format::Csv);
    assert_eq!(read(text), (rows(&[(2, "a", "1")]), vec![]));
    let (_, listed) = read("sku,n\u{430}me,price,currency\u{200b}\n");
    let known = "must be one of sku, name, price, currency, store, or attribute: and a name";
    let has = "must be a column; the columns are sku, n\\u{430}me, price, currency\\u{200b}";
    assert_eq!(
        listed,
        [
            format!("row 1, n\\u{{430}}me: {known}"),
            format!("row 1, currency\\u{{200b}}: {known}"),
            format!("row 1, name: {has}"),
            format!("row 1, currency: {has}"),
        ]
    );
    let (_, listed) = read("sku,name,price,currency,SKU\n");
    let twice = "row 1, SKU: must occur once; this is the second column of this name";
    assert_eq!(listed, [twice]);
}

#[test]
fn rows_beyond_the_limit_are_rejected() {
    let text = format!("sku,name,price,currency\n{}", "a,b,1,EUR\n".repeat(9));
    let (found, listed) = read(text.as_bytes(), Format::Csv);
    assert_eq!(found.len(), 8);
    let last = "row 10, file: must have at most 8 rows; send the rest in another file";
    assert_eq!(listed, [last]);
}

#[test]
fn unreadable_cells_are_listed_by_row() {
    let mut text = b"sku,name,price,currency\n".to_vec();
    text.extend(b"a,b\nx,\"5\" pipe\",1,EUR\n\xff,n,1,EUR\na,b,1,EUR,,x\n");
    text.extend(b"\"\n\",n,1,EUR\na,n\na,b,\"1,EUR\na,b,1,EUR\n");
    let (_, listed) = read(&text, Format::Csv);
    let twice = "write a quote within a quoted cell twice";
    assert_eq!(
        listed,
        [
            "row 2, price: the row must have 4 cells like the header, got 2",
            &format!("row 3, name: has text after its closing quote; {twice}"),
            "row 4, sku: must be UTF-8",
            "row 5, column 6: the row must have 4 cells like the header, got 6",
            "row 7, price: the row must have 4 cells like the header, got 2 (line 8 of the file)",
            &format!(
                "row 8, price: starts with a quote that is not closed; {twice}; the rest of the file was not read \
                 (line 9 of the file)"
            ),
        ]
    );
    let (_, listed) = read(
        b"[1]\n{\"sku\":\n{\"price\":1.5,\"size\":\"L\"}\n",
        Format::JsonLines,
    );
    assert_eq!(listed.len(), 4, "{listed:?}");
}

#[test]
fn every_line_end_gives_the_same_rows() {
    let expected = rows(&[(2, "a", "1"), (3, "5\" pipe", "2"), (5, "c\rd", "3")]);
    for end in ["\n", "\r\n", "\r"] {
        for last in [end, ""] {
            let lines = [
                "sku;name;price;currency",
                "a;x;1;EUR",
                "5\" pipe;5\"\";2;EUR",
                "",
                "\"c\rd\";\"\"\"y\"\"\";3;EUR",
            ];
            let text = lines.join(end) + last;
            let (found, listed) = read(text.as_bytes(), Format::Csv);
            assert_eq!((found, listed), (expected.clone(), vec![]), "{text:?}");
        }
    }
}

#[test]
fn files_of_other_programs_are_decoded() {
    let expected = rows(&[(3, "a", "1")]);
    for text in [
        "sep=|\r\nsku|name|price|currency\r\na|x|1|EUR\r\n",
        "\n\"sku\";\"name\";\"price\";\"currency\"\r\"a\";\"x\";\"1\";\"EUR\"\r\x1a",
    ] {
        let utf_16 = ["\u{feff}", text].concat();
        let utf_16 = utf_16.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [text.as_bytes().to_vec(), utf_16] {
            assert_eq!(read(&bytes, Format::Csv), (expected.clone(), vec![]));
        }
    }
    let utf_16 = "\u{feff}\r\n\r\n{\"sku\": \"a\", \"price\": \"1\"}\r\n\x1a";
    let utf_16: Vec<u8> = utf_16.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(read(&utf_16, Format::JsonLines), (expected, vec![]));
    for format in [Format::Csv, Format::JsonLines] {
        let (_, listed) = read(&utf_16[2..], format);
        assert!(listed[0].contains("UTF-16"), "{listed:?}");
    }
}

#[test]
fn the_delimiter_of_a_header_with_quotes_is_found() {
    for header in [
        "\"attribute:a,b,c,d,e\";sku;name;price;currency",
        "sku;name;\"price\";\"currency\";attribute:5\" pipe, 3",
        "\"sku\",\"name\",\"price\",\"currency\",\"attribute:;;;;\"",
    ] {
        assert_eq!(read(header.as_bytes(), Format::Csv).1, [""; 0], "{header}");
    }
    let (_, listed) = read(b"\"sku\";\"na\"me\";price", Format::Csv);
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert!(listed[0].starts_with("row 1, column 2: has text after its closing quote"));
}

#[test]
fn an_endless_line_is_not_read_into_memory() {
    let mut file = Endless::default();
    let mut problems = Problems::default();
    let mut rows = Rows::open(
        &mut file,
        &LAYOUT,
        Format::Csv,
        Guards::Remove,
        &mut problems,
    )
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
    begun: bool,
    given: usize,
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let header = b"sku,name,price,currency\n";
        if !self.begun {
            out[..header.len()].copy_from_slice(header);
            self.begun = true;
            return Ok(header.len());
        }
        out.fill(b'x');
        self.given += out.len();
        Ok(out.len())
    }
}

impl Seek for Endless {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        self.begun = false;
        Ok(0)
    }
}
