//! Whom to trust, as an operator writes it.

use serde::{Deserialize, Serialize};

/// Section `identity`: who may call, and how their tokens are checked.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentityConfig {
    /// What a token's `aud` must contain. Tokens made for another audience are refused. Default `aldia`.
    pub audience: String,
    /// The issuers whose tokens are accepted. Empty: nobody can be authenticated.
    pub issuers: Vec<IssuerConfig>,
    /// Seconds by which clocks may differ when `exp` and `nbf` are checked. Default 5. Too low refuses tokens of a server
    /// whose clock is ahead, too high keeps expired tokens alive; at most 300.
    pub leeway_secs: u64,
}

impl Default for IdentityConfig {
    fn default() -> Self {
        Self { audience: "aldia".to_owned(), issuers: Vec::new(), leeway_secs: 5 }
    }
}

/// One issuer.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// The exact value of `iss` in its tokens.
    pub issuer: String,
    /// Where its keys are. Without it they are found through `<issuer>/.well-known/openid-configuration`.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// The claim that holds the roles: a name, or a path with dots such as `realm_access.roles`. Default `roles`.
    /// An issuer that may write this claim freely can make anyone an administrator; name one that its users cannot set.
    #[serde(default = "default_roles_claim")]
    pub roles_claim: String,
}

fn default_roles_claim() -> String {
    "roles".to_owned()
}

impl IdentityConfig {
    /// Every fault of this section as `key: what is wrong`; empty when it is sound.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.audience.is_empty() {
            faults.push("audience: must not be empty".to_owned());
        }
        if self.leeway_secs > 300 {
            faults.push("leeway_secs: must be at most 300".to_owned());
        }
        for (index, issuer) in self.issuers.iter().enumerate() {
            let at = format!("issuers.{index}");
            if !is_http_url(&issuer.issuer) {
                faults.push(format!("{at}.issuer: must be an http or https URL"));
            }
            if issuer.jwks_url.as_deref().is_some_and(|url| !is_http_url(url)) {
                faults.push(format!("{at}.jwks_url: must be an http or https URL"));
            }
            if issuer.roles_claim.is_empty() {
                faults.push(format!("{at}.roles_claim: must not be empty"));
            }
            if self.issuers.iter().take(index).any(|earlier| earlier.issuer == issuer.issuer) {
                faults.push(format!("{at}.issuer: is there twice"));
            }
        }
        faults
    }
}

fn is_http_url(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| {
        text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_reported_at_once() {
        let issuer = |text: &str| IssuerConfig {
            issuer: text.to_owned(),
            jwks_url: Some("ftp://keys".to_owned()),
            roles_claim: String::new(),
        };
        let config = IdentityConfig {
            audience: String::new(),
            issuers: vec![issuer("https://a"), issuer("https://a")],
            leeway_secs: 301,
        };
        assert_eq!(config.faults().len(), 7, "{:?}", config.faults());
        assert!(IdentityConfig::default().faults().is_empty());
    }
}
