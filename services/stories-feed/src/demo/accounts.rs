//! Demo accounts of the catalog, signed in.

use std::path::Path;

use demo_client::Api;
use secrecy::SecretString;
use uuid::Uuid;

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

/// Signs the accounts of the file in, the administrator first.
///
/// # Errors
/// Where the file cannot be read, or the catalog refuses one of them.
pub(super) async fn sign_in(api: &Api, file: &Path) -> anyhow::Result<Vec<Account>> {
    let mut accounts = Vec::new();
    for known in demo_client::accounts(file)? {
        let signed = api.sign_in(&known.username, &known.password).await?;
        accounts.push(Account { id: signed.id, role: known.role().to_owned(), token: signed.token });
    }
    accounts.sort_by_key(|account| account.role != "administrator");
    Ok(accounts)
}
