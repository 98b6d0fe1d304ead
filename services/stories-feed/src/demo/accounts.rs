//! Demo accounts of the catalog, signed in.

use std::path::Path;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::api::Api;
use crate::domain::people::Role;

/// An account, signed in.
#[derive(Clone, Debug)]
pub(super) struct Account {
    /// Who it is.
    pub(super) id: Uuid,
    /// Its role in the catalog.
    pub(super) role: String,
    /// Good for a while.
    pub(super) token: SecretString,
}

impl Account {
    /// What it is in the gyms: each role there is held by somebody who can sign in.
    pub(super) fn role_in_gyms(&self) -> Role {
        match self.role.as_str() {
            "administrator" => Role::Owner,
            "instructor" => Role::Moderator,
            _ => Role::Member,
        }
    }
}

#[derive(Deserialize)]
struct Demo {
    accounts: Vec<Known>,
}

#[derive(Deserialize)]
struct Known {
    username: String,
    password: String,
    roles: Vec<String>,
}

#[derive(Deserialize)]
struct Signed {
    access_token: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: Uuid,
}

/// Signs the accounts of the file in, the administrator first.
///
/// # Errors
/// Where the file cannot be read, or the catalog refuses one of them.
pub(super) async fn sign_in(api: &Api, file: &Path) -> anyhow::Result<Vec<Account>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let demo: Demo = serde_json::from_str(&text).with_context(|| format!("{}", file.display()))?;
    let mut accounts = Vec::new();
    for known in demo.accounts {
        let body = json!({"username": known.username, "password": known.password});
        let signed: Signed = api.post_json("/v1/auth/token", None, &body, None).await?;
        let id = subject(&signed.access_token).context("the catalog gave a token without a subject")?;
        let role = known.roles.into_iter().next().unwrap_or_default();
        accounts.push(Account { id, role, token: signed.access_token.into() });
    }
    accounts.sort_by_key(|account| account.role != "administrator");
    Ok(accounts)
}

/// Whom a token names. It was given a moment ago by whom it is shown to: nothing is to be verified.
fn subject(token: &str) -> Option<Uuid> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Claims>(&claims).ok().map(|claims| claims.sub)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_holder() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"sub":"00000000-0000-0000-0000-000000000007","aud":"x"}"#);
        assert_eq!(subject(&format!("h.{claims}.s")), Some(Uuid::from_u128(7)));
        assert_eq!(subject("nonsense"), None);
    }
}
