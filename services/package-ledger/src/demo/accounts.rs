//! Demo accounts of the catalog, signed in: one for each role, and one that audits the desk.

use std::path::Path;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngExt as _;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::api::Api;

/// What the auditor signs in by.
const AUDITOR: &str = "AUDITOR-1";
/// The role that the auditor has at the desk, and in the list of accounts; at the catalog it is one that may little.
const AUDITOR_ROLE: &str = "auditor";

/// An account, signed in.
#[derive(Clone, Debug)]
pub(super) struct Account {
    /// Who it is.
    pub(super) id: Uuid,
    /// Good for a while.
    pub(super) token: SecretString,
}

/// The accounts of a file.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Known {
    accounts: Vec<Entry>,
}

#[derive(Clone, Debug, Deserialize)]
struct Entry {
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

impl Known {
    /// Those of this file.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{}", file.display()))
    }

    /// Signs the one with this role in.
    ///
    /// # Errors
    /// Where there is none, or the catalog refuses it.
    pub(super) async fn sign_in(&self, api: &Api, role: &str) -> anyhow::Result<Account> {
        let has_it = |entry: &&Entry| entry.roles.first().is_some_and(|known| known == role);
        let entry = self
            .accounts
            .iter()
            .find(has_it)
            .with_context(|| format!("there is no demo account of role {role}"))?;
        sign_in(api, &entry.username, &entry.password).await
    }

    /// Signs the auditor in, after adding it to the catalog if it is not there. Returns the account as it is listed.
    ///
    /// # Errors
    /// Where the catalog refuses it: where it is there with a password that is not known here, for example.
    pub(super) async fn auditor(
        &self,
        api: &Api,
        administrator: &Account,
    ) -> anyhow::Result<(Account, Json)> {
        let known = self.accounts.iter().find(|entry| entry.username == AUDITOR);
        let password =
            std::env::var("ALDIA_DEMO_PASSWORD").ok().or_else(|| known.map(|entry| entry.password.clone()));
        let password = password.unwrap_or_else(random_password);
        let listed = json!({"username": AUDITOR, "password": password, "roles": [AUDITOR_ROLE]});
        // It is there already, as after a run before.
        if let Ok(account) = sign_in(api, AUDITOR, &password).await {
            return Ok((account, listed));
        }
        let body = json!({
            "identification": AUDITOR, "fullname": "Demo auditor", "email": "auditor@example.org", "role": "apprentice",
            "password": password,
        });
        let _: Json = api
            .post_json("/v1/users", Some(&administrator.token), &body, Some(&Uuid::now_v7().to_string()))
            .await?;
        Ok((sign_in(api, AUDITOR, &password).await?, listed))
    }
}

async fn sign_in(api: &Api, username: &str, password: &str) -> anyhow::Result<Account> {
    let body = json!({"username": username, "password": password});
    let signed: Signed = api.post_json("/v1/auth/token", None, &body, None).await?;
    let id = subject(&signed.access_token).context("the catalog gave a token without a subject")?;
    Ok(Account { id, token: signed.access_token.into() })
}

/// Whom a token names. It was given a moment ago by whom it is shown to: nothing is to be verified.
fn subject(token: &str) -> Option<Uuid> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Claims>(&claims).ok().map(|claims| claims.sub)
}

fn random_password() -> String {
    let mut rng = rand::rng();
    (0..20).map(|_| char::from(rng.random_range(b'a'..=b'z'))).collect()
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
