//! Fetching `/metrics`.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use http::{Request, Uri, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::exposition::{Format, Sample, parse};

/// What takes longer is not there.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);
/// More than any service of ours tells by far.
const MOST_BYTES: usize = 16 << 20;

/// The samples at a URL: `http`, for metrics are on private ports.
pub(crate) async fn scrape(url: &str) -> Result<Vec<Sample>> {
    let (text, format) = tokio::time::timeout(PATIENCE, get(url))
        .await
        .with_context(|| format!("no answer within {PATIENCE:?}"))??;
    Ok(parse(&text, format)?)
}

async fn get(url: &str) -> Result<(String, Format)> {
    let uri: Uri = url.parse().with_context(|| format!("{url} is no URL"))?;
    let authority = uri.authority().context("a URL without a host")?;
    let place = format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80));
    let stream = TcpStream::connect(&place).await.with_context(|| format!("no connection to {place}"))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let path = uri.path_and_query().map_or("/metrics", |path| path.as_str());
    let request = Request::get(path)
        .header(header::HOST, authority.as_str())
        .header(
            header::ACCEPT,
            "application/openmetrics-text; version=1.0.0, text/plain; version=0.0.4;q=0.5",
        )
        .body(Empty::<Bytes>::new())?;
    let exchange = async {
        let answer = sender.send_request(request).await?;
        ensure!(answer.status().is_success(), "{url} answers {}", answer.status());
        let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let open = kind.is_some_and(|kind| kind.starts_with("application/openmetrics-text"));
        let body = Limited::new(answer.into_body(), MOST_BYTES).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("the answer of {url} cannot be read: {error}"))?;
        let text = String::from_utf8(body.to_bytes().to_vec()).context("the metrics are no UTF-8")?;
        Ok((text, if open { Format::OpenMetrics } else { Format::Prometheus }))
    };
    // The connection moves bytes only while it is polled; that it ends after the answer is no fault.
    let mut exchange = std::pin::pin!(exchange);
    tokio::select! {
        answer = &mut exchange => answer,
        ended = connection => match ended {
            Ok(()) => exchange.await,
            Err(error) => bail!("the connection to {place} broke: {error}"),
        },
    }
}
