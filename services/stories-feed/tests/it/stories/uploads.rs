//! An upload-ingest that gives up what it processes, and tries again when it is asked to.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::{Value as Json, json};
use uuid::Uuid;

/// What it knows of assets, and what it was asked to try again.
#[derive(Default)]
struct Known {
    assets: Mutex<HashMap<Uuid, Json>>,
    retried: Mutex<Vec<String>>,
}

/// A running one; it stops with the test.
pub(super) struct Uploads {
    addr: SocketAddr,
    known: Arc<Known>,
    handle: actix_web::dev::ServerHandle,
}

impl Uploads {
    pub(super) fn start() -> Self {
        let known = Arc::new(Known::default());
        let data = web::Data::from(Arc::clone(&known));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .route("/v1/assets/{id}", web::get().to(get_asset))
                .route("/v1/assets/{id}/timeline", web::get().to(get_timeline))
                .route("/v1/assets/{id}/stages/{stage}/retry", web::post().to(retry_stage))
        })
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
        let addr = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { addr, known, handle }
    }

    /// The settings of a service that asks it.
    pub(super) fn settings(&self) -> String {
        format!("[uploads]\nurl = \"http://{}\"\n", self.addr)
    }

    /// From now on it says this of a picture: `processing`, `published` or `failed`.
    pub(super) fn know(&self, asset: Uuid, owner: Uuid, version: i64, status: &str) {
        let error =
            (status == "failed").then(|| json!({"code": "unreadable", "message": "It could not be read."}));
        let view = json!({
            "id": asset, "kind": "image", "owner_id": owner, "status": status, "visibility": "public", "hidden": false,
            "bytes": 5000, "duration_ms": null, "width": 1080, "height": 1920, "blurhash": null, "thumbhash": null,
            "dominant_color": null, "error": error, "renditions": [], "version": version,
        });
        self.known.assets.lock().unwrap().insert(asset, view);
    }

    /// The stages that it was asked to try again, in order.
    pub(super) fn retried(&self) -> Vec<String> {
        self.known.retried.lock().unwrap().clone()
    }
}

impl Drop for Uploads {
    fn drop(&mut self) {
        // The future only waits for the end, which nobody needs to.
        drop(self.handle.stop(false));
    }
}

async fn get_asset(known: web::Data<Known>, id: web::Path<Uuid>) -> HttpResponse {
    match known.assets.lock().unwrap().get(&id) {
        Some(view) => HttpResponse::Ok().json(view),
        None => HttpResponse::NotFound().finish(),
    }
}

async fn get_timeline(known: web::Data<Known>, id: web::Path<Uuid>) -> HttpResponse {
    match known.assets.lock().unwrap().get(&id) {
        Some(view) => {
            let has_failed = view["status"] == "failed";
            HttpResponse::Ok().json(json!({"stages": [
                {"stage": "probe", "required": true, "retryable": false},
                {"stage": "variants", "required": true, "retryable": has_failed},
                {"stage": "poster", "required": false, "retryable": has_failed},
            ]}))
        }
        None => HttpResponse::NotFound().finish(),
    }
}

async fn retry_stage(known: web::Data<Known>, at: web::Path<(Uuid, String)>) -> HttpResponse {
    let (id, stage) = at.into_inner();
    known.retried.lock().unwrap().push(stage);
    if let Some(view) = known.assets.lock().unwrap().get_mut(&id) {
        view["status"] = json!("processing");
        view["error"] = Json::Null;
        view["version"] = json!(view["version"].as_i64().unwrap() + 1);
    }
    HttpResponse::Accepted().json(json!({}))
}
