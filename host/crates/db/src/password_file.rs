//! The password file of PostgreSQL: `.pgpass` in the home folder, or the file that `PGPASSFILE` names.
//!
//! Each line is `host:port:database:user:password`. `*` matches everything, and a backslash escapes a colon or a
//! backslash.

use crate::error::DbError;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The login that a password is for.
pub(crate) struct Login<'l> {
    pub(crate) host: &'l str,
    pub(crate) port: u16,
    pub(crate) database: &'l str,
    pub(crate) user: &'l str,
}

/// A password file, which need not exist.
pub(crate) enum PasswordFile {
    /// `PGPASSFILE` names it.
    Named(PathBuf),
    /// In the home folder. The users of services often have none: without it, the login has no password.
    Default(PathBuf),
}

impl PasswordFile {
    pub(crate) fn of_home(folder: &Path) -> Self {
        Self::Default(folder.join(".pgpass"))
    }

    /// Returns the password of the first line that matches. A file that other users can read is ignored, as PostgreSQL
    /// does.
    pub(crate) fn password(&self, login: &Login<'_>) -> Result<Option<String>, DbError> {
        let (Self::Named(file) | Self::Default(file)) = self;
        let text = match (galleria_files::read_text(file), self) {
            (Ok(text), _) => text,
            (Err(reason), _) if reason.is_not_found() => return Ok(None),
            (Err(reason), Self::Named(_)) => {
                return Err(DbError::File {
                    name: "PGPASSFILE",
                    file: file.display().to_string(),
                    reason,
                });
            }
            (Err(reason), Self::Default(_)) => {
                tracing::debug!(file = %file.display(), %reason, "password file ignored");
                return Ok(None);
            }
        };
        let metadata = std::fs::metadata(file);
        if metadata.is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0) {
            tracing::warn!(
                file = %file.display(),
                "password file ignored: other users can access it: set its mode to 0600"
            );
            return Ok(None);
        }
        Ok(text.lines().find_map(|line| matching(line, login)))
    }
}

fn matching(line: &str, login: &Login<'_>) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let mut rest = line;
    // A folder of a socket counts as this machine.
    let host = match login.host.starts_with('/') {
        true => "localhost",
        false => login.host,
    };
    for wanted in [host, &login.port.to_string(), login.database, login.user] {
        let (field, after) = field(rest);
        if field != "*" && field != *wanted {
            return None;
        }
        rest = after?;
    }
    Some(field(rest).0)
}

/// The text up to the next colon without escapes, and what follows the colon.
fn field(text: &str) -> (String, Option<&str>) {
    let mut field = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            ':' => return (field, text.get(at + 1..)),
            '\\' => field.extend(characters.next().map(|(_, escaped)| escaped)),
            other => field.push(other),
        }
    }
    (field, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN: Login<'static> = Login {
        host: "db.example",
        port: 5432,
        database: "shop",
        user: "till:7",
    };

    #[test]
    fn the_first_line_that_matches_has_the_password() {
        for (line, password) in [
            (r"db.example:5432:shop:till\:7:a\:b\\c", Some(r"a:b\c")),
            ("*:*:*:*:any:rest", Some("any")),
            ("db.example:5433:shop:*:x", None),
            ("#*:*:*:*:x", None),
            ("*:*:*:*", None),
            ("", None),
        ] {
            assert_eq!(matching(line, &LOGIN).as_deref(), password, "{line}");
        }
        let socket = Login {
            host: "/run/postgresql",
            ..LOGIN
        };
        assert_eq!(matching("localhost:*:*:*:x", &socket).as_deref(), Some("x"));
    }

    #[test]
    fn a_file_that_others_can_read_is_ignored() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("pgpass");
        std::fs::write(&file, "other:*:*:*:a\n*:*:*:*:b\n*:*:*:*:c\n").expect("a file");
        for (mode, read) in [(0o600, Some("b")), (0o640, None)] {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&file, permissions).expect("a mode");
            let password = PasswordFile::Named(file.clone()).password(&LOGIN);
            assert_eq!(password.expect("read").as_deref(), read);
        }
        let none = PasswordFile::Named(folder.path().join("none")).password(&LOGIN);
        assert_eq!(none.expect("no file"), None);
        for home in [Path::new("/dev/null"), Path::new("/none")] {
            let none = PasswordFile::of_home(home).password(&LOGIN);
            assert_eq!(none.expect("no home"), None);
        }
        let device = PasswordFile::Named("/dev/zero".into()).password(&LOGIN);
        let error = device.expect_err("a device");
        assert!(
            error.to_string().contains("PGPASSFILE: /dev/zero must be"),
            "{error}"
        );
    }
}
