//! Assets as a worker would have left them, without one: what is made of them is put into the store and the database by hand.

use blob_store::{BlobStore, LocalConfig, ObjectKey, Source, StorageConfig};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use serde_json::Value as Json;

use crate::harness::{TestApp, sha256};

pub(crate) const PHOTO: &str = "friends-9x16-derived.jpg";
pub(crate) const CLIP: &str = "bigbuckbunny.mp4";

/// Formats of `thumb`, each with its media type.
pub(crate) const FORMATS: [(&str, &str); 3] =
    [("avif", "image/avif"), ("webp", "image/webp"), ("jpg", "image/jpeg")];

/// Puts things where the service finds them.
pub(crate) struct Shelf<'a> {
    app: &'a TestApp,
    blobs: BlobStore,
    conn: AsyncPgConnection,
}

/// One object of an asset.
struct Piece<'a> {
    asset: &'a str,
    key: String,
    content: &'a [u8],
}

impl<'a> Shelf<'a> {
    pub(crate) async fn of(app: &'a TestApp) -> Self {
        let local = LocalConfig { root: app.objects.path().to_owned(), ..LocalConfig::default() };
        let blobs = BlobStore::open(&StorageConfig { local, ..StorageConfig::default() }).await.unwrap();
        Self { app, blobs, conn: app.db.admin().await }
    }

    /// Uploads a photo, makes a thumb of it in three formats, and ends its processing. Returns it as its owner reads it.
    pub(crate) async fn photo(&mut self, token: &str, visibility: &str) -> Json {
        let asset = self.app.upload("images", token, PHOTO).await;
        let id = asset["id"].as_str().unwrap();
        for (format, content_type) in FORMATS {
            let content = thumb_content(format);
            let key = format!("variant/{id}/thumb-{}.{format}", digest(&content));
            self.put(Piece { asset: id, key: key.clone(), content: &content }).await;
            self.rendition(id, "thumb", (format, content_type), &key, &content).await;
        }
        self.finish(id, visibility).await;
        self.app.get(&format!("/v1/assets/{id}"), Some(token)).await.expect(200).json()
    }

    /// Uploads a video, makes a playlist of it, and ends its processing.
    pub(crate) async fn video(&mut self, token: &str, visibility: &str) -> Json {
        let asset = self.app.upload("videos", token, CLIP).await;
        let id = asset["id"].as_str().unwrap();
        let master =
            b"#EXTM3U\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:4,\nseg_1.m4s\n360p/index.m3u8\n#EXT-X-ENDLIST\n";
        let folder = format!("variant/{id}/hls-{}", digest(master));
        let key = format!("{folder}/master.m3u8");
        self.put(Piece { asset: id, key: format!("{folder}/seg_1.m4s"), content: b"a segment" }).await;
        let rung = format!("{folder}/360p/index.m3u8");
        self.put(Piece { asset: id, key: rung, content: b"#EXTM3U\n00001.m4s\n" }).await;
        self.put(Piece { asset: id, key: key.clone(), content: master }).await;
        self.rendition(id, "hls", ("m3u8", "application/vnd.apple.mpegurl"), &key, master).await;
        self.finish(id, visibility).await;
        self.app.get(&format!("/v1/assets/{id}"), Some(token)).await.expect(200).json()
    }

    async fn put(&mut self, piece: Piece<'_>) {
        let key = ObjectKey::new(piece.key.clone()).unwrap();
        self.blobs.put(&key, Source::Bytes(piece.content.to_vec().into())).await.unwrap();
        self.run(&format!(
            "INSERT INTO storage_object (key, backend, asset_id, bytes, sha256, created_at) VALUES \
             ('{}', 'local', '{}', {}, '\\x{}', now())",
            piece.key,
            piece.asset,
            piece.content.len(),
            sha256(piece.content)
        ))
        .await;
    }

    async fn rendition(&mut self, asset: &str, name: &str, format: (&str, &str), key: &str, content: &[u8]) {
        let digest = digest(content);
        let (format, content_type) = format;
        self.run(&format!(
            "INSERT INTO rendition (id, asset_id, name, format, content_type, object_key, digest, bytes, width, height, created_at) \
             VALUES (gen_random_uuid(), '{asset}', '{name}', '{format}', '{content_type}', '{key}', '{digest}', {}, 200, 200, now())",
            content.len()
        ))
        .await;
    }

    async fn finish(&mut self, asset: &str, visibility: &str) {
        let status = if visibility == "public" { "published" } else { "processed" };
        self.run(&format!(
            "UPDATE job SET state = 'done', attempt = 1, progress = 1, started_at = now(), ended_at = now() WHERE asset_id = '{asset}'; \
             INSERT INTO job_attempt (job_id, epoch, attempt, worker, started_at, ended_at, outcome) \
             SELECT id, 1, 1, 'w', now(), now(), 'done' FROM job WHERE asset_id = '{asset}'; \
             UPDATE asset SET status = '{status}', visibility = '{visibility}', version = version + 1, width = 9, height = 16 \
             WHERE id = '{asset}'"
        ))
        .await;
    }

    /// Gives a stage up and fails its asset, as a worker does after the last attempt.
    pub(crate) async fn give_up(&mut self, asset: &str, stage: &str) {
        self.run(&format!(
            "UPDATE job SET state = 'dead', attempt = 5, ended_at = now(), started_at = now(), error_code = 'damaged', \
             error_text = 'The file is damaged.' WHERE asset_id = '{asset}' AND kind = '{stage}'; \
             UPDATE asset SET status = 'failed', error_code = 'damaged', error_text = 'The file is damaged.', \
             version = version + 1 WHERE id = '{asset}'"
        ))
        .await;
    }

    /// Runs statements as they are.
    pub(crate) async fn run(&mut self, sql: &str) {
        self.conn.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// What of a SHA-256 stands in addresses and tags.
pub(crate) fn digest(content: &[u8]) -> String {
    sha256(content).chars().take(32).collect()
}

/// What a thumb in this format holds.
pub(crate) fn thumb_content(format: &str) -> Vec<u8> {
    format!("a thumb in {format}, as long as it takes").into_bytes()
}

/// A member of a JSON object, as text.
pub(crate) fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_else(|| panic!("no {name} in {json}"))
}

/// The address of a rendition in an asset's JSON.
pub(crate) fn rendition_url(asset: &Json, format: &str) -> String {
    let found = asset["renditions"].as_array().unwrap().iter().find(|made| made["format"] == format);
    text(found.unwrap_or_else(|| panic!("no {format} in {asset}")), "url").to_owned()
}
