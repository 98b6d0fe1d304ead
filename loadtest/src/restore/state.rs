//! What the system holds, as a client and an auditor see it: a digest of each part, to be compared.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;

use super::api::Api;
use super::launcher::{Launcher, shown};

/// Models of the catalog, each with a digest of its own.
const MODELS: [&str; 8] =
    ["species", "breeds", "users", "animals", "diseases", "animal-diseases", "medications", "treatments"];
/// What moves by itself, or is given anew by a restore on purpose: what the clock makes of fees, links with signatures, where lists go
/// on, positions and versions.
const MOVES: [&str; 14] = [
    "fee",
    "fee_at",
    "fee_valid_until",
    "is_overdue",
    "position",
    "next",
    "self",
    "first",
    "cache_headers",
    "prefetch",
    "prefetch_hints",
    "media_plan",
    "media",
    "version",
];

/// A digest, or a figure, by the name of the part.
pub(crate) type State = BTreeMap<String, String>;

/// Looks at everything. `scratch` is made for the chains of custody.
pub(crate) async fn look(launcher: &Launcher, api: &Api, scratch: &Path) -> anyhow::Result<State> {
    let mut state = State::new();
    for model in MODELS {
        let metadata = api.get_json(&format!("/v1/{model}/metadata")).await?;
        let kept = metadata.get("digest").cloned().unwrap_or_else(|| stable(metadata.clone()));
        state.insert(format!("catalog {model}"), kept.to_string());
    }
    for gym in api.list("/v1/gyms?limit=50").await? {
        let id = gym.get("id").and_then(Value::as_str).context("a gym without an id")?.to_owned();
        let feed = api.get_json(&format!("/v1/gyms/{id}/stories/feed?limit=100")).await?;
        let stories = feed.get("user_stories").cloned().unwrap_or_default();
        state.insert(format!("feed {id}"), hash(&stable(stories)));
    }
    let packages = api.list("/v1/packages?limit=100").await?;
    state.insert(format!("packages ({})", packages.len()), hash(&stable(Value::Array(packages))));
    let customers = api.list("/v1/customers?limit=100").await?;
    state.insert(format!("customers ({})", customers.len()), hash(&stable(Value::Array(customers))));
    desk(launcher, scratch, &mut state).await?;
    media(api, &mut state).await?;
    Ok(state)
}

/// Chains and books by the commands of an auditor, who needs no service.
async fn desk(launcher: &Launcher, scratch: &Path, state: &mut State) -> anyhow::Result<()> {
    let out = shown(scratch);
    launcher.service("package-ledger", &["custody", "export", "--out", &out]).await?;
    for name in ["events.jsonl", "heads.jsonl"] {
        let text = std::fs::read(scratch.join(name)).with_context(|| format!("no {name}"))?;
        state.insert(format!("custody {name}"), hex(&text));
    }
    let books = launcher.service("package-ledger", &["books", "verify"]).await?;
    state.insert("books".to_owned(), books.trim().to_owned());
    Ok(())
}

/// Every asset of the person: that its bytes are what they were.
async fn media(api: &Api, state: &mut State) -> anyhow::Result<()> {
    let assets = api.list("/v1/assets?limit=100").await?;
    state.insert("assets".to_owned(), assets.len().to_string());
    for asset in assets {
        let text = |name: &str| asset.get(name).and_then(Value::as_str);
        let (Some(id), Some(url), Some(sha256)) = (text("id"), text("original_url"), text("sha256")) else {
            continue;
        };
        let path =
            url.find("/media/").and_then(|at| url.get(at..)).context("a link that is none to media")?;
        let found = hex(&api.get(path).await?.body);
        anyhow::ensure!(found == sha256, "{id}: the bytes are {found}, and the row says {sha256}");
        state.insert(format!("media {id}"), found);
    }
    Ok(())
}

/// Without what moves.
fn stable(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            fields.retain(|name, _| !MOVES.contains(&name.as_str()) && !name.ends_with("url"));
            fields.values_mut().for_each(|field| *field = stable(field.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = stable(item.take())),
        _ => {}
    }
    value
}

fn hash(value: &Value) -> String {
    hex(value.to_string().as_bytes())
}

/// SHA-256 in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_moves_is_left_out_wherever_it_is() {
        let one = json!({"items": [{"id": 1, "fee": 3, "version": 7, "thumb_url": "a"}], "next": "x"});
        let other = json!({"items": [{"id": 1, "fee": 4, "version": 8}]});
        assert_eq!(hash(&stable(one.clone())), hash(&stable(other)));
        assert_ne!(hash(&stable(one)), hash(&stable(json!({"items": [{"id": 2}]}))));
    }
}
