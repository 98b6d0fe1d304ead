//! Where objects lie in the store, and under which path media are had. Both carry the first half of the content's SHA-256, so
//! that neither ever changes what it means.

use uuid::Uuid;

/// Hexadecimal digits of a SHA-256 that go into keys and paths.
const DIGEST_DIGITS: usize = 32;

/// Name of the rendition that is played piece by piece.
pub(crate) const PLAYLIST: &str = "hls";

/// File extension of a playlist.
pub(crate) const PLAYLIST_FORMAT: &str = "m3u8";

/// Whether this is the key of an original.
pub(crate) fn is_original(key: &str) -> bool {
    key.starts_with("original/")
}

/// Key of an original.
pub(crate) fn original_key(asset_id: Uuid) -> String {
    format!("original/{asset_id}")
}

/// Key of a rendition.
pub(crate) fn rendition_key(asset_id: Uuid, name: &str, digest: &str, format: &str) -> String {
    format!("variant/{asset_id}/{name}-{digest}.{format}")
}

/// Key of a file of a playlist, its master included.
pub(crate) fn playlist_key(asset_id: Uuid, digest: &str, file: &str) -> String {
    format!("variant/{asset_id}/{PLAYLIST}-{digest}/{file}")
}

/// Path of a rendition below the gateway, without a signature. `key` is where its object lies.
pub(crate) fn media_path(key: &str) -> String {
    format!("/media/{}", key.strip_prefix("variant/").unwrap_or(key))
}

/// Of which asset an object is; `None` for a key that this service never makes.
pub(crate) fn asset_of(key: &str) -> Option<Uuid> {
    let mut segments = key.split('/');
    match segments.next()? {
        "original" | "variant" => Uuid::try_parse(segments.next()?).ok(),
        _ => None,
    }
}

/// The part of a SHA-256 that goes into keys and paths, in hexadecimal.
pub(crate) fn short_digest(sha256: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(DIGEST_DIGITS);
    for byte in sha256.iter().take(DIGEST_DIGITS / 2) {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASSET: Uuid = Uuid::from_u128(7);

    #[test]
    fn a_key_says_whose_it_is() {
        let digest = short_digest(&[0xab; 32]);
        assert_eq!(digest, "ab".repeat(16));
        for key in [
            original_key(ASSET),
            rendition_key(ASSET, "thumb", &digest, "webp"),
            playlist_key(ASSET, &digest, "1080p_00001.m4s"),
        ] {
            assert_eq!(asset_of(&key), Some(ASSET), "{key}");
            assert!(blob_store::ObjectKey::new(key).is_ok());
        }
        for stranger in ["original/x", "variant", "other/00000000-0000-0000-0000-000000000007"] {
            assert_eq!(asset_of(stranger), None, "{stranger}");
        }
    }

    #[test]
    fn a_path_is_the_key_below_media() {
        let key = rendition_key(ASSET, "thumb", "0f", "webp");
        assert_eq!(media_path(&key), format!("/media/{ASSET}/thumb-0f.webp"));
        assert_eq!(
            media_path(&playlist_key(ASSET, "0f", "master.m3u8")),
            format!("/media/{ASSET}/hls-0f/master.m3u8")
        );
    }
}
