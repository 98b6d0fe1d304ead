//! Requests of tus 1.0.0.

use crate::Refusal;
use crate::checksum;
use crate::command::{Append, Completes, Content, Create, TUS_CONTENT};
use crate::concat::Concat;
use crate::dialect::Dialect;
use crate::disposition::base_name;
use crate::fields::{
    CONTENT_TYPE, Fields, TRANSFER_ENCODING, UPLOAD_CONCAT, UPLOAD_DEFER_LENGTH, UPLOAD_LENGTH,
    UPLOAD_METADATA, UPLOAD_OFFSET,
};
use crate::metadata::Metadata;

/// Reads a request that creates an upload.
pub(crate) fn create(fields: &Fields<'_>) -> Result<Create, Refusal> {
    let concat = fields.one(UPLOAD_CONCAT)?.map(Concat::parse).transpose()?;
    let declared = declared(fields, concat.as_ref())?;
    let content = first_content(fields)?;
    if matches!(concat, Some(Concat::Final(_))) && content.length != Some(0) {
        return Err(Refusal::field(CONTENT_TYPE, "not_allowed", "a final upload has no content of its own"));
    }
    let metadata = fields.one(UPLOAD_METADATA)?.map(Metadata::parse).transpose()?;
    let told = |key| metadata.as_ref().and_then(|metadata| metadata.text(key));
    Ok(Create {
        dialect: Dialect::Tus,
        declared,
        content,
        completes: Completes::AtLength,
        concat,
        // Two names that clients have made a custom; tus gives none.
        file_name: told("filename").and_then(base_name),
        media_type: told("filetype").map(str::to_ascii_lowercase),
        metadata,
        representation: Vec::new(),
        wanted: Vec::new(),
    })
}

/// Reads a request that adds to an upload.
pub(crate) fn append(fields: &Fields<'_>) -> Result<Append, Refusal> {
    if fields.media_type()?.as_deref() != Some(TUS_CONTENT) {
        return Err(Refusal::MediaType);
    }
    let offset = fields.count(UPLOAD_OFFSET)?.ok_or_else(|| {
        Refusal::field(UPLOAD_OFFSET, "required", "the offset of the content within the upload is expected")
    })?;
    Ok(Append {
        dialect: Dialect::Tus,
        offset,
        declared: fields.count(UPLOAD_LENGTH)?,
        content: content(fields)?,
        completes: Completes::AtLength,
    })
}

/// The length, which must be stated or put off, and for a final upload must not be: it follows from its parts.
fn declared(fields: &Fields<'_>, concat: Option<&Concat>) -> Result<Option<u64>, Refusal> {
    let declared = fields.count(UPLOAD_LENGTH)?;
    let deferred = match fields.one(UPLOAD_DEFER_LENGTH)? {
        None => false,
        Some("1") => true,
        Some(_) => return Err(Refusal::field(UPLOAD_DEFER_LENGTH, "malformed", "can only be 1")),
    };
    let refused = |code, message| Err(Refusal::field(UPLOAD_LENGTH, code, message));
    match (declared, deferred) {
        (Some(_), true) => refused("not_allowed", "cannot be given beside Upload-Defer-Length"),
        (Some(_), _) | (_, true) if matches!(concat, Some(Concat::Final(_))) => {
            refused("not_allowed", "the length of a final upload is the sum of its parts")
        }
        (None, false) if !matches!(concat, Some(Concat::Final(_))) => {
            refused("required", "the length of the upload, or Upload-Defer-Length: 1, is expected")
        }
        _ => Ok(declared),
    }
}

/// The content of a request that creates: there is some only under the media type of tus.
fn first_content(fields: &Fields<'_>) -> Result<Content, Refusal> {
    if fields.media_type()?.as_deref() == Some(TUS_CONTENT) {
        return content(fields);
    }
    if fields.content_length()?.unwrap_or(0) > 0 || fields.has(TRANSFER_ENCODING) {
        return Err(Refusal::MediaType);
    }
    Ok(Content { length: Some(0), checksums: Vec::new() })
}

fn content(fields: &Fields<'_>) -> Result<Content, Refusal> {
    let checksums = checksum::of_tus(fields)?.into_iter().collect();
    Ok(Content { length: fields.content_length()?, checksums })
}
