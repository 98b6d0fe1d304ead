//! The neighbours: their streams, on which a test speaks for them, and an upload-ingest that answers what a test says.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use async_nats::HeaderMap;
use async_nats::jetstream::{self, context::Context};
use broadcast::{Broadcast, NatsConfig};
use contracts::upload_ingest::v1::{self, AssetChanged, AssetFailed, AssetProcessed};
use contracts::{Message, Name};
use event_bus::{Bus, BusConfig, StreamSpec};
use serde_json::{Value as Json, json};
use test_harness::{nats_url, wait_until};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::harness::Harness;

/// Long enough for a busy machine; only a failing test waits it out.
pub(super) const DEADLINE: Duration = Duration::from_secs(30);

/// The service and its neighbours.
pub(super) struct World {
    pub(super) app: Harness,
    pub(super) uploads: FakeUploads,
    jetstream: Context,
}

impl World {
    pub(super) async fn start() -> Self {
        Self::with("").await
    }

    /// The same with more settings.
    pub(super) async fn with(more: &str) -> Self {
        let config = BusConfig { url: nats_url(), ..BusConfig::default() };
        let bus = Bus::connect(&config).await.unwrap();
        bus.ensure_stream(StreamSpec::new("CATALOG", ["catalog.>"])).await.unwrap();
        let uploads = StreamSpec::new("UPLOAD_INGEST", ["upload_ingest.asset.>", "upload_ingest.job.>"]);
        bus.ensure_stream(uploads).await.unwrap();
        let connection =
            Broadcast::connect(&NatsConfig { url: nats_url(), ..NatsConfig::default() }).await.unwrap();
        let jetstream = jetstream::new(connection.client());
        let uploads = FakeUploads::start();
        let app = Harness::with(&format!("[uploads]\nurl = \"http://{}\"\n{more}", uploads.addr)).await;
        Self { app, uploads, jetstream }
    }

    /// Speaks for a neighbour.
    pub(super) async fn tell<M: Message + Name>(&self, subject: &str, event: &M) {
        let id = Uuid::now_v7().to_string();
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", id.as_str());
        headers.insert("ce-id", id.as_str());
        headers.insert("ce-type", M::full_name().as_str());
        let payload = event.encode_to_vec().into();
        let stored = self.jetstream.publish_with_headers(subject.to_owned(), headers, payload).await.unwrap();
        stored.await.unwrap();
    }

    /// The asset is ready, and anybody may see it, or its owner alone.
    pub(super) async fn tell_processed(&self, asset: Asset, version: i64, visibility: v1::Visibility) {
        let event = AssetProcessed {
            id: Uuid::now_v7().to_string(),
            asset_id: asset.id.to_string(),
            version,
            owner: asset.owner.to_string(),
            kind: v1::Kind::Image.into(),
            width: 1080,
            height: 1920,
            blurhash: "LEHV6nWB2yk8pyo0adR*.7kCMdnj".to_owned(),
            dominant_color: "#aabbcc".to_owned(),
            visibility: visibility.into(),
            renditions: vec![v1::Rendition {
                name: "thumb".to_owned(),
                format: "webp".to_owned(),
                content_type: "image/webp".to_owned(),
                url: format!("/media/{}/thumb.webp", asset.id),
                bytes: 1000 + version,
                width: 200,
                height: 200,
            }],
            ..Default::default()
        };
        self.tell("upload_ingest.asset.processed", &event).await;
    }

    /// Its processing was given up.
    pub(super) async fn tell_failed(&self, asset: Asset, version: i64) {
        let event = AssetFailed {
            id: Uuid::now_v7().to_string(),
            asset_id: asset.id.to_string(),
            version,
            owner: asset.owner.to_string(),
            kind: v1::Kind::Image.into(),
            error_code: "unreadable".to_owned(),
            error_text: "The file could not be read.".to_owned(),
            is_final: true,
            ..Default::default()
        };
        self.tell("upload_ingest.asset.failed", &event).await;
    }

    /// Others may see it than before.
    pub(super) async fn tell_changed(&self, asset: Asset, version: i64, change: v1::Change) {
        let (visibility, is_hidden) = match change {
            v1::Change::Hidden => (v1::Visibility::Public, true),
            v1::Change::Shown => (v1::Visibility::Public, false),
            v1::Change::Visibility => (v1::Visibility::Private, false),
            _ => (v1::Visibility::Unspecified, false),
        };
        let subject = if change == v1::Change::Deleted { "deleted" } else { "changed" };
        let event = AssetChanged {
            id: Uuid::now_v7().to_string(),
            asset_id: asset.id.to_string(),
            version,
            owner: asset.owner.to_string(),
            kind: v1::Kind::Image.into(),
            change: change.into(),
            visibility: visibility.into(),
            is_hidden,
            ..Default::default()
        };
        self.tell(&format!("upload_ingest.asset.{subject}"), &event).await;
    }

    /// Posts a picture, and returns the answer.
    pub(super) async fn post(&self, gym: Uuid, asset: Asset) -> crate::harness::Answer {
        let body = json!({"type": "image", "asset_id": asset.id});
        self.app.post(&format!("/v1/gyms/{gym}/stories"), &self.app.token(asset.owner), &body).await
    }

