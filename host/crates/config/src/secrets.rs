//! `[secrets]` of `retailer.toml`: where keys are and what they are for, read when a slot is granted them.
//!
//! Owns: decoding, lengths, versions. A message names secret, version, variable or file, and at most how
//! many digits or bytes there are; never a value or a part of one. What no slot is granted is not read:
//! a host can run one retailer's plugins without another's keys.

use crate::checks::Checks;
use crate::raw::{RawSecret, RawSource, RawVersion};
use crate::suggest;
use base64ct::{Base64Unpadded, Encoding as _};
use galleria_domain::names::is_id;
use galleria_domain::plugin::{Operation, Rights};
use galleria_domain::{Cipher, KeyVersion, SecretKey};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

const CIPHERS: &[(&str, Cipher)] = &[
    ("aes-cbc", Cipher::AesCbc),
    ("aes-gcm", Cipher::AesGcm),
    ("hmac-sha256", Cipher::HmacSha256),
];

const ENCODINGS: &[(&str, Encoding)] = &[
    ("hex", Encoding::Hex),
    ("base64", Encoding::Base64),
    ("text", Encoding::Text),
];

/// The id of a secret's version where none is given.
const FIRST_ID: &str = "1";

/// Of a file. A key has some dozen bytes; whoever names a log file by mistake is told soon.
const FILE_BYTES: u64 = 64 << 10;

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In a variable of the environment.
    Env(String),
    /// In a file.
    File(PathBuf),
}

impl std::fmt::Display for SecretSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
        }
    }
}

/// How a key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Hex,
    Base64,
    Text,
}

/// One version, as declared.
struct Version {
    /// Where it is declared: `secrets.NAME` or `secrets.NAME.older.0`.
    place: String,
    id: String,
    source: SecretSource,
    iv: Option<SecretSource>,
}

/// A secret, as declared.
struct Declared {
    cipher: Option<Cipher>,
    encoding: Option<Encoding>,
    /// The newest first.
    versions: Vec<Version>,
}

/// The secrets of a retailer. Each is read once, whoever is granted it.
pub(crate) struct Vault<'e> {
    env: &'e BTreeMap<String, String>,
    /// None where the declaration is wrong, which was told.
    declared: BTreeMap<String, Option<Declared>>,
    read: BTreeMap<String, Option<Arc<SecretKey>>>,
}

impl<'e> Vault<'e> {
    /// What is declared; nothing is read yet.
    pub(crate) fn new(
        raw: BTreeMap<String, RawSecret>,
        env: &'e BTreeMap<String, String>,
        checks: &mut Checks,
    ) -> Self {
        let declare = |(name, raw): (String, RawSecret)| {
            let declared = declared(&format!("secrets.{name}"), raw, checks);
            (name, declared)
        };
        Self {
            env,
            declared: raw.into_iter().map(declare).collect(),
            read: BTreeMap::new(),
        }
    }

    /// Where the newest version of each is.
    pub(crate) fn sources(&self) -> BTreeMap<String, SecretSource> {
        let newest = |(name, declared): (&String, &Option<Declared>)| {
            let newest = declared.as_ref()?.versions.first()?;
            Some((name.clone(), newest.source.clone()))
        };
        self.declared.iter().filter_map(newest).collect()
    }

    /// The keys that rights name, read now.
    pub(crate) fn granted(
        &mut self,
        key: &str,
        rights: &Rights,
        checks: &mut Checks,
    ) -> BTreeMap<String, Arc<SecretKey>> {
        let mut keys = BTreeMap::new();
        for (name, operations) in &rights.secrets {
            let key = format!("{key}.secrets.{name}");
            let Some(declared) = self.declared.get(name) else {
                let message = "this file has no such secret: say where it is under [secrets]";
                checks.wrong(key, message);
                continue;
            };
            let Some(declared) = declared else { continue };
            if let Some(cipher) = declared.cipher {
                check_operations(&key, cipher, operations, checks);
            }
            let env = self.env;
            let read = self.read.entry(name.clone()).or_insert_with(|| {
                let place = format!("secrets.{name}");
                read(&place, declared, env, checks).map(Arc::new)
            });
            if let Some(read) = read {
                keys.insert(name.clone(), Arc::clone(read));
            }
        }
        keys
    }
}

/// What may be done with a key is what its cipher does.
fn check_operations(
    key: &str,
    cipher: Cipher,
    operations: &BTreeSet<Operation>,
    checks: &mut Checks,
) {
    let (name, can): (_, &[Operation]) = match cipher {
        Cipher::AesCbc => ("aes-cbc", &[Operation::Decrypt, Operation::Encrypt]),
        Cipher::AesGcm => ("aes-gcm", &[Operation::Decrypt, Operation::Encrypt]),
        Cipher::HmacSha256 => ("hmac-sha256", &[Operation::Mac]),
    };
    for operation in operations.iter().filter(|wanted| !can.contains(wanted)) {
        let right: Vec<String> = can.iter().map(|can| format!("`{can}`")).collect();
        let message = format!(
            "`{operation}` is nothing a key of {name} does; it does {}",
            right.join(" and ")
        );
        checks.wrong(key, message);
    }
}

