//! What callers may do, and which addresses can be trusted to say so.

/// What a caller may do. Each scope includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Rings up: places and pays orders, runs its drawer, asks who a member is.
    Till,
    /// Runs a store or a chain: products, statements, reports.
    BackOffice,
    /// Runs the host: stores, dead letters, what failed.
    Operator,
    /// Everything.
    Admin,
}

impl Scope {
    /// From the lowest to the highest.
    pub const ALL: [Self; 4] = [Self::Till, Self::BackOffice, Self::Operator, Self::Admin];

    /// The word in rows, commands and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Till => "till",
            Self::BackOffice => "back_office",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The scope of a word.
    pub fn by_name(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == word)
    }
}

/// Whether what is read from this address was written by whom it names: over TLS, or from this very
/// machine. Whoever can change the keys of an issuer on their way is everybody.
pub fn is_trustworthy(url: &str) -> bool {
    let rest = |scheme| {
        url.strip_prefix(scheme)
            .filter(|rest: &&str| !rest.is_empty())
    };
    let authority = |rest: &'_ str| {
        rest.split(['/', '?', '#'])
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return false;
    }
    if let Some(rest) = rest("https://") {
        return !authority(rest).is_empty() && !authority(rest).contains('@');
    }
    let Some(rest) = rest("http://") else {
        return false;
    };
    let authority = authority(rest);
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => &authority,
    };
    ["localhost", "127.0.0.1", "[::1]"].contains(&host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scope_includes_those_before_it() {
        assert!(Scope::ALL.is_sorted());
        for scope in Scope::ALL {
            assert_eq!(Scope::by_name(scope.name()), Some(scope));
        }
        assert_eq!(Scope::by_name("root"), None);
    }

    #[test]
    fn only_tls_and_this_machine_are_trusted() {
        for good in [
            "https://id.example.com/realms/shops",
            "http://127.0.0.1:8081/realms/shops",
            "http://localhost/",
            "http://[::1]:8081",
        ] {
            assert!(is_trustworthy(good), "{good}");
        }
        for bad in [
            "http://id.example.com/realms/shops",
            "http://localhost.example.com/",
            "http://127.0.0.1@id.example.com/",
            "http://localhost:80@id.example.com/",
            "https://user@id.example.com/",
            "https://",
            "https:///realms",
            "ftp://localhost/",
            "http://local host/",
            "id.example.com",
            "",
        ] {
            assert!(!is_trustworthy(bad), "{bad}");
        }
    }
}
