//! The rules for texts that a guest hands over.

use super::broken;
use crate::HostFault;

/// The characters that a text may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Characters {
    /// All except NUL, which PostgreSQL refuses.
    NotNul,
    /// No control characters: the text is a key, a name or a header.
    Printable,
}

/// The rule for a text.
#[derive(Debug)]
pub struct TextRule {
    /// What the text is, for `sdk/GUIDE.md`.
    pub what: &'static str,
    /// Its maximum length in bytes.
    pub max_bytes: usize,
    /// The characters that it may have.
    pub characters: Characters,
    /// Its record and field in `types.wit`, or its parameter in `capabilities.wit`.
    pub wit: &'static str,
}

macro_rules! text_rules {
    ($($(#[doc = $doc:literal])* $name:ident: $what:literal, $max_bytes:expr, $characters:ident, $wit:literal;)*) => {
        $(
            $(#[doc = $doc])*
            pub(super) static $name: TextRule = TextRule {
                what: $what,
                max_bytes: $max_bytes,
                characters: Characters::$characters,
                wit: $wit,
            };
        )*

        /// All rules.
        pub static TEXTS: &[&TextRule] = &[$(&$name,)*];
    };
}

text_rules! {
    /// RFC 6838 allows 127 bytes for the type and 127 for the subtype; parameters follow.
    MEDIA_TYPE: "media type of a document or an output file", 512, Printable, "document.media-type";
    /// Keys are indexed, and PostgreSQL refuses entries of an index above 2,704 bytes.
    KEY: "key of a publication", 1_024, Printable, "publication.key";
    METHOD: "method of a request", 32, Printable, "outgoing.method";
    /// Common servers refuse a request line of more than 8 KiB.
    PATH: "path of a request", 8 << 10, Printable, "outgoing.path";
    /// The limit of common servers for one header.
    HEADER_VALUE: "value of a header", 8 << 10, Printable, "outgoing.headers";
    TEMPLATE: "template of a receipt", 256, Printable, "receipt.template";
    /// BCP 47 needs 35 bytes for a tag without extensions.
    LOCALE: "locale of a receipt", 64, Printable, "receipt.locale";
    ATTRIBUTE_NAME: "name of an attribute, a note, a header or a sum", 256, Printable, "attribute.name";
    ATTRIBUTE_VALUE: "value of an attribute, a note or a sum", 8 << 10, NotNul, "attribute.value";
    MEMBER_ID: "id of a member", 256, Printable, "member.id";
    PROGRAMME: "programme of a member", 256, Printable, "member.programme";
}

impl TextRule {
    /// Refuses a text that breaks the rule. `place` is its dotted path.
    pub(super) fn check(
        &self,
        text: &str,
        place: impl FnOnce() -> String,
    ) -> Result<(), HostFault> {
        if text.len() > self.max_bytes {
            return Err(broken(format!(
                "{}: must have at most {} bytes, got {}",
                place(),
                self.max_bytes,
                text.len()
            )));
        }
        let (refused, rule) = match self.characters {
            Characters::NotNul => (text.contains('\0'), "must not contain the character NUL"),
            Characters::Printable => (
                text.chars().any(char::is_control),
                "must have no control character",
            ),
        };
        match refused {
            true => Err(broken(format!("{}: {rule}, got {}", place(), quoted(text)))),
            false => Ok(()),
        }
    }
}

/// A text of a guest for a message: escaped, and cut.
pub fn quoted(text: &str) -> String {
    let cut = &text[..text.floor_char_boundary(100)];
    let more = if cut.len() < text.len() { "..." } else { "" };
    format!("{cut:?}{more}")
}
