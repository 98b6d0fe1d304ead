//! Photos of parcels: uploaded once by the one at the desk, through the gateway. All packages show two of them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use demo_client::{Api, SignedIn};
use serde::Deserialize;
use uuid::Uuid;

use crate::domain::status::MIN_PHOTOS;
use crate::uploads::{Asset, Uploads};

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Uploaded>,
}

#[derive(Debug, Deserialize)]
struct Uploaded {
    id: Uuid,
    title: Option<String>,
    status: String,
}

/// The photos, as upload-ingest describes them. What is not there yet is uploaded: whatever is, is known by its title.
///
/// # Errors
/// Where there are too few pictures, one cannot be read, or is refused.
pub(super) async fn photos(
    api: &Api,
    uploads: &Uploads,
    operator: &SignedIn,
    data: &Path,
) -> anyhow::Result<Vec<Asset>> {
    let page: Page = api.get("/v1/assets?limit=100", &operator.token).await?;
    let mut photos: Vec<Asset> = Vec::new();
    for file in pictures(&data.join("media"))? {
        let title = format!("Parcel {}", file.file_name().unwrap_or_default().to_string_lossy());
        let is_it =
            |asset: &&Uploaded| asset.title.as_deref() == Some(title.as_str()) && asset.status != "failed";
        let id = match page.items.iter().find(is_it) {
            Some(asset) => asset.id,
            None => put(api, operator, &file, &title).await?,
        };
        let asset = uploads.look_up(Some(&operator.token), id, "/photos").await;
        photos.push(asset.map_err(|error| anyhow::anyhow!("{title}: {}", error.explain()))?);
    }
    ensure!(
        photos.len() >= MIN_PHOTOS,
        "{} holds fewer than {MIN_PHOTOS} pictures",
        data.join("media").display()
    );
    Ok(photos)
}

fn pictures(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|kind| kind == "jpg" || kind == "png"));
    files.sort();
    Ok(files)
}

async fn put(api: &Api, operator: &SignedIn, file: &Path, title: &str) -> anyhow::Result<Uuid> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let path = format!("/v1/images?visibility=public&title={}", title.replace(' ', "%20"));
    let uploaded: Uploaded = api.put_file(&path, &operator.token, bytes, &Uuid::now_v7().to_string()).await?;
    Ok(uploaded.id)
}
