//! A reader of Rust source for the checks: it removes comments and literals, and yields tokens.
//!
//! It knows only what the checks need. It is not a parser: macros are plain tokens to it, so that paths
//! in macro calls count as well.

use std::fs;
use std::path::{Path, PathBuf};

/// A token of Rust source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// An identifier or keyword, without `r#`.
    Identifier(String),
    /// `::`
    PathSeparator,
    /// Any other punctuation character.
    Punct(char),
}

/// A token with its line, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    pub token: Token,
    pub line: usize,
}

/// Splits Rust source into tokens. Comments, strings, characters, numbers and lifetimes yield none.
pub fn tokens(text: &str) -> Vec<Located> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(&first) = chars.get(at) {
        let next = chars.get(at + 1).copied();
        let end = match (first, next) {
            ('/', Some('/')) => line_end(&chars, at),
            ('/', Some('*')) => comment_end(&chars, at),
            ('"', _) => string_end(&chars, at + 1),
            ('\'', _) => quote_end(&chars, at),
            (':', Some(':')) => {
                let token = Token::PathSeparator;
                tokens.push(Located { token, line });
                at + 2
            }
            _ if first.is_ascii_digit() => word_end(&chars, at),
            _ if is_word(first) => {
                if let Some(end) = raw_or_prefixed(&chars, at) {
                    end
                } else {
                    let end = word_end(&chars, at);
                    let token = Token::Identifier(chars[at..end].iter().collect());
                    tokens.push(Located { token, line });
                    end
                }
            }
            _ => {
                if !first.is_whitespace() {
                    let token = Token::Punct(first);
                    tokens.push(Located { token, line });
                }
                at + 1
            }
        };
        let end = end.max(at + 1).min(chars.len());
        line += chars[at..end].iter().filter(|c| **c == '\n').count();
        at = end;
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn word_end(chars: &[char], from: usize) -> usize {
    let rest = chars[from..].iter().position(|c| !is_word(*c));
    rest.map_or(chars.len(), |length| from + length)
}

fn line_end(chars: &[char], from: usize) -> usize {
    let rest = chars[from..].iter().position(|c| *c == '\n');
    rest.map_or(chars.len(), |length| from + length)
}

/// Block comments nest.
fn comment_end(chars: &[char], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    at
}

/// `from` is after the opening quote.
fn string_end(chars: &[char], from: usize) -> usize {
    let mut at = from;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    at
}

/// A character literal, or a lifetime, whose name is skipped too.
fn quote_end(chars: &[char], from: usize) -> usize {
    match (chars.get(from + 1), chars.get(from + 2)) {
        (Some('\\'), _) => {
            // The escaped character may itself be a quote.
            let rest = chars.iter().skip(from + 3).position(|c| *c == '\'');
            rest.map_or(chars.len(), |length| from + 3 + length + 1)
        }
        (Some(_), Some('\'')) => from + 3,
        _ => word_end(chars, from + 1),
    }
}

/// The end of `r"..."`, `r#"..."#`, `b"..."`, `b'...'`, `br"..."`, `c"..."`; none if a word begins here.
/// `r#word` is the word, so only its prefix is skipped.
fn raw_or_prefixed(chars: &[char], from: usize) -> Option<usize> {
    let end = word_end(chars, from);
    let prefix: String = chars[from..end].iter().collect();
    let next = chars.get(end).copied()?;
    match (prefix.as_str(), next) {
        ("b" | "c", '"') => Some(string_end(chars, end + 1)),
        ("b", '\'') => Some(quote_end(chars, end)),
        ("r" | "br" | "cr", '"' | '#') => {
            let hashes = chars[end..].iter().take_while(|c| **c == '#').count();
            if chars.get(end + hashes) != Some(&'"') {
                return (prefix == "r").then_some(end + 1);
            }
            let mut at = end + hashes + 1;
            while at < chars.len() {
                let closes = chars[at] == '"'
                    && chars[at + 1..]
                        .iter()
                        .take(hashes)
                        .filter(|c| **c == '#')
                        .count()
                        == hashes;
                if closes {
                    return Some(at + 1 + hashes);
                }
                at += 1;
            }
            Some(at)
        }
        _ => None,
    }
}

/// Lists the files below a folder with one of the extensions, sorted by path. Skips hidden folders, build
/// output and packages of others.
pub fn files(folder: &Path, extensions: &[&str]) -> std::io::Result<Vec<PathBuf>> {
    const SKIPPED: [&str; 3] = ["target", "node_modules", "__pycache__"];
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !name.starts_with('.') && !SKIPPED.contains(&&*name) {
                found.extend(files(&path, extensions)?);
            }
        } else if let Some(extension) = path.extension()
            && extensions.iter().any(|one| extension == *one)
        {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let words = tokens(text).into_iter().filter_map(|one| match one.token {
            Token::Identifier(word) => Some(word),
            _ => None,
        });
        words.collect()
    }

    #[test]
    fn comments_and_literals_yield_no_words() {
        let text = r####"
            // line told
            /* block /* nested told */ told */
            let a = "told \" told"; let b = r#"told " told"#; let c = 'x'; let d = '\''; let e = b'"';
            fn f<'told>(x: &'told str) -> u8 { 1_000u64; b"told"; br##"to"#ld"## }
            let r#type = b;
        "####;
        let words = words(text);
        assert!(!words.contains(&"told".to_owned()), "{words:?}");
        assert!(words.contains(&"type".to_owned()), "{words:?}");
        assert_eq!(words.iter().filter(|word| *word == "let").count(), 6);
    }

    #[test]
    fn tokens_know_their_lines_and_paths() {
        let text = "/* one\ntwo */ crate::a;\n\"x\ny\" b";
        let found = tokens(text);
        let line = |word: &str| {
            let token = Token::Identifier(word.to_owned());
            found
                .iter()
                .find(|one| one.token == token)
                .map(|one| one.line)
        };
        assert_eq!(
            (line("crate"), line("a"), line("b")),
            (Some(2), Some(2), Some(4))
        );
        assert_eq!(found[1].token, Token::PathSeparator);
    }
}
