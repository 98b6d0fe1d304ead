//! Addresses of media: what they name, and how those of originals are made; `layout` makes those of renditions. An address that holds a digest never changes what it means.
//!
//! | address below `/media/<asset id>/` | names |
//! |---|---|
//! | `original-<digest>.<ext>` | the file as it was uploaded |
//! | `<name>-<digest>.<ext>` | one rendition |
//! | `hls-<digest>/<file>` | a playlist, and what it plays |
//! | `<name>` | the rendition of that name, in the format that the client reads |

use uuid::Uuid;

use super::layout;

/// What an address of media names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MediaPath<'a> {
    /// The upload, if this is its digest and extension.
    Original {
        /// First half of its SHA-256 in hexadecimal.
        digest: &'a str,
        /// File extension.
        extension: &'a str,
    },
    /// The object of this key.
    Object {
        /// Its key in the store.
        key: String,
    },
    /// The rendition of this name in a format that is to be settled.
    Negotiated {
        /// Its name.
        name: &'a str,
    },
}

/// Reads what stands below `/media/<asset id>/`; `None` for what names nothing.
pub(crate) fn parse<'a>(asset_id: Uuid, first: &'a str, file: Option<&'a str>) -> Option<MediaPath<'a>> {
    if let Some(file) = file {
        let digest = first.strip_prefix("hls-")?;
        return (is_digest(digest) && is_file(file))
            .then(|| MediaPath::Object { key: layout::playlist_key(asset_id, digest, file) });
    }
    let Some((stem, extension)) = first.rsplit_once('.') else {
        return is_name(first).then_some(MediaPath::Negotiated { name: first });
    };
    let (name, digest) = stem.rsplit_once('-')?;
    if !(is_name(name) && is_digest(digest) && is_extension(extension)) {
        return None;
    }
    match name {
        "original" => Some(MediaPath::Original { digest, extension }),
        _ => Some(MediaPath::Object { key: layout::rendition_key(asset_id, name, digest, extension) }),
    }
}

/// The address of an upload, from its SHA-256 and media type.
pub(crate) fn of_original(asset_id: Uuid, sha256: &[u8], content_type: &str) -> String {
    format!("/media/{asset_id}/original-{}.{}", layout::short_digest(sha256), extension(content_type))
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a link to this address opens: the file itself; of a playlist, everything in its folder, since a player asks for the
/// pieces by what stands in it.
pub(crate) fn scope(path: &str) -> &str {
    // `/media/<asset>/<folder>/…`: the fourth slash ends the folder.
    path.match_indices('/').nth(3).and_then(|(at, _)| path.get(..=at)).unwrap_or(path)
}

/// The file extension of a media type; `bin` for one that is not taken here.
pub(crate) fn extension(content_type: &str) -> &'static str {
    match content_type {
        "video/mp4" => "mp4",
        "video/quicktime" => "mov",
        "video/webm" => "webm",
        "video/matroska" => "mkv",
        "image/jpeg" => "jpg",
        "image/png" => "png",
        "image/webp" => "webp",
        "image/gif" => "gif",
        "image/heic" => "heic",
        "image/avif" => "avif",
        _ => "bin",
    }
}

/// The media type of a file beside a playlist.
pub(crate) fn content_type_of_piece(key: &str) -> &'static str {
    match key.rsplit_once('.').map(|(_, extension)| extension) {
        Some("m3u8") => "application/vnd.apple.mpegurl",
        Some("ts") => "video/mp2t",
        Some("m4s" | "mp4") => "video/mp4",
        Some("vtt") => "text/vtt",
        _ => "application/octet-stream",
    }
}

fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=40).contains(&text.len()) && text.bytes().all(allowed)
}

fn is_digest(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_extension(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=10).contains(&text.len()) && text.bytes().all(allowed)
}

/// A file of a playlist's folder, or of a folder in it: each rung of a ladder has one.
fn is_file(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    let is_segment =
        |text: &str| (1..=100).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(allowed);
    text.split('/').count() <= 2 && text.split('/').all(is_segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "0123456789abcdef0123456789abcdef";

    fn id() -> Uuid {
        Uuid::from_u128(7)
    }

    #[test]
    fn every_form_of_address_is_read() {
        let original = format!("original-{DIGEST}.mp4");
        assert_eq!(
            parse(id(), &original, None),
            Some(MediaPath::Original { digest: DIGEST, extension: "mp4" })
        );
        let thumb = format!("thumb-{DIGEST}.webp");
        let key = format!("variant/{}/{thumb}", id());
        assert_eq!(parse(id(), &thumb, None), Some(MediaPath::Object { key: key.clone() }));
        assert_eq!(layout::media_path(&key), format!("/media/{}/{thumb}", id()));
        assert_eq!(parse(id(), "video_720p", None), Some(MediaPath::Negotiated { name: "video_720p" }));
        let folder = format!("hls-{DIGEST}");
        let key = format!("variant/{}/{folder}/master.m3u8", id());
        assert_eq!(parse(id(), &folder, Some("master.m3u8")), Some(MediaPath::Object { key: key.clone() }));
        assert_eq!(layout::media_path(&key), format!("/media/{}/{folder}/master.m3u8", id()));
    }

    #[test]
    fn what_names_nothing_is_not_looked_for() {
        let folder = format!("hls-{DIGEST}");
        for (first, file) in [
            ("", None),
            ("Thumb", None),
            ("thumb.webp", None),
            ("thumb-0123.webp", None),
            (&*format!("thumb-{DIGEST}."), None),
            (&*format!("thumb-{}.webp", DIGEST.to_uppercase()), None),
            (&*format!("../thumb-{DIGEST}.webp"), None),
            (&*folder, Some("")),
            (&*folder, Some("..")),
            (&*folder, Some("a/b/c")),
            (&*folder, Some("a/")),
            (&*folder, Some("../b")),
            ("hls-1", Some("master.m3u8")),
            ("thumb", Some("master.m3u8")),
        ] {
            assert_eq!(parse(id(), first, file), None, "{first} {file:?}");
        }
    }

    #[test]
    fn a_link_opens_one_file_or_the_folder_of_a_playlist() {
        assert_eq!(scope("/media/7/thumb-1.webp"), "/media/7/thumb-1.webp");
        assert_eq!(scope("/media/7/hls-1/master.m3u8"), "/media/7/hls-1/");
        assert_eq!(scope("/media/7/hls-1/seg_0001.m4s"), "/media/7/hls-1/");
        assert_eq!(scope("/media/7/hls-1/360p/00001.m4s"), "/media/7/hls-1/");
    }

    #[test]
    fn an_original_is_addressed_by_its_content() {
        let path = of_original(id(), &[0xab; 32], "image/jpeg");
        assert_eq!(path, format!("/media/{}/original-{}.jpg", id(), "ab".repeat(16)));
    }
}
