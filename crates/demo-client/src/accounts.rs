//! Demo accounts of the catalog.

use std::path::Path;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::Api;

/// An account, as the file lists it.
#[derive(Clone, Debug, Deserialize)]
pub struct Account {
    /// What it signs in by.
    pub username: String,
    /// Of a demo: no secret.
    pub password: String,
    /// In the catalog; the first one counts.
    pub roles: Vec<String>,
}

impl Account {
    /// What it is in the catalog.
    #[must_use]
    pub fn role(&self) -> &str {
        self.roles.first().map(String::as_str).unwrap_or_default()
    }
}

/// Somebody who has signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who it is.
    pub id: Uuid,
    /// Good for a while.
    pub token: SecretString,
}

#[derive(Deserialize)]
struct Listed {
    accounts: Vec<Account>,
}

#[derive(Deserialize)]
struct Signed {
    access_token: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: Uuid,
}

/// The accounts of a file, as `make up` writes it: `.aldia/demo.json`.
///
/// # Errors
/// Where it cannot be read.
pub fn accounts(file: &Path) -> anyhow::Result<Vec<Account>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let listed: Listed = serde_json::from_str(&text).with_context(|| format!("{}", file.display()))?;
    Ok(listed.accounts)
}

impl Api {
    /// Signs somebody in at the catalog.
    ///
    /// # Errors
    /// Where the catalog refuses it.
    pub async fn sign_in(&self, username: &str, password: &str) -> anyhow::Result<SignedIn> {
        let body = json!({"username": username, "password": password});
        let signed: Signed = self.post_json("/v1/auth/token", None, &body, None).await?;
        let id = subject(&signed.access_token).context("the catalog gave a token without a subject")?;
        Ok(SignedIn { id, token: signed.access_token.into() })
    }
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

    #[test]
    fn the_first_role_of_an_account_counts() {
        let account = |roles: &[&str]| Account {
            username: String::new(),
            password: String::new(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        };
        assert_eq!((account(&["instructor", "x"]).role(), account(&[]).role()), ("instructor", ""));
    }
}
