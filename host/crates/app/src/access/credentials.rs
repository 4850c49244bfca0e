//! The caller of a request: the owner of its API key, or of its token.

use super::Access;
use crate::access::ApiKeyCheck;
use galleria_ports::Error;
use galleria_ports::access::{Caller, TokenFault, Tokens};

/// Why credentials do not identify a caller that may do anything.
#[derive(Clone, Debug)]
pub enum CredentialFault {
    /// They are invalid; the reason is for the log and does not quote them.
    Rejected(&'static str),
    /// They are valid but grant nothing.
    Powerless(&'static str),
    /// The issuer of the token is unavailable.
    IssuerUnavailable(String),
    /// The check failed.
    Failed(Error),
}

impl Access {
    /// The caller that an API key or a token belongs to. Without a verifier, tokens are rejected.
    pub async fn caller(
        &self,
        credentials: &str,
        tokens: Option<&dyn Tokens>,
    ) -> Result<Caller, CredentialFault> {
        if credentials.starts_with("gk_") {
            return match self.authenticate(credentials).await {
                Ok(ApiKeyCheck::Accepted(caller)) => Ok(caller),
                Ok(ApiKeyCheck::Rejected(rejection)) => {
                    Err(CredentialFault::Rejected(rejection.words()))
                }
                Err(error) => Err(CredentialFault::Failed(error)),
            };
        }
        let Some(tokens) = tokens else {
            let why = "not a key, and no token issuer is configured";
            return Err(CredentialFault::Rejected(why));
        };
        let caller = tokens.caller(credentials, self.core.clock.now()).await;
        caller.map_err(|fault| match fault {
            TokenFault::Refused(why) => CredentialFault::Rejected(why),
            TokenFault::Powerless(why) => CredentialFault::Powerless(why),
            TokenFault::Unavailable(cause) => CredentialFault::IssuerUnavailable(cause),
        })
    }
}

/// The key or token in the value of `Authorization`.
pub fn bearer(value: &str) -> Option<&str> {
    let (scheme, rest) = value.split_once(' ')?;
    let text = rest.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !text.is_empty()).then_some(text)
}
