//! What a request asks for, whichever dialect it is in.

use http::Method;

use crate::checksum::{Algorithm, Checksum};
use crate::concat::Concat;
use crate::dialect::{self, Dialect};
use crate::fields::{Fields, METHOD_OVERRIDE};
use crate::metadata::Metadata;
use crate::{Refusal, resumable, tus};

/// The media type of content that the draft appends.
pub const PARTIAL_UPLOAD: &str = "application/partial-upload";
/// The media type of content that tus appends.
pub const TUS_CONTENT: &str = "application/offset+octet-stream";

/// What the address of a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Where uploads are created.
    Collection,
    /// One upload.
    Upload,
}

impl Target {
    /// The methods this protocol knows there, as `Allow` lists them.
    pub(crate) const fn allow(self) -> &'static str {
        match self {
            Self::Collection => "OPTIONS, POST, PUT",
            Self::Upload => "DELETE, HEAD, OPTIONS, PATCH",
        }
    }
}

/// A request that has been understood. It has not been held against any upload yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Tell what is supported.
    Options,
    /// Begin an upload.
    Create(Box<Create>),
    /// Tell how far an upload has come.
    Offset {
        /// `None` if nothing tells; the answer then suits both.
        dialect: Option<Dialect>,
    },
    /// Add to an upload.
    Append(Append),
    /// Give an upload up, with all its bytes.
    Cancel {
        /// `None` if nothing tells.
        dialect: Option<Dialect>,
    },
}

/// The content of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Bytes, as the head announces; `None` when only the end of the content will tell.
    pub length: Option<u64>,
    /// What these bytes alone must hash to. They count once all of these match; content that was cut short cannot be checked,
    /// and none of it counts.
    pub checksums: Vec<Checksum>,
}

/// When an upload is complete, as far as one request is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completes {
    /// As soon as the offset is the length: the rule of tus.
    AtLength,
    /// With the last byte of this content, whatever the length was said to be: `Upload-Complete: ?1`.
    WithContent,
    /// Not with this request, even if all bytes are there: `Upload-Complete: ?0`.
    Later,
}

/// Begin an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create {
    /// How the client speaks.
    pub dialect: Dialect,
    /// The length of the whole upload in bytes, if the client states it.
    pub declared: Option<u64>,
    /// The first bytes; of length 0 if the request only creates. Such a request of tus is not asked for content, and what it
    /// carries all the same is not part of the upload.
    pub content: Content,
    /// When the upload is complete.
    pub completes: Completes,
    /// What the upload is to others (tus only).
    pub concat: Option<Concat>,
    /// What the client says of the upload (tus only), to be given back unchanged.
    pub metadata: Option<Metadata>,
    /// The name of the file without folders, if the client tells. Untrusted.
    pub file_name: Option<String>,
    /// The media type of the whole, if the client tells. Untrusted.
    pub media_type: Option<String>,
    /// What the whole upload must hash to once it is complete (the draft only).
    pub representation: Vec<Checksum>,
    /// The digests of the whole that the client would like to be told, best liked first (the draft only).
    pub wanted: Vec<Algorithm>,
}

/// Add to an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// How the client speaks, in this request.
    pub dialect: Dialect,
    /// Where the client believes the upload to stand, in bytes.
    pub offset: u64,
    /// The length of the whole upload in bytes, if the client states it here.
    pub declared: Option<u64>,
    /// The bytes to add.
    pub content: Content,
    /// When the upload is complete.
    pub completes: Completes,
}

/// Understands a request by its head.
///
/// # Errors
/// A [`Refusal`] if the head breaks a rule of its dialect. Nothing of the request has been, or may be, processed.
pub fn parse(method: &Method, fields: &Fields<'_>, target: Target) -> Result<Command, Refusal> {
    // The version of tus is not looked at here: a client asks in order to learn it.
    if method == Method::OPTIONS {
        return Ok(Command::Options);
    }
    let dialect = Dialect::of(fields)?;
    let method = effective_method(method, fields, dialect)?;
    match (target, method.as_str()) {
        (Target::Collection, "POST" | "PUT") => create(&method, fields, dialect),
        (Target::Upload, "HEAD") => Ok(Command::Offset { dialect }),
        (Target::Upload, "PATCH") => append(fields, dialect),
        (Target::Upload, "DELETE") => Ok(Command::Cancel { dialect }),
        _ => Err(Refusal::Method(target)),
    }
}

/// tus lets clients that cannot send `PATCH` or `DELETE` name the method in a field. Only of a client that says it speaks tus:
/// others might have passed a check of the method they were sent with.
fn effective_method(
    method: &Method,
    fields: &Fields<'_>,
    dialect: Option<Dialect>,
) -> Result<Method, Refusal> {
    if dialect != Some(Dialect::Tus) {
        return Ok(method.clone());
    }
    let Some(named) = fields.one(METHOD_OVERRIDE)? else { return Ok(method.clone()) };
    Method::from_bytes(named.as_bytes())
        .map_err(|_fault| Refusal::field(METHOD_OVERRIDE, "malformed", "must be a method"))
}

fn create(method: &Method, fields: &Fields<'_>, dialect: Option<Dialect>) -> Result<Command, Refusal> {
    let create = match dialect {
        Some(Dialect::Tus) if method == Method::POST => tus::create(fields)?,
        Some(Dialect::Tus) => return Err(Refusal::Method(Target::Collection)),
        Some(dialect) => resumable::create(fields, dialect)?,
        None if dialect::is_tus_without_version(fields) => return Err(Refusal::Version),
        None => return Err(Refusal::NotResumable),
    };
    Ok(Command::Create(Box::new(create)))
}

fn append(fields: &Fields<'_>, dialect: Option<Dialect>) -> Result<Command, Refusal> {
    match dialect {
        Some(Dialect::Tus) => tus::append(fields),
        Some(dialect) => resumable::append(fields, dialect),
        None if dialect::is_tus_without_version(fields) => Err(Refusal::Version),
        None => Err(Refusal::MediaType),
    }
    .map(Command::Append)
}
