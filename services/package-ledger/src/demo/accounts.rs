//! Demo accounts of the catalog, signed in: one for each role, and one that audits the desk.

use std::path::Path;

use anyhow::Context as _;
use demo_client::{Account, Api, SignedIn};
use rand::RngExt as _;
use serde_json::{Value as Json, json};
use uuid::Uuid;

/// What the auditor signs in by.
const AUDITOR: &str = "AUDITOR-1";
/// The role that the auditor has at the desk, and in the list of accounts; at the catalog it is one that may little.
const AUDITOR_ROLE: &str = "auditor";

/// The accounts of a file.
#[derive(Clone, Debug)]
pub(super) struct Known(Vec<Account>);

impl Known {
    /// Those of this file.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        demo_client::accounts(file).map(Self)
    }

    /// Signs the one with this role in.
    ///
    /// # Errors
    /// Where there is none, or the catalog refuses it.
    pub(super) async fn sign_in(&self, api: &Api, role: &str) -> anyhow::Result<SignedIn> {
        let known = self.0.iter().find(|account| account.role() == role);
        let account = known.with_context(|| format!("there is no demo account of role {role}"))?;
        api.sign_in(&account.username, &account.password).await
    }

    /// Signs the auditor in, after adding it to the catalog if it is not there. Returns the account as it is listed.
    ///
    /// # Errors
    /// Where the catalog refuses it: where it is there with a password that is not known here, for example.
    pub(super) async fn auditor(
        &self,
        api: &Api,
        administrator: &SignedIn,
    ) -> anyhow::Result<(SignedIn, Json)> {
        let known = self.0.iter().find(|entry| entry.username == AUDITOR);
        let password =
            std::env::var("ALDIA_DEMO_PASSWORD").ok().or_else(|| known.map(|entry| entry.password.clone()));
        let password = password.unwrap_or_else(random_password);
        let listed = json!({"username": AUDITOR, "password": password, "roles": [AUDITOR_ROLE]});
        // It is there already, as after a run before.
        if let Ok(account) = api.sign_in(AUDITOR, &password).await {
            return Ok((account, listed));
        }
        let body = json!({
            "identification": AUDITOR, "fullname": "Demo auditor", "email": "auditor@example.org", "role": "apprentice",
            "password": password,
        });
        let _: Json = api
            .post_json("/v1/users", Some(&administrator.token), &body, Some(&Uuid::now_v7().to_string()))
            .await?;
        Ok((api.sign_in(AUDITOR, &password).await?, listed))
    }
}

fn random_password() -> String {
    let mut rng = rand::rng();
    (0..20).map(|_| char::from(rng.random_range(b'a'..=b'z'))).collect()
}
