//! `Upload-Concat` of tus: an upload that is a part of another, or made of others.

use http::Uri;

use crate::Refusal;
use crate::fields::UPLOAD_CONCAT;

/// What an upload is to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Concat {
    /// A part. It is not to be processed by itself.
    Partial,
    /// The uploads at these addresses, absolute or relative, one after the other.
    Final(Vec<String>),
}

impl Concat {
    /// Reads the value of the field.
    ///
    /// # Errors
    /// [`Refusal::Field`] for anything but `partial`, or `final;` with addresses one space apart.
    pub fn parse(value: &str) -> Result<Self, Refusal> {
        if value == "partial" {
            return Ok(Self::Partial);
        }
        let parts: Vec<_> =
            value.strip_prefix("final;").unwrap_or_default().split(' ').map(str::to_owned).collect();
        let unusable = |part: &String| part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_graphic());
        if parts.iter().any(unusable) {
            let message = "must be `partial`, or `final;` and the addresses of the parts, one space apart";
            return Err(Refusal::field(UPLOAD_CONCAT, "malformed", message));
        }
        Ok(Self::Final(parts))
    }

    /// The value of the field, as it was read.
    #[must_use]
    pub fn field(&self) -> String {
        match self {
            Self::Partial => "partial".to_owned(),
            Self::Final(parts) => format!("final;{}", parts.join(" ")),
        }
    }
}

/// The id of the upload at `address`, for a server whose uploads are at `<collection>/<id>`, with the path of `collection`
/// as clients see it. The address may be absolute, with any host, since there are no uploads but ours; or relative to
/// the collection.
///
/// # Errors
/// [`Refusal::Field`] for an address that is not one of an upload.
pub fn upload_id(address: &str, collection: &str) -> Result<String, Refusal> {
    let refused =
        || Refusal::field(UPLOAD_CONCAT, "malformed", "every part must be the address of an upload");
    let collection = collection.trim_end_matches('/');
    let (parent, _) = collection.rsplit_once('/').ok_or_else(refused)?;
    let path = if address.starts_with("http://") || address.starts_with("https://") {
        let uri: Uri = address.parse().map_err(|_fault| refused())?;
        uri.path_and_query().map(ToString::to_string).unwrap_or_default()
    } else if address.starts_with('/') {
        address.to_owned()
    } else {
        // RFC 3986 §5.2.3: relative to what stands before the last slash of the address the request went to.
        format!("{parent}/{address}")
    };
    let id = path.strip_prefix(collection).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if id.is_empty() || !id.bytes().all(plain) { Err(refused()) } else { Ok(id.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_upload_is_to_others_comes_back_as_it_was_sent() {
        for text in ["partial", "final;/files/a", "final;/files/a /files/b", "final;https://x.org/files/a b"]
        {
            assert_eq!(Concat::parse(text).unwrap().field(), text);
        }
        for bad in [
            "",
            "Partial",
            "final",
            "final;",
            "final; ",
            "final;a  b",
            "final; a",
            "final;a ",
            "partial;a",
            "final;a\r\nb",
        ] {
            assert!(Concat::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_part_may_be_named_absolutely_or_relatively() {
        for address in [
            "https://up.example.org/v1/files/a-1",
            "http://x:8080/v1/files/a-1",
            "/v1/files/a-1",
            "files/a-1",
        ] {
            assert_eq!(upload_id(address, "/v1/files").as_deref(), Ok("a-1"), "{address}");
            assert_eq!(upload_id(address, "/v1/files/").as_deref(), Ok("a-1"), "{address}");
        }
    }

    #[test]
    fn an_address_that_is_no_upload_is_refused() {
        for bad in [
            "",
            "a",
            "/",
            "/v1/files",
            "/v1/files/",
            "/v1/files/a/b",
            "/v1/files/a?x",
            "/v1/files/a#x",
            "/v1/filesa",
            "/v1/files/..",
            "../v1/files/a",
            "/v1/files/%2e",
            "//evil/v1/files/a",
            "ftp://x/v1/files/a",
            "https://",
            "\u{e4}",
        ] {
            assert!(upload_id(bad, "/v1/files").is_err(), "{bad:?}");
        }
    }
}