fn declared(place: &str, raw: RawSecret, checks: &mut Checks) -> Option<Declared> {
    let RawSecret {
        env,
        file,
        cipher,
        encoding,
        iv,
        id,
        older,
    } = raw;
    let cipher = cipher.and_then(|text| checks.word(&format!("{place}.cipher"), &text, CIPHERS));
    let encoding =
        encoding.and_then(|text| checks.word(&format!("{place}.encoding"), &text, ENCODINGS));
    let id = id.unwrap_or_else(|| FIRST_ID.to_owned());
    let mut versions = vec![version(place.to_owned(), id, (env, file), iv, checks)];
    for (n, raw) in older.into_iter().enumerate() {
        let RawVersion { id, env, file, iv } = raw;
        let place = format!("{place}.older.{n}");
        versions.push(version(
            place,
            id.unwrap_or_default(),
            (env, file),
            iv,
            checks,
        ));
    }
    let versions: Option<Vec<Version>> = versions.into_iter().collect();
    let versions = versions?;
    let mut ids = BTreeSet::new();
    for Version { place, id, iv, .. } in &versions {
        if !ids.insert(id) {
            let message = format!("\"{id}\" is the id of another version: each has its own");
            checks.wrong(format!("{place}.id"), message);
        }
        if iv.is_some() && cipher.is_some_and(|cipher| cipher != Cipher::AesCbc) {
            let message = "only `aes-cbc` has an IV that can be fixed: take it out";
            checks.wrong(format!("{place}.iv"), message);
        }
    }
    Some(Declared {
        cipher,
        encoding,
        versions,
    })
}

fn version(
    place: String,
    id: String,
    source: (Option<String>, Option<String>),
    iv: Option<RawSource>,
    checks: &mut Checks,
) -> Option<Version> {
    checks.check(
        is_id(&id),
        &format!("{place}.id"),
        "what this version is called, such as \"2026\": letters, digits, '-', '_' and '.'",
    );
    let source = self::source(&place, source, checks);
    let iv =
        iv.map(|RawSource { env, file }| self::source(&format!("{place}.iv"), (env, file), checks));
    Some(Version {
        source: source?,
        iv: match iv {
            Some(iv) => Some(iv?),
            None => None,
        },
        place,
        id,
    })
}

fn source(
    place: &str,
    (env, file): (Option<String>, Option<String>),
    checks: &mut Checks,
) -> Option<SecretSource> {
    match (env, file) {
        (Some(env), None) if !env.is_empty() => Some(SecretSource::Env(env)),
        (None, Some(file)) if !file.is_empty() => Some(SecretSource::File(file.into())),
        _ => {
            checks.wrong(
                place,
                "either `env = \"NAME\"` or `file = \"path\"`: where it is, never the secret itself",
            );
            None
        }
    }
}

/// The key, decoded and of the right length in all its versions.
fn read(
    place: &str,
    declared: &Declared,
    env: &BTreeMap<String, String>,
    checks: &mut Checks,
) -> Option<SecretKey> {
    let mut missing = |key: &str, what: &str, words: &[&str]| {
        let message = format!("{what}: {}", suggest::one_of("", words));
        // A word that is none was told already.
        checks.wrong(format!("{place}.{key}"), message);
    };
    if declared.cipher.is_none() {
        missing("cipher", "what the key is for", &words(CIPHERS));
    }
    if declared.encoding.is_none() {
        missing("encoding", "how it is written", &words(ENCODINGS));
    }
    let (cipher, encoding) = (declared.cipher?, declared.encoding?);
    let mut versions = Vec::with_capacity(declared.versions.len());
    for version in &declared.versions {
        let mut take =
            |place: &str, source: &SecretSource, fits: &dyn Fn(usize) -> Option<String>| {
                fetch(source, env, encoding)
                    .and_then(|text| decode(source, encoding, &text, fits))
                    .map_err(|message| checks.wrong(place, message))
                    .ok()
            };
        let bytes = take(&version.place, &version.source, &|bytes| {
            key_fits(cipher, encoding, bytes)
        });
        let iv = version.iv.as_ref().map(|iv| {
            take(&format!("{}.iv", version.place), iv, &|bytes| {
                (bytes != galleria_keys::IV)
                    .then(|| format!("the IV of AES has {}", units(encoding, galleria_keys::IV)))
            })
        });
        versions.push((version.id.clone(), bytes, iv));
    }
    let versions = versions.into_iter().map(|(id, bytes, iv)| {
        Some(KeyVersion {
            id,
            bytes: bytes?,
            iv: match iv {
                Some(iv) => Some(iv?),
                None => None,
            },
        })
    });
    Some(SecretKey {
        cipher,
        versions: versions.collect::<Option<_>>()?,
    })
}

