//! Processes that stop, politely or not, in the middle of uploads.

use std::time::Duration;

use diesel_async::SimpleAsyncConnection as _;
use reqwest::{Method, RequestBuilder};
use test_harness::{Process, free_port, wait_until};
use tokio::sync::mpsc;

use crate::harness::{TestApp, media, number, sha256};

const CLIP: &str = "bigbuckbunny.mp4";
const PATIENCE: Duration = Duration::from_secs(30);

/// The real program beside the test's own service, on the same database and store.
struct Program {
    process: Process,
    base: String,
    _config: tempfile::NamedTempFile,
}

impl Program {
    async fn start(app: &TestApp, more: &str) -> Self {
        Self::launched(app, more, |config| {
            Process::spawn("upload-ingest", &["serve", "--config", config], &[])
        })
        .await
    }

    /// With a store of so many KiB, in a file system that only this process sees.
    async fn with_little_room(app: &TestApp, kib: u32, more: &str) -> Self {
        let room = app.objects.path().join("room");
        std::fs::create_dir(&room).unwrap();
        let more = format!("[storage.local]\nroot = \"{}\"\n{more}", room.display());
        let script = format!(
            "mount -t tmpfs -o size={kib}k none {} && exec {} serve --config \"$0\"",
            room.display(),
            test_harness::binary("upload-ingest").display()
        );
        Self::launched(app, &more, |config| {
            let arguments = ["--user", "--map-root-user", "--mount", "sh", "-c", &script, config];
            Process::spawn_at("/usr/bin/unshare", &arguments, &[])
        })
        .await
    }

    async fn launched(app: &TestApp, more: &str, launch: impl FnOnce(&str) -> Process) -> Self {
        let port = free_port();
        let config = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        let mut table: toml::Table = toml::from_str(&app.config).unwrap();
        let more = format!("[http]\nbind = \"127.0.0.1:{port}\"\n[telemetry]\nlog = \"info\"\n{more}");
        test_harness::merge_settings(&mut table, toml::from_str(&more).unwrap());
        std::fs::write(config.path(), table.to_string()).unwrap();
        let mut process = launch(config.path().to_str().unwrap());
        let base = format!("http://127.0.0.1:{port}");
        process.wait_ready(&format!("{base}/readyz")).await;
        Self { process, base, _config: config }
    }

    fn request(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        reqwest::Client::builder()
            .no_proxy()
            .build()
            .unwrap()
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(token)
            .header("tus-resumable", "1.0.0")
    }

    async fn receiving(&self) -> bool {
        let metrics = self.request(Method::GET, "/metrics", "").send().await.unwrap().text().await.unwrap();
        metrics.contains("uploads_receiving{service=\"upload-ingest\"} 1")
    }
}

async fn create(app: &TestApp, token: &str, length: usize) -> String {
    let request = app.request(Method::POST, "/v1/uploads", Some(token)).header("tus-resumable", "1.0.0");
    app.send(request.header("upload-length", length)).await.expect(201).header("location").to_owned()
}

async fn offset(app: &TestApp, token: &str, path: &str) -> usize {
    let request = app.request(Method::HEAD, path, Some(token)).header("tus-resumable", "1.0.0");
    app.send(request).await.expect(200).header("upload-offset").parse().unwrap()
}

fn patch(request: RequestBuilder, offset: usize) -> RequestBuilder {
    request.header("upload-offset", offset).header("content-type", "application/offset+octet-stream")
}

/// A body that is fed by hand.
fn fed() -> (mpsc::Sender<Result<bytes::Bytes, std::io::Error>>, reqwest::Body) {
    let (feed, pieces) = mpsc::channel(4);
    let stream = futures_util::stream::unfold(pieces, async |mut pieces: mpsc::Receiver<_>| {
        Some((pieces.recv().await?, pieces))
    });
    (feed, reqwest::Body::wrap_stream(stream))
}

/// Goes on from where the upload stands, and sees that it becomes what was sent.
async fn finish(app: &TestApp, token: &str, path: &str, clip: &[u8]) -> usize {
    let from = offset(app, token, path).await;
    let rest = patch(app.request(Method::PATCH, path, Some(token)), from).header("tus-resumable", "1.0.0");
    let ended = app.send(rest.body(clip[from..].to_vec())).await.expect(204);
    let asset = app.get(ended.header("content-location"), Some(token)).await.expect(200).json();
    let back = app.get(asset["original_url"].as_str().unwrap(), Some(token)).await.expect(200);
    assert_eq!(sha256(&back.body), sha256(clip));
    from
}

