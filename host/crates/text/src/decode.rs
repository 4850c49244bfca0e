//! Decodes a file to UTF-8 while it is read.

use crate::encoding::unmarked;
use crate::separator::separator;
use crate::{Encoding, Form, windows_1252};
use std::fmt;
use std::io::{self, BufRead, Read};

/// Bytes per read.
const CHUNK: usize = 64 * 1024;
/// The number of bytes at the start of a file from which an encoding without a mark is recognised: some rows.
const START: usize = 1024;
/// The end-of-file mark of DOS, Ctrl-Z.
const END_MARK: u8 = 0x1a;
/// No UTF-8 contains this byte. It replaces bytes that cannot be decoded, so that the reader of the text rejects the
/// cell with its row and column.
const INVALID: u8 = 0xff;

/// The error of a file whose start cannot be read.
#[derive(Debug)]
pub enum StartError {
    /// The encoding of the file is not supported. The message contains a fix.
    Encoding(String),
    /// Reading failed.
    Io(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoding(message) => f.write_str(message),
            Self::Io(error) => write!(f, "cannot be read: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

/// Reads a file as UTF-8, from its configured encoding or the encoding of its byte order mark. The mark is not part
/// of the text, nor is an end-of-file mark (Ctrl-Z) after everything else.
///
/// Text that is invalid in its encoding becomes invalid UTF-8: the reader of the text knows the row and column.
///
/// ```
/// use galleria_text::{Decoder, Encoding};
/// use std::io::Read as _;
///
/// let mut text = String::new();
/// Decoder::new(&b"\xff\xfea\0;\0\xe9\0"[..], Encoding::Utf8).read_to_string(&mut text)?;
/// assert_eq!(text, "a;é");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Decoder<R> {
    input: R,
    started: bool,
    form: Form,
    chunk: Vec<u8>,
    /// Bytes of the file that are not decoded yet.
    bytes: Vec<u8>,
    /// Decoded text, of which the first `taken` bytes were read.
    text: Vec<u8>,
    taken: usize,
    /// End-of-file marks and line ends, which are text only if other text follows.
    tail: Vec<u8>,
    end_mark: bool,
}

impl<R: Read> Decoder<R> {
    /// Reads a file from its start.
    pub fn new(input: R, encoding: Encoding) -> Self {
        Self {
            input,
            started: false,
            form: encoding.into(),
            chunk: vec![0; CHUNK],
            bytes: Vec::new(),
            text: Vec::new(),
            taken: 0,
            tail: Vec::new(),
            end_mark: false,
        }
    }

    /// Reads the start of the file, unless it was read before. Reading the text does so too, but reports
    /// [`StartError`] as an I/O error.
    pub fn start(&mut self) -> Result<(), StartError> {
        if self.started {
            return Ok(());
        }
        self.started = true;
        while self.bytes.len() < START && self.read_more(START).map_err(StartError::Io)? {}
        let refuse = |name: &str, fix: &str| {
            let message = format!(
                "is {name}{fix}: save the file as UTF-8, or as UTF-16 with a byte order mark"
            );
            Err(StartError::Encoding(message))
        };
        const MARKS: [(&[u8], Option<Form>); 5] = [
            (b"\xff\xfe\0\0", None),
            (b"\0\0\xfe\xff", None),
            (b"\xef\xbb\xbf", Some(Form::Utf8)),
            (b"\xff\xfe", Some(Form::Utf16Le)),
            (b"\xfe\xff", Some(Form::Utf16Be)),
        ];
        match MARKS
            .into_iter()
            .find(|(mark, _)| self.bytes.starts_with(mark))
        {
            Some((_, None)) => return refuse("UTF-32", ""),
            Some((mark, Some(form))) => {
                self.form = form;
                self.bytes.drain(..mark.len());
            }
            None => {
                if let Some(name) = unmarked(&self.bytes) {
                    return refuse(name, " without a byte order mark");
                }
            }
        }
        self.decode(false);
        Ok(())
    }

    /// Returns the encoding in which the file is read.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Returns a note for the user if an end-of-file mark was ignored. Known at the end of the text.
    pub fn note(&self) -> Option<&'static str> {
        let note = "ignored an end-of-file mark (Ctrl-Z) after the last row";
        self.end_mark.then_some(note)
    }

    /// Reads the line `sep=;` at the start of the file, if there is one, and returns the delimiter. An empty line
    /// replaces it, so that rows keep their numbers. The error is a message. Call it before reading the text.
    pub fn separator(&mut self) -> Option<Result<u8, String>> {
        let (length, found) = separator(&self.text[self.taken..])?;
        self.taken += length;
        Some(found)
    }

    fn read_more(&mut self, most: usize) -> io::Result<bool> {
        let count = loop {
            match self.input.read(&mut self.chunk[..most]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        self.bytes.extend_from_slice(&self.chunk[..count]);
        Ok(count > 0)
    }

    /// Decodes the bytes so far. A character that is not complete waits for the next bytes, unless this is the end.
    fn decode(&mut self, end: bool) {
        self.text.clear();
        self.taken = 0;
        self.text.append(&mut self.tail);
        match self.form {
            Form::Utf8 => self.text.append(&mut self.bytes),
            Form::Windows1252 => {
                for byte in self.bytes.drain(..) {
                    push(&mut self.text, windows_1252(byte));
                }
            }
            Form::Utf16Le => self.decode_utf16(u16::from_le_bytes, end),
            Form::Utf16Be => self.decode_utf16(u16::from_be_bytes, end),
        }
        if end {
            return;
        }
        // Without a limit, a file of end-of-file marks would stay in memory.
        let is_tail = |byte: &u8| matches!(*byte, END_MARK | b'\r' | b'\n');
        let from_end = self
            .text
            .iter()
            .rev()
            .take(CHUNK)
            .take_while(|byte| is_tail(byte));
        let begin = self.text.len() - from_end.count();
        if let Some(mark) = self.text[begin..].iter().position(|byte| *byte == END_MARK) {
            self.tail = self.text.split_off(begin + mark);
        }
    }

    fn decode_utf16(&mut self, unit: fn([u8; 2]) -> u16, end: bool) {
        let (pairs, rest) = self.bytes.as_chunks::<2>();
        let mut units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        let mut rest = rest.to_vec();
        // The first half of a pair of surrogates waits for the second.
        if !end && let Some(last @ 0xd800..=0xdbff) = units.last().copied() {
            units.pop();
            let both = if unit([0, 1]) == 1 {
                last.to_be_bytes()
            } else {
                last.to_le_bytes()
            };
            rest.splice(..0, both);
        }
        for letter in char::decode_utf16(units) {
            match letter {
                Ok(letter) => push(&mut self.text, letter),
                Err(_) => self.text.push(INVALID),
            }
        }
        if end && !rest.is_empty() {
            self.text.push(INVALID);
            rest.clear();
        }
        self.bytes = rest;
    }
}

fn push(text: &mut Vec<u8>, letter: char) {
    text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
}

impl<R: Read> BufRead for Decoder<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if !self.started {
            self.start().map_err(io::Error::other)?;
        }
        while self.taken == self.text.len() {
            if self.read_more(CHUNK)? {
                self.decode(false);
                continue;
            }
            // Nothing follows the tail, so its marks end the file.
            self.end_mark |= !self.tail.is_empty();
            self.tail.clear();
            self.decode(true);
            break;
        }
        Ok(&self.text[self.taken..])
    }

    fn consume(&mut self, count: usize) {
        self.taken += count;
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
