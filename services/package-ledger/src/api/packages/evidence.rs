//! Photos and papers that come with a step: looked up at upload-ingest before the transaction, which asks nobody.

use actix_web::HttpRequest;
use futures_util::{StreamExt as _, stream};
use problem::{FieldError, Problem};
use service_error::ServiceError;
use uuid::Uuid;

use crate::domain::parcel::fault;
use crate::problems::FILE_UNUSABLE;
use crate::state::AppState;
use crate::steps::scene::NewFile;
use crate::uploads::{self, Asset};

/// Most files of a kind in one request.
pub(super) const MAX_FILES: usize = 20;
/// Assets that are asked for at the same time.
const AT_ONCE: usize = 4;
/// What papers may be, beside pictures.
const PDF: &str = "application/pdf";

/// A file that somebody wants to add.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// Name of what it is.
    kind: &'static str,
    asset_id: Uuid,
    pointer: String,
}

/// These assets as files of a kind, as they stand in a member of the body.
pub(super) fn wanted(
    kind: &'static str,
    member: &str,
    asset_ids: &[Uuid],
    faults: &mut Vec<FieldError>,
) -> Vec<Wanted> {
    if asset_ids.len() > MAX_FILES {
        fault(&format!("/{member}"), "too_many", format!("at most {MAX_FILES} files are expected"), faults);
    }
    let pointed = |(index, asset_id): (usize, &Uuid)| Wanted {
        kind,
        asset_id: *asset_id,
        pointer: format!("/{member}/{index}"),
    };
    asset_ids.iter().take(MAX_FILES).enumerate().map(pointed).collect()
}

/// Refuses assets that are named more than once: one photo is not two.
pub(super) fn distinct(wanted: &[Wanted], faults: &mut Vec<FieldError>) {
    for (index, file) in wanted.iter().enumerate() {
        if wanted.iter().take(index).any(|before| before.asset_id == file.asset_id) {
            fault(&file.pointer, "repeated", "each asset may be named once", faults);
        }
    }
}

/// Looks all of them up, as whoever asks.
///
/// # Errors
/// `file_unusable` that names each that cannot be used, and as [`uploads::Uploads::look_up`].
pub(super) async fn look_up(
    state: &AppState,
    request: &HttpRequest,
    wanted: Vec<Wanted>,
) -> Result<Vec<NewFile>, ServiceError> {
    let token = uploads::bearer(request);
    let ask = async |file: Wanted| {
        let asset = state.uploads.look_up(token.as_ref(), file.asset_id, &file.pointer).await;
        (file, asset)
    };
    let answers: Vec<(Wanted, Result<Asset, ServiceError>)> =
        stream::iter(wanted).map(ask).buffered(AT_ONCE).collect().await;
    let mut files: Vec<NewFile> = Vec::with_capacity(answers.len());
    let mut faults: Vec<FieldError> = Vec::new();
    for (file, asset) in answers {
        match asset {
            Err(error) if error.is_one_of(&[&FILE_UNUSABLE]) => {
                faults.extend(error.problem().field_errors().iter().cloned());
            }
            asset => {
                let asset = asset?;
                check(&file, &asset, &files, &mut faults);
                files.push(NewFile { kind: file.kind, asset });
            }
        }
    }
    if faults.is_empty() { Ok(files) } else { Err(Problem::new(&FILE_UNUSABLE).errors(faults).into()) }
}

fn check(file: &Wanted, asset: &Asset, before: &[NewFile], faults: &mut Vec<FieldError>) {
    let is_paper = file.kind != "photo" && asset.content_type == PDF;
    if !asset.is_image && !is_paper {
        fault(&file.pointer, "wrong_kind", "a picture is expected, or a PDF where it is no photo", faults);
    }
    if before.iter().any(|other| other.asset.sha256 == asset.sha256) {
        fault(&file.pointer, "repeated", "this is the same picture as another one", faults);
    }
}