/// U-B1: a polite end makes durable what has come, checkpoint or not.
#[tokio::test]
async fn a_service_that_is_stopped_keeps_what_has_come() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let clip = media(CLIP);
    let rarely = "[ingest]\ncheckpoint_ms = 600000\nlease_secs = 2000";
    let mut program = Program::start(&app, rarely).await;
    let path = create(&app, &token, clip.len()).await;
    let (feed, body) = fed();
    let request = patch(program.request(Method::PATCH, &path, &token), 0).body(body);
    let hanging = tokio::spawn(request.send());
    feed.send(Ok(bytes::Bytes::copy_from_slice(&clip[..700_000]))).await.unwrap();
    wait_until("the program receives", PATIENCE, async || program.receiving().await).await;
    // Nothing tells when a piece has been read; asking again until it has been is the condition.
    wait_until("the bytes have arrived", PATIENCE, async || {
        let metrics =
            program.request(Method::GET, "/metrics", "").send().await.unwrap().text().await.unwrap();
        let gathered = metrics.lines().find_map(|line| {
            line.strip_prefix("upload_taken_bytes_total{service=\"upload-ingest\"} ")?.parse::<u64>().ok()
        });
        gathered == Some(700_000)
    })
    .await;
    program.process.terminate(PATIENCE).await;
    let answer = hanging.await.unwrap();
    assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status() == 503));
    assert_eq!(finish(&app, &token, &path, &clip).await, 700_000);
    app.stop().await;
}

/// U-D3: a hard end loses nothing that was acknowledged.
#[tokio::test]
async fn a_service_that_is_killed_keeps_what_was_acknowledged() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let clip = media(CLIP);
    let mut program = Program::start(&app, "").await;
    let path = create(&app, &token, clip.len()).await;
    let first = patch(program.request(Method::PATCH, &path, &token), 0).body(clip[..300_000].to_vec());
    assert_eq!(first.send().await.unwrap().status(), 204);
    let (feed, body) = fed();
    let second = patch(program.request(Method::PATCH, &path, &token), 300_000).body(body);
    let hanging = tokio::spawn(second.send());
    feed.send(Ok(bytes::Bytes::copy_from_slice(&clip[300_000..600_000]))).await.unwrap();
    wait_until("the program receives", PATIENCE, async || program.receiving().await).await;
    program.process.kill9();
    assert!(hanging.await.unwrap().is_err());
    assert!(finish(&app, &token, &path, &clip).await >= 300_000);
    app.stop().await;
}

/// Between the last byte and the commit there is nobody to ask: another replica finishes.
#[tokio::test]
async fn an_end_that_a_crash_interrupted_is_taken_up_by_another_replica() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let clip = media(CLIP);
    // The owner has a row that can be locked.
    app.upload("images", &token, "friends-9x16-derived.jpg").await;
    let mut program = Program::start(&app, "[ingest]\ncheckpoint_ms = 500\nlease_secs = 1").await;
    let path = create(&app, &token, clip.len()).await;
    let mut lock = app.db.admin().await;
    lock.batch_execute("BEGIN; SELECT 1 FROM owner_usage FOR UPDATE").await.unwrap();
    let whole = patch(program.request(Method::PATCH, &path, &token), 0).body(clip.clone());
    let hanging = tokio::spawn(whole.send());
    wait_until("all bytes are safe and the commit waits", PATIENCE, async || {
        let waiting = "SELECT count(*) AS number FROM pg_locks WHERE NOT granted";
        let received = "SELECT count(*) AS number FROM upload WHERE state = 'received'";
        number(&app.db, received).await == 1 && number(&app.db, waiting).await > 0
    })
    .await;
    program.process.kill9();
    assert!(hanging.await.unwrap().is_err());
    lock.batch_execute("ROLLBACK").await.unwrap();
    wait_until("the other replica has finished it", PATIENCE, async || {
        number(&app.db, "SELECT count(*) AS number FROM upload WHERE dialect = 'tus' AND state = 'linked'")
            .await
            == 1
    })
    .await;
    assert_eq!(offset(&app, &token, &path).await, clip.len());
    let asset = app.get(&path.replace("uploads", "assets"), Some(&token)).await.expect(200).json();
    let back = app.get(asset["original_url"].as_str().unwrap(), Some(&token)).await.expect(200);
    assert_eq!(sha256(&back.body), sha256(&clip));
    app.stop().await;
}

/// What does not fit is refused; what was acknowledged stays, and there is room again for what comes next.
#[tokio::test]
async fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let clip = media(CLIP);
    let often = "[ingest]\nbuffer_bytes = 65536\ncheckpoint_bytes = 131072";
    let program = Program::with_little_room(&app, 700, often).await;
    let path = create(&app, &token, clip.len()).await;
    let head = async || {
        let head = program.request(Method::HEAD, &path, &token).send().await.unwrap();
        assert_eq!(head.status(), 200);
        head.headers()["upload-offset"].to_str().unwrap().parse::<usize>().unwrap()
    };
    let whole = patch(program.request(Method::PATCH, &path, &token), 0).body(clip.clone());
    assert_eq!(whole.send().await.unwrap().status(), 507);
    let safe = head().await;
    assert!((131_072..700 * 1024).contains(&safe), "{safe}");
    let little =
        patch(program.request(Method::PATCH, &path, &token), safe).body(clip[safe..safe + 1000].to_vec());
    assert_eq!(
        little.send().await.unwrap().status(),
        204,
        "the rest of the first request gave its room back"
    );
    assert_eq!(head().await, safe + 1000);
    let state = "SELECT count(*) AS number FROM upload WHERE state = 'paused'";
    assert_eq!(number(&app.db, state).await, 1);
    app.stop().await;
}
