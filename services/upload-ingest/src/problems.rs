//! The service's own problem types, beside the common ones of the `problem` crate and those of the upload protocols.

use problem::ProblemType;

macro_rules! problem_types {
    ($($(#[$meta:meta])* $name:ident = $code:literal, $status:literal, $title:literal, $doc:literal;)*) => {
        $($(#[$meta])* pub static $name: ProblemType = ProblemType { code: $code, status: $status, title: $title, doc: $doc };)*
        /// All of them.
        pub static UPLOAD_INGEST_PROBLEMS: &[&ProblemType] = &[$(&$name),*];
    };
}

problem_types! {
    /// The bytes are not of a type that is taken here.
    CONTENT_REFUSED = "content_refused", 415, "The content is not of a type that is taken here",
        "The first bytes of the body show that it is something else than what may be uploaded here, whatever its name and `Content-Type` say. `detail` says what it looks like and what is taken. Nothing was kept.";
    /// The bytes end early or do not fit together.
    CONTENT_DAMAGED = "content_damaged", 422, "The content is damaged",
        "The body has the right type, but its structure is broken or it ends too early. Check that the file plays or opens, and send all of it. Nothing was kept.";
    /// The digest that the client announced is not that of the bytes.
    DIGEST_MISMATCH = "digest_mismatch", 422, "The digest does not match",
        "The bytes that arrived do not have the digest that the request announced: they were changed on the way, or the digest is of something else. Nothing was kept; send it again.";
    /// The owner's quota is used up.
    QUOTA_EXCEEDED = "quota_exceeded", 403, "The quota is used up",
        "With this upload you would keep more than you may. `detail` gives the limit. Delete something, or ask for more room.";
    /// The owner has too many uploads under way.
    TOO_MANY_UPLOADS = "too_many_uploads", 429, "Too many uploads at once",
        "You have as many uploads under way as you may. Wait until one has ended, or cancel one, then send this one again.";
    /// The asset is still being processed, or failed, so this cannot be done.
    STAGE_NOT_RETRYABLE = "stage_not_retryable", 409, "The stage cannot be tried again",
        "Only a stage that has failed for good can be tried again, and only while its asset exists. `detail` says where it stands.";
    /// The signed link has expired or is not one of ours.
    LINK_EXPIRED = "link_expired", 403, "The link is no longer good",
        "The link to this private file has expired, was altered, or is to something that is hidden. Read the asset again to get a new one.";
    /// The client sent nothing for too long.
    UPLOAD_STALLED = "upload_stalled", 408, "Nothing more of the body came in time",
        "The connection was open, but no byte of the body came for too long. What has arrived of a resumable upload is kept: ask for its offset with HEAD and go on from there.";
    /// Another request took the upload over.
    UPLOAD_TAKEN_OVER = "upload_taken_over", 409, "Another request goes on with this upload",
        "While this request was bringing bytes, another one took the upload over. Ask for its offset with HEAD before you go on.";
    /// The store has no room.
    STORAGE_FULL = "storage_full", 507, "There is no room for it",
        "The service has no room for this upload at the moment. Nothing that was acknowledged is lost; try again later.";
}

/// Every problem type that this service can answer with, as it is published.
pub fn all() -> Vec<serde_json::Value> {
    problem::registry::COMMON
        .iter()
        .chain(UPLOAD_INGEST_PROBLEMS)
        .chain(upload_protocol::UPLOAD_PROBLEMS)
        .map(|kind| serde_json::json!({"code": kind.code, "status": kind.status, "title": kind.title, "doc": kind.doc}))
        .collect()
}
