//! The first records and the tokens, had from the API as any client has them.

use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use serde_json::{Value, json};

use super::herd::{Herd, MODELS};
use super::ledger::Ledger;
use super::pool::{Pool, Reply};
use super::scan;
use super::system::{ACCOUNTS, PASSWORD};
use super::world::Tokens;

const PATIENCE: Duration = Duration::from_secs(30);

/// Signs everybody in.
pub(crate) async fn sign_in(pool: &Pool, host: &HeaderValue) -> anyhow::Result<Tokens> {
    let mut tokens = Vec::new();
    for account in &ACCOUNTS {
        let body = json!({"username": account.name, "password": PASSWORD});
        let reply = post(pool, host, None, "/v1/auth/token", &body).await?;
        let answer: Value = serde_json::from_slice(&reply.body)?;
        let token =
            answer.get("access_token").and_then(Value::as_str).context("a sign-in without a token")?;
        tokens.push(HeaderValue::from_str(&format!("Bearer {token}"))?);
    }
    let [administrator, other_administrator, apprentice] =
        tokens.try_into().map_err(|_| anyhow::anyhow!("not one token for each account"))?;
    Ok(Tokens { administrator, other_administrator, apprentice })
}

/// Makes the records that are there before the run.
pub(crate) async fn make_herd(
    pool: &Pool,
    host: &HeaderValue,
    tokens: &Tokens,
    herd: &Herd,
    ledger: &Ledger,
) -> anyhow::Result<()> {
    let token = Some(&tokens.administrator);
    post(pool, host, token, "/v1/species", &json!({"id": herd.species, "name": "cattle"})).await?;
    for (number, model) in MODELS.iter().enumerate() {
        let items: Vec<Value> = herd.first(number).iter().map(|record| herd.draft(record)).collect();
        let path = format!("/v1/{}/bulk", model.path);
        let reply = post(pool, host, token, &path, &json!({ "items": items })).await?;
        let newest = scan::last_version(&reply.body).context("no version in the answer to a bulk request")?;
        let first = (newest + 1).saturating_sub(items.len() as u64);
        ledger.acknowledge(number, newest);
        for (record, version) in herd.first(number).iter().zip(first..) {
            ledger.acknowledge(record.slot, version);
        }
    }
    Ok(())
}

/// Tried for as long as the gateway finds nobody behind it, or no keys yet.
async fn post(
    pool: &Pool,
    host: &HeaderValue,
    token: Option<&HeaderValue>,
    path: &str,
    body: &Value,
) -> anyhow::Result<Reply> {
    let mut last = String::new();
    for _ in 0..50 {
        let mut request = Request::post(path)
            .header(header::HOST, host.clone())
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, token.clone());
        }
        let request = request.body(Full::new(Bytes::from(serde_json::to_vec(body)?)))?;
        match pool.exchange(request, PATIENCE).await {
            Ok(reply) if reply.status.is_success() => return Ok(reply),
            Ok(reply) => {
                let text = String::from_utf8_lossy(&reply.body).into_owned();
                anyhow::ensure!(!reply.status.is_client_error(), "POST {path}: {} {text}", reply.status);
                last = text;
            }
            Err(failure) => last = failure.label().to_owned(),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    anyhow::bail!("POST {path} is not answered: {last}")
}
