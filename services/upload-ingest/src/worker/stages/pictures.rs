//! A picture in every size and format, and its placeholders, from one decoding.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ffmpeg::AvifSpec;
use image_variants::{Format, Picture, Placeholders, VARIANTS, VariantSpec};
use uuid::Uuid;

use super::Task;
use crate::domain::layout;
use crate::store::jobs::asset::Learned;
use crate::worker::error::StageError;
use crate::worker::settle::{Made, Yield};
use crate::worker::workshop::{Workshop, blocking, measure};

/// The variant that stands in for the others while they load: too small for AVIF to make it smaller.
const PLACEHOLDER: &str = "placeholder";

/// Which variants of a picture there are, and what they are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// An image of its own.
    Image,
    /// The poster of a video.
    Poster,
}

impl Role {
    /// The name of a variant; `None` for one that is not made.
    fn name(self, spec: &VariantSpec) -> Option<String> {
        match self {
            Self::Image => Some(spec.name.to_owned()),
            Self::Poster if spec.name == PLACEHOLDER => None,
            Self::Poster => Some(format!("poster_{}", spec.name)),
        }
    }
}

/// Makes the variants of an image.
pub(super) async fn run(workshop: &Workshop, task: &Task<'_>) -> Result<Yield, StageError> {
    let original = workshop.original(task.asset_id, task.scratch).await?;
    let picture = workshop.decode(original.path().to_owned()).await?;
    make(workshop, task, picture, Role::Image).await
}

/// Makes the variants of a picture that was decoded.
pub(super) async fn make(
    workshop: &Workshop,
    task: &Task<'_>,
    picture: Picture,
    role: Role,
) -> Result<Yield, StageError> {
    let picture = Arc::new(picture);
    let placeholders = {
        let picture = Arc::clone(&picture);
        blocking(move || Ok(picture.placeholders()?)).await?
    };
    let mut made = Yield { learned: learned(placeholders), ..Yield::default() };
    let wanted: Vec<_> = VARIANTS.into_iter().filter_map(|spec| Some((role.name(&spec)?, spec))).collect();
    for (done, (name, spec)) in wanted.iter().enumerate() {
        let encoded = encode(&picture, *spec, task.scratch).await?;
        put(workshop, task, name, encoded, &mut made).await?;
        #[expect(clippy::cast_precision_loss, reason = "a part of a whole, to be looked at")]
        task.progress.send_replace((done + 1) as f32 / wanted.len() as f32);
    }
    Ok(made)
}

fn learned(placeholders: Placeholders) -> Learned {
    Learned {
        dominant_color: Some(placeholders.dominant_color_hex()),
        blurhash: Some(placeholders.blurhash),
        thumbhash: Some(placeholders.thumbhash),
        ..Learned::default()
    }
}

/// One variant as it comes out of this process.
struct Encoded {
    size: (u32, u32),
    formats: Vec<(Format, Vec<u8>)>,
    /// What AVIF is made from, where it is.
    png: Option<PathBuf>,
}

/// Resizes once and encodes what is encoded here.
async fn encode(picture: &Arc<Picture>, spec: VariantSpec, scratch: &Path) -> Result<Encoded, StageError> {
    let picture = Arc::clone(picture);
    let png = scratch.join(format!("{}.png", spec.name));
    blocking(move || {
        let variant = picture.variant(&spec)?;
        let mut formats = Vec::new();
        for format in [Format::Webp, Format::Jpeg] {
            formats.push((format, variant.encode(format)?));
        }
        // ffmpeg would fill what is transparent with black; WebP keeps it.
        let png = if spec.name == PLACEHOLDER || picture.has_alpha() {
            None
        } else {
            let mut file = BufWriter::new(File::create(&png)?);
            variant.to_png(&mut file)?;
            file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            Some(png)
        };
        Ok(Encoded { size: (variant.width(), variant.height()), formats, png })
    })
    .await
}

/// Puts what was encoded, and has ffmpeg encode the rest.
async fn put(
    workshop: &Workshop,
    task: &Task<'_>,
    name: &str,
    encoded: Encoded,
    made: &mut Yield,
) -> Result<(), StageError> {
    let size = encoded.size;
    let key = |asset_id: Uuid, digest: &str, format: Format| {
        layout::rendition_key(asset_id, name, digest, format.extension())
    };
    for (format, bytes) in encoded.formats {
        let stored = workshop.put_bytes(task.log, bytes, |digest| key(task.asset_id, digest, format)).await?;
        made.renditions.push(Made::of(
            name.to_owned(),
            format.extension(),
            format.content_type(),
            &stored,
            size,
        ));
        made.objects.push(stored);
    }
    if let Some(png) = encoded.png {
        let avif = task.scratch.join(format!("{name}.avif"));
        workshop.ffmpeg.avif(&png, &avif, &AvifSpec::default()).await?;
        let measured = measure(avif.clone()).await?;
        let key = key(task.asset_id, &layout::short_digest(&measured.sha256), Format::Avif);
        let stored = workshop.put_file(task.log, avif, measured, key).await?;
        let (format, content_type) = (Format::Avif.extension(), Format::Avif.content_type());
        made.renditions.push(Made::of(name.to_owned(), format, content_type, &stored, size));
        made.objects.push(stored);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poster_has_every_size_but_the_placeholder() {
        let names = |role: Role| VARIANTS.iter().filter_map(|spec| role.name(spec)).collect::<Vec<_>>();
        assert_eq!(names(Role::Image), ["placeholder", "thumb", "preview", "full"]);
        assert_eq!(names(Role::Poster), ["poster_thumb", "poster_preview", "poster_full"]);
    }
}
