//! `[secrets]` of `retailer.toml`: the source and the purpose of each secret key. The host reads a key
//! when a slot is granted it.
//!
//! Owns declarations, versions, and the operations of each cipher; `encoding` reads the bytes. A secret
//! without a grant is not read: a host can run one retailer's plugins without another's keys.

use crate::checks::Checks;
use crate::encoding::{Bytes, Encoding};
use crate::raw::{RawSecret, RawSource, RawVersion};
use crate::suggest;
use galleria_domain::names::is_id;
use galleria_domain::plugin::{Operation, Rights};
use galleria_domain::{Cipher, KeyVersion, SecretKey};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

const CIPHERS: &[(&str, Cipher)] = &[
    ("aes-cbc", Cipher::AesCbc),
    ("aes-gcm", Cipher::AesGcm),
    ("hmac-sha256", Cipher::HmacSha256),
];

/// The default id of a secret's version.
const FIRST_ID: &str = "1";

/// The source of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file.
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

/// One version, as declared.
struct Version {
    /// The key of its declaration: `secrets.NAME` or `secrets.NAME.older.0`.
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

/// The secrets of a retailer. Each is read once, for all slots to which it is granted.
pub(crate) struct Vault<'e> {
    env: &'e BTreeMap<String, String>,
    /// None if the declaration is invalid, which was reported.
    declared: BTreeMap<String, Option<Declared>>,
    read: BTreeMap<String, Option<Arc<SecretKey>>>,
}

impl<'e> Vault<'e> {
    /// Reads the declarations, but no secret yet.
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

    /// The source of the newest version of each.
    pub(crate) fn sources(&self) -> BTreeMap<String, SecretSource> {
        let newest = |(name, declared): (&String, &Option<Declared>)| {
            let newest = declared.as_ref()?.versions.first()?;
            Some((name.clone(), newest.source.clone()))
        };
        self.declared.iter().filter_map(newest).collect()
    }

    /// The variables that the declarations name.
    pub(crate) fn variables(&self) -> BTreeSet<String> {
        let versions = self.declared.values().flatten();
        let versions = versions.flat_map(|declared| &declared.versions);
        let sources = versions.flat_map(|version| [Some(&version.source), version.iv.as_ref()]);
        let variables = sources.flatten().filter_map(|source| match source {
            SecretSource::Env(name) => Some(name.clone()),
            SecretSource::File(_) => None,
        });
        variables.collect()
    }

    /// Reads the secret keys that rights name.
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
                let message = "unknown secret: declare its source under [secrets]";
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

/// Checks that the cipher of a secret key supports the granted operations.
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
            "must not be `{operation}`: a key of {name} supports {}",
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
        encoding.and_then(|text| checks.word(&format!("{place}.encoding"), &text, Encoding::WORDS));
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
            let message = format!("must differ from the ids of the other versions, got \"{id}\"");
            checks.wrong(format!("{place}.id"), message);
        }
        if iv.is_some() && cipher.is_some_and(|cipher| cipher != Cipher::AesCbc) {
            let message = "must not be set: only `aes-cbc` has a fixed IV";
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
        "must be an id of this version, such as \"2026\": letters, digits, '-', '_' and '.'",
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
                "must be either `env = \"NAME\"` or `file = \"path\"`: the source, never the secret itself",
            );
            None
        }
    }
}

/// Reads all versions of a secret key.
fn read(
    place: &str,
    declared: &Declared,
    env: &BTreeMap<String, String>,
    checks: &mut Checks,
) -> Option<SecretKey> {
    let mut missing = |key: &str, what: &str, words: &[&str]| {
        let message = format!("must be {what}: {}", suggest::one_of("", words));
        // An unknown word was already reported.
        checks.wrong(format!("{place}.{key}"), message);
    };
    if declared.cipher.is_none() {
        missing("cipher", "set", &words(CIPHERS));
    }
    if declared.encoding.is_none() {
        missing("encoding", "set", &words(Encoding::WORDS));
    }
    let (cipher, encoding) = (declared.cipher?, declared.encoding?);
    // Read all versions before returning, so that the errors of each are reported.
    let versions: Vec<Option<KeyVersion>> = declared
        .versions
        .iter()
        .map(|version| {
            let mut report = |place: &str, read: Result<Bytes, String>| {
                read.map_err(|message| checks.wrong(place, message)).ok()
            };
            let bytes = encoding.key(&version.source, env, cipher);
            let bytes = report(&version.place, bytes);
            let iv = version.iv.as_ref().map(|iv| {
                let place = format!("{}.iv", version.place);
                report(&place, encoding.iv(iv, env))
            });
            Some(KeyVersion {
                id: version.id.clone(),
                bytes: bytes?,
                iv: match iv {
                    Some(iv) => Some(iv?),
                    None => None,
                },
            })
        })
        .collect();
    Some(SecretKey {
        cipher,
        versions: versions.into_iter().collect::<Option<_>>()?,
    })
}

fn words<T>(list: &[(&'static str, T)]) -> Vec<&'static str> {
    list.iter().map(|(word, _)| *word).collect()
}
