//! Text of files that other programs wrote, for the SDK and for imports of the host.
//!
//! Owns: encodings, byte order marks, the line `sep=`, the end-of-file mark of DOS, and the comparison of column
//! names. Never knows records, cells, or what a file means.
#![warn(missing_docs)]

mod decode;
mod encoding;
mod names;
mod separator;

pub use decode::{Decoder, StartError};
pub use encoding::{Encoding, Form, windows_1252};
pub use names::{comparable, escaped};
pub use separator::{DELIMITERS, is_delimiter};
