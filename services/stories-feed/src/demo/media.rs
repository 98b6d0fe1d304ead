//! Photos and clips: uploaded by the demo accounts, processed by the worker, posted through the API.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use demo_client::Api;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::accounts::Account;
use super::plan::Plan;

/// Few, since a worker has to look at each, and of every kind: role of whose it is, file, whether it is a video, caption.
const FILES: [(&str, &str, bool, &str); 5] = [
    ("administrator", "picosdeeuropa-9x16-derived.jpg", false, "Up there by noon"),
    ("administrator", "bigbuckbunny-9x16-derived.mp4", true, "How the warm-up feels"),
    ("instructor", "friends-9x16-derived.jpg", false, "The whole class made it"),
    ("instructor", "chelsea.png", false, "Our new receptionist"),
    ("apprentice", "seeding_by_Clements_Engelhardt.jpg", false, "Moved by hand, all of it"),
];
/// How long the worker may take for all of them.
const PATIENCE: Duration = Duration::from_secs(180);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(300);

/// Something that was uploaded.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    id: Uuid,
    owner: Uuid,
    is_video: bool,
    caption: &'static str,
}

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Asset>,
}

#[derive(Debug, Deserialize)]
struct Asset {
    id: Uuid,
    title: Option<String>,
    status: String,
}

/// Uploads what is not there yet: whatever is, is known by its title.
///
/// # Errors
/// Where a file cannot be read, or is refused.
pub(super) async fn upload(api: &Api, accounts: &[Account], data: &Path) -> anyhow::Result<Vec<Upload>> {
    let mut uploads = Vec::new();
    for account in accounts {
        let page: Page = api.get("/v1/assets?limit=100", &account.token).await?;
        for (_, file, is_video, caption) in FILES.into_iter().filter(|(role, ..)| *role == account.role) {
            let title = format!("Demo {file}");
            let is_it =
                |asset: &&Asset| asset.title.as_deref() == Some(title.as_str()) && asset.status != "failed";
            let id = match page.items.iter().find(is_it) {
                Some(asset) => asset.id,
                None => put(api, account, &data.join("media").join(file), &title, is_video).await?,
            };
            uploads.push(Upload { id, owner: account.id, is_video, caption });
        }
    }
    Ok(uploads)
}

async fn put(api: &Api, account: &Account, file: &Path, title: &str, is_video: bool) -> anyhow::Result<Uuid> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let resource = if is_video { "videos" } else { "images" };
    let path = format!("/v1/{resource}?visibility=public&title={}", title.replace(' ', "%20"));
    // Another try after a failure of its processing is another upload.
    let asset: Asset = api.put_file(&path, &account.token, bytes, &Uuid::now_v7().to_string()).await?;
    Ok(asset.id)
}

/// Waits until the worker is done with them, and posts each in every gym, once a day; each account with a picture shows it beside its
/// name. Returns how many stories there are.
///
/// # Errors
/// Where the worker gives one up or takes too long, or a story is refused.
pub(super) async fn post(
    api: &Api,
    accounts: &[Account],
    plan: &Plan,
    uploads: &[Upload],
) -> anyhow::Result<usize> {
    let began = Instant::now();
    let today = pg_pool::now().date_naive();
    let mut posted = 0;
    for account in accounts {
        let own: Vec<&Upload> = uploads.iter().filter(|upload| upload.owner == account.id).collect();
        for upload in &own {
            wait(api, account, upload, began).await?;
        }
        if let Some(picture) = own.iter().find(|upload| !upload.is_video) {
            api.put_json("/v1/me/avatar", &account.token, &json!({"asset_id": picture.id})).await?;
        }
        for gym in &plan.gyms {
            for upload in &own {
                let kind = if upload.is_video { "video" } else { "image" };
                let body = json!({
                    "type": kind, "asset_id": upload.id, "caption": upload.caption, "duration_hours": 48,
                });
                let key = format!("demo-{}-{today}", upload.id);
                let path = format!("/v1/gyms/{}/stories", gym.id);
                let _: Json = api.post_json(&path, Some(&account.token), &body, Some(&key)).await?;
                posted += 1;
            }
        }
    }
    Ok(posted)
}

async fn wait(api: &Api, account: &Account, upload: &Upload, began: Instant) -> anyhow::Result<()> {
    loop {
        let asset: Asset = api.get(&format!("/v1/assets/{}", upload.id), &account.token).await?;
        match asset.status.as_str() {
            "published" => return Ok(()),
            "failed" => bail!("the processing of {:?} was given up", asset.title),
            _ if began.elapsed() > PATIENCE => {
                bail!("{:?} is not processed after {} s", asset.title, PATIENCE.as_secs())
            }
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
}
