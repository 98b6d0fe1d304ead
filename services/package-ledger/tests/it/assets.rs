//! An upload-ingest that knows of every asset: its original are the bytes of its id. Of [`UNKNOWN`] it knows nothing, and [`VIDEO`] is no
//! picture.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// An asset that does not exist.
pub(crate) const UNKNOWN: Uuid = Uuid::max();
/// An asset that is a video.
pub(crate) const VIDEO: Uuid = Uuid::from_u128(0xf11a);

/// Where it listens; one for all tests of this process, on a thread and a runtime of its own.
pub(crate) fn url() -> String {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| {
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let app = || {
                    App::new()
                        .route("/v1/assets/{id}", web::get().to(get_asset))
                        .route("/media/{name}", web::get().to(get_original))
                };
                let server = HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
                tell.send(format!("http://{}", server.addrs()[0])).unwrap();
                server.run().await.unwrap();
            });
        });
        told.recv().unwrap()
    })
    .clone()
}

/// Originals of the assets that were asked for.
static ORIGINALS: Mutex<Option<HashMap<String, Uuid>>> = Mutex::new(None);

async fn get_original(name: web::Path<String>) -> HttpResponse {
    match ORIGINALS.lock().unwrap().get_or_insert_default().get(name.as_str()) {
        Some(id) => HttpResponse::Ok().body(id.as_bytes().to_vec()),
        None => HttpResponse::NotFound().finish(),
    }
}

/// What goes into the chain of custody of an asset.
pub(crate) fn digest_of(id: Uuid) -> [u8; 32] {
    Sha256::digest(id.as_bytes()).into()
}

async fn get_asset(id: web::Path<Uuid>) -> HttpResponse {
    let id = id.into_inner();
    if id == UNKNOWN {
        return HttpResponse::NotFound().finish();
    }
    let sha256: String = digest_of(id).iter().map(|byte| format!("{byte:02x}")).collect();
    let kind = if id == VIDEO { "video" } else { "image" };
    ORIGINALS.lock().unwrap().get_or_insert_default().insert(format!("{sha256}.jpg"), id);
    HttpResponse::Ok().json(json!({
        "id": id, "kind": kind, "sha256": sha256, "content_type": "image/jpeg", "bytes": 1234,
        "original_url": format!("/media/{sha256}.jpg?signed=yes"),
    }))
}
