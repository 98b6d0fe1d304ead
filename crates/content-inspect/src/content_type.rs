//! The types that are told apart, and what they are called elsewhere.

use serde::{Deserialize, Serialize};

/// A type whose bodies can be told from others by their content and checked for structure. Serialised as its media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ContentType {
    /// ISO base media with an MP4 brand; the brands of 3GPP, which phones wrote into `.mp4` files, count as this.
    #[serde(rename = "video/mp4")]
    Mp4,
    /// QuickTime, with the brand `qt` or from before there were brands.
    #[serde(rename = "video/quicktime")]
    QuickTime,
    /// Matroska that calls itself WebM.
    #[serde(rename = "video/webm")]
    WebM,
    /// Any other Matroska.
    #[serde(rename = "video/matroska")]
    Matroska,
    /// JPEG.
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// PNG, animated or not.
    #[serde(rename = "image/png")]
    Png,
    /// WebP, animated or not.
    #[serde(rename = "image/webp")]
    Webp,
    /// GIF, animated or not.
    #[serde(rename = "image/gif")]
    Gif,
    /// HEIF with HEVC inside, the format of iPhones' pictures.
    #[serde(rename = "image/heic")]
    Heic,
    /// HEIF with AV1 inside.
    #[serde(rename = "image/avif")]
    Avif,
}

/// What a type is played or shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A film.
    Video,
    /// A picture.
    Image,
}

impl ContentType {
    /// Every type there is.
    pub const ALL: [Self; 10] = [
        Self::Mp4,
        Self::QuickTime,
        Self::WebM,
        Self::Matroska,
        Self::Jpeg,
        Self::Png,
        Self::Webp,
        Self::Gif,
        Self::Heic,
        Self::Avif,
    ];

    /// The registered media type, for a `Content-Type` field.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Mp4 => "video/mp4",
            Self::QuickTime => "video/quicktime",
            Self::WebM => "video/webm",
            Self::Matroska => "video/matroska",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
            Self::Heic => "image/heic",
            Self::Avif => "image/avif",
        }
    }

    /// The usual ending of a file's name, without a full stop.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::QuickTime => "mov",
            Self::WebM => "webm",
            Self::Matroska => "mkv",
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Gif => "gif",
            Self::Heic => "heic",
            Self::Avif => "avif",
        }
    }

    /// Whether it is a film or a picture.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Mp4 | Self::QuickTime | Self::WebM | Self::Matroska => Kind::Video,
            Self::Jpeg | Self::Png | Self::Webp | Self::Gif | Self::Heic | Self::Avif => Kind::Image,
        }
    }

    /// The name people know it by: `MP4`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mp4 => "MP4",
            Self::QuickTime => "QuickTime",
            Self::WebM => "WebM",
            Self::Matroska => "Matroska",
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Webp => "WebP",
            Self::Gif => "GIF",
            Self::Heic => "HEIC",
            Self::Avif => "AVIF",
        }
    }

    /// The type that a `Content-Type` field declares, if it is one of these. Parameters and case do not matter; the names
    /// that clients use beside the registered ones are understood. What a client declares says nothing of what it sends.
    #[must_use]
    pub fn from_media_type(value: &str) -> Option<Self> {
        let essence = value.split(';').next().unwrap_or(value).trim().to_ascii_lowercase();
        match essence.as_str() {
            "video/x-m4v" | "video/3gpp" | "video/3gpp2" => Some(Self::Mp4),
            "video/x-matroska" => Some(Self::Matroska),
            "image/jpg" | "image/pjpeg" => Some(Self::Jpeg),
            "image/apng" => Some(Self::Png),
            "image/heif" => Some(Self::Heic),
            registered => Self::ALL.into_iter().find(|known| known.media_type() == registered),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_found_by_its_own_media_type_and_serialised_as_it() {
        for known in ContentType::ALL {
            assert_eq!(ContentType::from_media_type(known.media_type()), Some(known));
            assert_eq!(serde_json::to_value(known).unwrap(), known.media_type());
        }
    }

    #[test]
    fn parameters_case_and_common_names_do_not_matter() {
        let declared = [
            ("Video/MP4; codecs=\"avc1.640028\"", ContentType::Mp4),
            ("video/x-matroska;codecs=avc1", ContentType::Matroska),
            ("image/jpg", ContentType::Jpeg),
        ];
        for (value, expected) in declared {
            assert_eq!(ContentType::from_media_type(value), Some(expected), "{value}");
        }
    }

    #[test]
    fn what_is_none_of_them_is_none() {
        for value in ["", ";", "video/", "text/html", "application/octet-stream", "video/mp4x"] {
            assert_eq!(ContentType::from_media_type(value), None, "{value}");
        }
    }
}