fn words<T>(list: &[(&'static str, T)]) -> Vec<&'static str> {
    list.iter().map(|(word, _)| *word).collect()
}

/// The text as it stands there, without the line's end that an editor or `echo` leaves.
fn fetch(
    source: &SecretSource,
    env: &BTreeMap<String, String>,
    encoding: Encoding,
) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut text = match source {
        SecretSource::Env(name) => {
            let set = env
                .get(name)
                .ok_or_else(|| format!("{source} is not set: set it, or take the secret out"))?;
            Zeroizing::new(set.clone().into_bytes())
        }
        SecretSource::File(path) => read_file(path).map_err(|why| format!("{source} {why}"))?,
    };
    let drop = |byte: &u8| match encoding {
        Encoding::Hex | Encoding::Base64 => byte.is_ascii_whitespace(),
        Encoding::Text => matches!(byte, b'\n' | b'\r'),
    };
    while text.last().is_some_and(drop) {
        text.pop();
    }
    if text.is_empty() {
        return Err(format!("{source} is empty: it should hold the key"));
    }
    Ok(text)
}

fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let file = std::fs::File::open(path).map_err(unreadable)?;
    // All the room at once: a vector that grows leaves what it held behind.
    let mut text = Zeroizing::new(Vec::with_capacity(FILE_BYTES as usize + 1));
    file.take(FILE_BYTES + 1)
        .read_to_end(&mut text)
        .map_err(unreadable)?;
    if text.len() as u64 > FILE_BYTES {
        return Err("is longer than 64 KiB: a key has some dozen bytes".into());
    }
    Ok(text)
}

/// The bytes, where `fits` has nothing against how many they are.
fn decode(
    source: &SecretSource,
    encoding: Encoding,
    text: &[u8],
    fits: &dyn Fn(usize) -> Option<String>,
) -> Result<Zeroizing<Vec<u8>>, String> {
    let good = |bytes: usize| fits(bytes).is_none();
    let holds = |what: String, bytes: usize| {
        let right = fits(bytes).unwrap_or_default();
        format!("{source} holds {what}; {right}")
    };
    match encoding {
        Encoding::Hex => {
            if !text.iter().all(u8::is_ascii_hexdigit) {
                return Err(format!(
                    "{source} holds something else than hexadecimal digits, which `encoding` says"
                ));
            }
            let bytes = text.len() / 2;
            if text.len() % 2 != 0 || !good(bytes) {
                // A digit too few or too many is no length that fits.
                let bytes = if text.len() % 2 == 0 {
                    bytes
                } else {
                    usize::MAX
                };
                return Err(holds(format!("{} hex digits", text.len()), bytes));
            }
            let mut decoded = Zeroizing::new(vec![0; bytes]);
            base16ct::mixed::decode(text, &mut decoded)
                .map_err(|_| format!("{source} holds no hexadecimal number"))?;
            Ok(decoded)
        }
        Encoding::Base64 => {
            let unpadded = text
                .iter()
                .rposition(|byte| *byte != b'=')
                .map_or(0, |at| at + 1);
            let mut decoded = Zeroizing::new(vec![0; text.len()]);
            let bytes = Base64Unpadded::decode(&text[..unpadded], &mut decoded)
                .map_err(|_| {
                    format!("{source} holds something else than base64, which `encoding` says")
                })?
                .len();
            if !good(bytes) {
                return Err(holds(format!("{bytes} bytes in base64"), bytes));
            }
            decoded.truncate(bytes);
            Ok(decoded)
        }
        Encoding::Text if good(text.len()) => Ok(Zeroizing::new(text.to_vec())),
        Encoding::Text => Err(holds(format!("{} bytes of text", text.len()), text.len())),
    }
}

/// What is right, where a key's length is not.
fn key_fits(cipher: Cipher, encoding: Encoding, bytes: usize) -> Option<String> {
    galleria_keys::fits(cipher, bytes).err()?;
    Some(match (cipher, encoding) {
        (Cipher::AesCbc | Cipher::AesGcm, Encoding::Hex) => "AES takes 32, 48 or 64".into(),
        (Cipher::AesCbc | Cipher::AesGcm, _) => "AES takes 16, 24 or 32".into(),
        (Cipher::HmacSha256, Encoding::Hex) => "HMAC takes 32 to 2048".into(),
        (Cipher::HmacSha256, _) => "HMAC takes 16 to 1024".into(),
    })
}

fn units(encoding: Encoding, bytes: usize) -> String {
    match encoding {
        Encoding::Hex => (bytes * 2).to_string(),
        Encoding::Base64 | Encoding::Text => bytes.to_string(),
    }
}
