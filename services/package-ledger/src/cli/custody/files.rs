//! Gets the files that go with events.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use http_client::{Answer, Client, ClientConfig, Method, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::store::custody::FileRow;

/// How long one file may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Largest file that is taken.
const MAX_BYTES: usize = 256 << 20;

/// Where they are.
pub(super) struct Source {
    client: Client,
    base: String,
    token: SecretString,
}

#[derive(Deserialize)]
struct Asset {
    original_url: String,
}

impl Source {
    /// At this address, with the token of the environment: it is no argument, which others could see.
    pub(super) fn new(base: &str) -> anyhow::Result<Self> {
        let token = std::env::var("ALDIA_TOKEN").context("ALDIA_TOKEN is not set")?;
        let timeout_ms = u64::try_from(PATIENCE.as_millis()).unwrap_or(u64::MAX);
        let config = ClientConfig { timeout_ms, max_answer_bytes: MAX_BYTES, ..ClientConfig::default() };
        Ok(Self {
            client: Client::new(config)?,
            base: base.trim_end_matches('/').to_owned(),
            token: token.into(),
        })
    }

    /// Writes a file under the name of its digest as it was recorded, whatever its bytes are now. False where it is not there any more,
    /// or not to be seen.
    pub(super) async fn fetch(&self, file: &FileRow, directory: &Path) -> anyhow::Result<bool> {
        let Some(described) = self.get(&format!("/v1/assets/{}", file.asset_id)).await? else {
            return Ok(false);
        };
        let asset: Asset = described.json().context("the description of an asset")?;
        let Some(original) = self.get(&asset.original_url).await? else { return Ok(false) };
        let name: String = file.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = directory.join(name);
        std::fs::write(&path, &original.body).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(true)
    }

    async fn get(&self, path: &str) -> anyhow::Result<Option<Answer>> {
        // Links are given as paths, or whole.
        let url = if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() };
        let call = self.client.request(Method::GET, url).timeout(PATIENCE).idempotent();
        // Only to whom the token was meant for.
        let call = match path.starts_with('/') {
            true => {
                call.header(http::header::AUTHORIZATION, &format!("Bearer {}", self.token.expose_secret()))
            }
            false => call,
        };
        let answer = call.send().await.context("a file could not be asked for")?;
        match answer.status {
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN | StatusCode::GONE => Ok(None),
            status if status.is_success() => Ok(Some(answer)),
            status => bail!("a file was asked for and the answer was {status}"),
        }
    }
}
