use super::*;
use quick_xml::events::Event;

fn written(write: impl FnOnce(&mut Writer)) -> String {
    let mut xml = Writer::new();
    write(&mut xml);
    String::from_utf8(xml.finish().expect("a document")).expect("UTF-8")
}

fn error(write: impl FnOnce(&mut Writer)) -> String {
    let mut xml = Writer::new();
    write(&mut xml);
    xml.finish().expect_err("a error").message
}

#[test]
fn characters_outside_of_xml_are_replaced() {
    let hostile = "\0a\u{1d}b\u{fffe}c\u{ffff}d\u{fffd}e\u{7f}\u{10ffff}";
    let text = written(|xml| {
        xml.start("a").attribute("b", hostile).text(hostile).end();
    });
    let clean = "\u{fffd}a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}e\u{7f}\u{10ffff}";
    assert_eq!(text, format!("<a b=\"{clean}\">{clean}</a>"));
}

#[test]
fn an_independent_reader_reads_the_same_cells() {
    let hostile = "<a href=\"x\">&amp; ' \t\r\n]]> é \u{1f6d2}</a>";
    let text = written(|xml| {
        xml.declaration();
        xml.start("root")
            .attribute("with", hostile)
            .attribute("empty", "");
        xml.start("leaf").text(hostile).text("more").end();
        xml.start("none").end();
        xml.end();
    });
    let mut reader = quick_xml::Reader::from_str(&text);
    let (mut attribute, mut content, mut depth) = (None, String::new(), 0);
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(start) => {
                depth += 1;
                if start.name().as_ref() == "root" {
                    let found = start.attributes().next().expect("one").expect("good");
                    let raw = found.value;
                    attribute = Some(
                        quick_xml::escape::unescape(&raw)
                            .expect("good")
                            .into_owned(),
                    );
                }
            }
            Event::End(_) => depth -= 1,
            Event::Text(text) => content.push_str(text.as_ref()),
            Event::GeneralRef(name) => {
                let entity = format!("&{};", name.as_ref());
                content.push_str(&quick_xml::escape::unescape(&entity).expect("known"));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    assert_eq!(attribute.as_deref(), Some(hostile));
    assert_eq!(content, format!("{hostile}more"));
}

#[test]
fn indentation_never_changes_text() {
    let mut xml = Writer::indented(1);
    xml.start("a");
    xml.element("b", " x ").start("c").end();
    xml.start("d").start("e").integer(-7).end().end();
    xml.end();
    let text = String::from_utf8(xml.finish().expect("a document")).expect("UTF-8");
    assert_eq!(
        text,
        "<a>\n <b> x </b>\n <c/>\n <d>\n  <e>-7</e>\n </d>\n</a>\n"
    );
}

#[test]
fn errors_leave_no_document() {
    assert_eq!(
        error(|xml| {
            xml.start("a");
        }),
        "`a` was not closed"
    );
    assert_eq!(error(|_| {}), "there is no root element");
    assert_eq!(
        error(|xml| {
            xml.element("a", "").end();
        }),
        "an element was closed that was never opened"
    );
    assert_eq!(
        error(|xml| {
            xml.element("a", "").element("b", "");
        }),
        "a document has one root element"
    );
    assert_eq!(
        error(|xml| {
            xml.start("a").text("").attribute("b", "").end();
        }),
        "an attribute must follow the start of its element"
    );
    assert_eq!(
        error(|xml| {
            xml.element("a b", "");
        }),
        "`a b` is not a name of an element or attribute"
    );
    assert_eq!(
        error(|xml| {
            xml.start("a").attribute("x=\"", "").end();
        }),
        "`x=\"` is not a name of an element or attribute"
    );
    assert_eq!(
        error(|xml| {
            xml.text("a");
        }),
        "text must be inside an element"
    );
}

#[test]
fn numbers_are_text() {
    let text = written(|xml| {
        xml.start("a")
            .amount(-5, 2)
            .text(" ")
            .decimal(Decimal::new(1250, 3))
            .text(" ")
            .amount(500, 0)
            .end();
    });
    assert_eq!(text, "<a>-0.05 1.250 500</a>");
}
