//! The API as a client has it, through the gateway.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::freshness::pool::{Pool, Reply};

const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody who is signed in.
pub(crate) struct Api {
    pool: Pool,
    host: HeaderValue,
    bearer: HeaderValue,
}

impl Api {
    /// Signs somebody in at the gateway on this port.
    pub(crate) async fn sign_in(port: u16, (name, password): (String, String)) -> anyhow::Result<Self> {
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (pool, host) = (Pool::new(addr), HeaderValue::from_str(&addr.to_string())?);
        let mut api = Self { pool, host, bearer: HeaderValue::from_static("") };
        let body = json!({"username": name, "password": password});
        let reply =
            api.send(Method::POST, "/v1/auth/token", &[], Some(Bytes::from(body.to_string()))).await?;
        let token = json(&reply)?.get("access_token").and_then(Value::as_str).map(str::to_owned);
        let token = token.with_context(|| format!("{name} cannot sign in: {}", reply.status))?;
        api.bearer = HeaderValue::from_str(&format!("Bearer {token}"))?;
        Ok(api)
    }

    /// Asks once; whatever is answered.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        fields: &[(&str, &str)],
        body: Option<Bytes>,
    ) -> anyhow::Result<Reply> {
        let mut request =
            Request::builder().method(&method).uri(path).header(header::HOST, self.host.clone());
        if !self.bearer.is_empty() {
            request = request.header(header::AUTHORIZATION, self.bearer.clone());
        }
        if body.is_some() && !fields.iter().any(|(name, _)| *name == "content-type") {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.unwrap_or_default()))?;
        let reply = self.pool.exchange(request, PATIENCE).await;
        reply.map_err(|failure| anyhow::anyhow!("{method} {path}: {}", failure.label()))
    }

    /// What is there, and must be.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Reply> {
        let reply = self.send(Method::GET, path, &[], None).await?;
        anyhow::ensure!(reply.status.is_success(), "GET {path}: {} {}", reply.status, text(&reply));
        Ok(reply)
    }

    pub(crate) async fn get_json(&self, path: &str) -> anyhow::Result<Value> {
        json(&self.get(path).await?).with_context(|| format!("GET {path}"))
    }

    /// A change that must be taken.
    pub(crate) async fn change(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        fields: &[(&str, &str)],
    ) -> anyhow::Result<Value> {
        let reply = self.send(method.clone(), path, fields, Some(Bytes::from(body.to_string()))).await?;
        anyhow::ensure!(reply.status.is_success(), "{method} {path}: {} {}", reply.status, text(&reply));
        Ok(json(&reply).unwrap_or_default())
    }

    /// All items of a list, page after page.
    pub(crate) async fn list(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let (mut items, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let mark = if path.contains('?') { '&' } else { '?' };
            let page = match &cursor {
                Some(cursor) => format!("{path}{mark}cursor={cursor}"),
                None => path.to_owned(),
            };
            let page = self.get_json(&page).await?;
            items.extend(page.get("items").and_then(Value::as_array).cloned().unwrap_or_default());
            let next = page.get("next").and_then(Value::as_str);
            // A cursor, or the address of the next page.
            cursor = next.map(|next| {
                next.rsplit("cursor=").next().unwrap_or(next).split('&').next().unwrap_or(next).to_owned()
            });
            if cursor.is_none() {
                return Ok(items);
            }
        }
    }
}

/// The body as JSON.
pub(crate) fn json(reply: &Reply) -> anyhow::Result<Value> {
    serde_json::from_slice(&reply.body).with_context(|| format!("{} {}", reply.status, text(reply)))
}

fn text(reply: &Reply) -> String {
    String::from_utf8_lossy(&reply.body).chars().take(500).collect()
}
