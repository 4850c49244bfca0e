//! The scopes of callers, and the URLs that may provide an issuer's keys.

/// The scope of a caller. Each scope includes the previous ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// For tills: places and pays orders, manages shifts, identifies members.
    Till,
    /// For the staff of a store or chain: products, statements, reports.
    BackOffice,
    /// For platform staff: stores, dead letters, failed runs.
    Operator,
    /// For administrators: everything.
    Admin,
}

impl Scope {
    /// All scopes, from the lowest to the highest.
    pub const ALL: [Self; 4] = [Self::Till, Self::BackOffice, Self::Operator, Self::Admin];

    /// The name in rows, commands and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Till => "till",
            Self::BackOffice => "back_office",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// Finds a scope by its name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// Whether a response from this URL is authentic: it uses TLS or refers to this machine. Otherwise anyone on
/// the network could replace an issuer's keys.
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
    fn each_scope_includes_the_previous_ones() {
        assert!(Scope::ALL.is_sorted());
        for scope in Scope::ALL {
            assert_eq!(Scope::by_name(scope.name()), Some(scope));
        }
        assert_eq!(Scope::by_name("root"), None);
    }

    #[test]
    fn only_tls_and_this_machine_are_trustworthy() {
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
