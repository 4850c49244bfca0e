//! Compares the SDK's writers with `quick-xml` and `csv-core`. They do the same work in alternating
//! rounds. `cargo bench -p galleria-sdk` prints the median of each. Compare the ratios, not the
//! absolute times.

use galleria_sdk::{csv, money, xml};
use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

const LINES: i64 = 50;
const ROUNDS: usize = 2001;
const SKU: &str = "4006381333931";
const TEXT: &str = "Sparkling water & lemon 0.5 l";

fn ours_xml() -> Vec<u8> {
    let mut xml = xml::Writer::new();
    xml.start("POSLog").attribute("MajorVersion", "6");
    for line in 0..LINES {
        xml.start("LineItem").start("Sale");
        xml.element("ItemID", SKU).element("Description", TEXT);
        xml.start("ExtendedAmount").attribute("Currency", "EUR");
        xml.amount(1299 + line, 2).end().end();
        xml.integer_element("SequenceNumber", line).end();
    }
    xml.end();
    xml.finish().expect("a document")
}

fn quick_xml() -> Vec<u8> {
    let mut xml = quick_xml::Writer::new(Vec::with_capacity(4096));
    let mut write = || -> std::io::Result<()> {
        xml.create_element("POSLog")
            .with_attribute(("MajorVersion", "6"))
            .write_inner_content(|xml| {
                for line in 0..LINES {
                    xml.create_element("LineItem").write_inner_content(|xml| {
                        xml.create_element("Sale").write_inner_content(|xml| {
                            text(xml, "ItemID", SKU)?;
                            text(xml, "Description", TEXT)?;
                            let amount = money::format(1299 + line, 2);
                            let amount = quick_xml::events::BytesText::new(&amount);
                            let element = xml.create_element("ExtendedAmount");
                            let element = element.with_attribute(("Currency", "EUR"));
                            element.write_text_content(amount)?;
                            Ok(())
                        })?;
                        text(xml, "SequenceNumber", &line.to_string())
                    })?;
                }
                Ok(())
            })?;
        Ok(())
    };
    write().expect("memory takes every write");
    xml.into_inner()
}

fn text(xml: &mut quick_xml::Writer<Vec<u8>>, name: &str, text: &str) -> std::io::Result<()> {
    let text = quick_xml::events::BytesText::new(text);
    xml.create_element(name).write_text_content(text)?;
    Ok(())
}

fn ours_csv() -> Vec<u8> {
    let mut rows = csv::Writer::new(&csv::Options::default()).expect("good options");
    for line in 0..LINES {
        rows.text("0042").text(SKU).text(TEXT);
        rows.amount(1299 + line, 2).integer(line).end_row();
    }
    rows.finish().expect("a file")
}

fn csv_core() -> Vec<u8> {
    let mut writer = csv_core::WriterBuilder::new()
        .terminator(csv_core::Terminator::CRLF)
        .build();
    let mut out = Vec::with_capacity(4096);
    let mut piece = [0; 256];
    for line in 0..LINES {
        let (amount, number) = (money::format(1299 + line, 2), line.to_string());
        for (index, cell) in ["0042", SKU, TEXT, &amount, &number].iter().enumerate() {
            if index > 0 {
                let (_, length) = writer.delimiter(&mut piece);
                out.extend_from_slice(&piece[..length]);
            }
            let (_, _, length) = writer.field(cell.as_bytes(), &mut piece);
            out.extend_from_slice(&piece[..length]);
        }
        let (_, length) = writer.terminator(&mut piece);
        out.extend_from_slice(&piece[..length]);
    }
    out
}

/// What is measured, and its name.
type Work = (&'static str, fn() -> Vec<u8>);

fn main() {
    assert_eq!(ours_xml(), quick_xml(), "the same work");
    assert_eq!(ours_csv(), csv_core(), "the same work");
    let work: [Work; 4] = [
        ("xml: this crate", ours_xml),
        ("xml: quick-xml", quick_xml),
        ("csv: this crate", ours_csv),
        ("csv: csv-core", csv_core),
    ];
    let mut times = work.map(|_| Vec::with_capacity(ROUNDS));
    for _ in 0..ROUNDS {
        for ((_, run), times) in work.iter().zip(&mut times) {
            let begin = Instant::now();
            black_box(run());
            times.push(begin.elapsed().as_nanos());
        }
    }
    let mut out = std::io::stdout().lock();
    for ((name, _), times) in work.iter().zip(&mut times) {
        times.sort_unstable();
        let median = times[ROUNDS / 2];
        writeln!(out, "{name:16} {median:>8} ns for {LINES} lines").expect("standard output");
    }
}