    /// What a member sees: the ids of all stories in the gym's feed.
    pub(super) async fn seen_by(&self, gym: Uuid, viewer: Uuid) -> Vec<Uuid> {
        let path = format!("/v1/gyms/{gym}/stories/feed");
        let feed = self.app.get(&path, &self.app.token(viewer)).await.expect(200).json();
        let groups = feed["user_stories"].as_array().unwrap().iter();
        let stories = groups.flat_map(|group| group["stories"].as_array().unwrap().iter());
        stories.map(|story| story["id"].as_str().unwrap().parse().unwrap()).collect()
    }

    /// Waits until a member sees exactly these stories.
    pub(super) async fn wait_until_seen(&self, gym: Uuid, viewer: Uuid, stories: &[Uuid]) {
        let what = format!("{viewer} sees {stories:?}");
        wait_until(&what, DEADLINE, async || self.seen_by(gym, viewer).await == stories).await;
    }

    /// What the author has of a story.
    pub(super) async fn own(&self, author: Uuid, story: Uuid) -> Json {
        self.app.get(&format!("/v1/stories/{story}"), &self.app.token(author)).await.expect(200).json()
    }

    /// Waits until a story stands so.
    pub(super) async fn wait_until_state(&self, author: Uuid, story: Uuid, state: &str) {
        let what = format!("{story} is {state}");
        wait_until(&what, DEADLINE, async || self.own(author, story).await["state"] == state).await;
    }

    /// Waits until this version of an asset is known.
    pub(super) async fn wait_until_known(&self, asset: Asset, version: i64) {
        let sql = format!(
            "SELECT count(*) AS number FROM media WHERE asset_id = '{}' AND asset_version >= {version}",
            asset.id
        );
        let what = format!("version {version} of {}", asset.id);
        wait_until(&what, DEADLINE, async || self.app.number(&sql).await == 1).await;
    }

    /// Waits until all that was told so far is handled: what is told after it, of the same kind, has been applied.
    pub(super) async fn wait_until_heard(&self) {
        let marker = Asset { id: Uuid::now_v7(), owner: Uuid::now_v7() };
        self.tell_processed(marker, 1, v1::Visibility::Public).await;
        self.wait_until_known(marker, 1).await;
    }

    /// The log of a gym's feed.
    pub(super) async fn log(&self, gym: Uuid) -> Vec<String> {
        crate::people::log(&self.app, gym).await.into_iter().map(|[action, ..]| action).collect()
    }

    pub(super) async fn stop(self) {
        self.app.stop().await;
    }
}

/// An asset of somebody's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asset {
    pub(super) id: Uuid,
    pub(super) owner: Uuid,
}

impl Asset {
    pub(super) fn of(owner: Uuid) -> Self {
        Self { id: Uuid::now_v7(), owner }
    }
}

/// An upload-ingest of which a test says what it knows. An answer is made when it is asked; it may be held back.
pub(super) struct FakeUploads {
    addr: SocketAddr,
    shared: Arc<Shared>,
    handle: actix_web::dev::ServerHandle,
}

struct Shared {
    assets: Mutex<HashMap<Uuid, Json>>,
    /// Answers that are ready and wait for [`FakeUploads::let_go`].
    made: Semaphore,
    gate: Semaphore,
    is_held: AtomicBool,
}

impl FakeUploads {
    fn start() -> Self {
        let (made, gate) = (Semaphore::new(0), Semaphore::new(0));
        let shared = Shared { assets: Mutex::default(), made, gate, is_held: AtomicBool::new(false) };
        let shared = Arc::new(shared);
        let data = web::Data::from(Arc::clone(&shared));
        let server = HttpServer::new(move || {
            App::new().app_data(data.clone()).route("/v1/assets/{id}", web::get().to(get_asset))
        })
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
        let addr = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { addr, shared, handle }
    }

    /// From now on it says this of an asset.
    pub(super) fn know(&self, asset: Asset, version: i64, status: &str) {
        let renditions = match status {
            "published" => json!([{
                "name": "thumb", "format": "webp", "content_type": "image/webp", "bytes": 1000,
                "url": format!("/media/{}/thumb.webp", asset.id), "width": 200, "height": 200,
            }]),
            _ => json!([]),
        };
        let view = json!({
            "id": asset.id, "kind": "image", "owner_id": asset.owner, "status": status, "visibility": "public",
            "hidden": false, "bytes": 5000, "duration_ms": null, "width": 1080, "height": 1920, "blurhash": null,
            "thumbhash": null, "dominant_color": null, "error": null, "renditions": renditions, "version": version,
        });
        self.shared.assets.lock().unwrap().insert(asset.id, view);
    }

    /// Answers are held back from now on.
    pub(super) fn hold(&self) {
        self.shared.is_held.store(true, Ordering::SeqCst);
    }

    /// Waits until an answer is made, and held back.
    pub(super) async fn wait_for_answer(&self) {
        self.shared.made.acquire().await.unwrap().forget();
    }

    /// Lets one answer go.
    pub(super) fn let_go(&self) {
        self.shared.gate.add_permits(1);
    }
}

impl Drop for FakeUploads {
    fn drop(&mut self) {
        // The future only waits for the end, which nobody needs to.
        drop(self.handle.stop(false));
    }
}

async fn get_asset(shared: web::Data<Shared>, id: web::Path<Uuid>) -> HttpResponse {
    let view = shared.assets.lock().unwrap().get(&id).cloned();
    shared.made.add_permits(1);
    if shared.is_held.load(Ordering::SeqCst) {
        shared.gate.acquire().await.unwrap().forget();
    }
    match view {
        Some(view) => HttpResponse::Ok().json(view),
        None => HttpResponse::NotFound().finish(),
    }
}
