//! What `up` prints at its end.
use serde_json::Value;

use super::seed::{admin_url, base_url};
use crate::site::Site;

/// A short tour by curl; it can be pasted into a shell.
pub(crate) fn tour(site: &Site, accounts: &[Value]) -> String {
    let base = base_url(site);
    let (username, password) = first_account(accounts);
    format!(
        "\n{base} is ready; read the API at {base}/docs, metrics at {}/metrics, accounts in {}\n\n  \
         BASE={base}\n  \
         TOKEN=$(curl -sS $BASE/v1/auth/token -H 'content-type: application/json' \\\n    \
         -d '{{\"username\":\"{username}\",\"password\":\"{password}\"}}' | sed -E 's/.*\"access_token\":\"([^\"]+)\".*/\\1/')\n  \
         a() {{ curl -sS -i -H \"authorization: Bearer $TOKEN\" \"$@\"; echo; }}\n  \
         a \"$BASE/v1/animals?limit=3\"          # a list: keyset pages\n  \
         a \"$BASE/v1/animals/metadata\"         # its version, count and digest\n  \
         a \"$BASE/v1/animals?since=&limit=3\"   # everything, then only what changed\n\n\
         make status · make trace FLAGS=--last · make down\n",
        admin_url(site),
        site.shown(&site.demo_file()),
    )
}

fn first_account(accounts: &[Value]) -> (&str, &str) {
    let text = |key| accounts.first().and_then(|account| account.get(key)).and_then(Value::as_str);
    (text("username").unwrap_or("…"), text("password").unwrap_or("…"))
}
