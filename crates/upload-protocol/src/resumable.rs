//! Requests of the IETF draft.
//!
//! A structured field of a wrong kind counts as absent, as the draft demands; where the field is required the request is
//! then refused for want of it.

use crate::Refusal;
use crate::checksum;
use crate::command::{Append, Completes, Content, Create, PARTIAL_UPLOAD};
use crate::dialect::Dialect;
use crate::disposition::file_name;
use crate::fields::{
    CONTENT_DIGEST, CONTENT_DISPOSITION, Fields, REPR_DIGEST, UPLOAD_COMPLETE, UPLOAD_LENGTH, UPLOAD_OFFSET,
};

/// Reads a request that creates an upload.
pub(crate) fn create(fields: &Fields<'_>, dialect: Dialect) -> Result<Create, Refusal> {
    Ok(Create {
        dialect,
        declared: fields.integer(UPLOAD_LENGTH),
        completes: completes(fields)?,
        content: content(fields)?,
        concat: None,
        metadata: None,
        file_name: fields.text(CONTENT_DISPOSITION).and_then(file_name),
        media_type: fields.media_type()?,
        representation: checksum::of_digest_field(fields, REPR_DIGEST)?,
        wanted: checksum::wanted(fields),
    })
}

/// Reads a request that adds to an upload.
pub(crate) fn append(fields: &Fields<'_>, dialect: Dialect) -> Result<Append, Refusal> {
    if fields.media_type()?.as_deref() != Some(PARTIAL_UPLOAD) {
        return Err(Refusal::MediaType);
    }
    let offset = fields.integer(UPLOAD_OFFSET).ok_or_else(|| {
        Refusal::field(UPLOAD_OFFSET, "required", "the offset of the content is expected, as one integer")
    })?;
    Ok(Append {
        dialect,
        offset,
        declared: fields.integer(UPLOAD_LENGTH),
        completes: completes(fields)?,
        content: content(fields)?,
    })
}

fn completes(fields: &Fields<'_>) -> Result<Completes, Refusal> {
    match fields.boolean(UPLOAD_COMPLETE) {
        Some(true) => Ok(Completes::WithContent),
        Some(false) => Ok(Completes::Later),
        None => Err(Refusal::field(UPLOAD_COMPLETE, "required", "one boolean is expected: ?0 or ?1")),
    }
}

fn content(fields: &Fields<'_>) -> Result<Content, Refusal> {
    let checksums = checksum::of_digest_field(fields, CONTENT_DIGEST)?;
    Ok(Content { length: fields.content_length()?, checksums })
}
