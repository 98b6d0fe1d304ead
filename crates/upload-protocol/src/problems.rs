//! The problem types of uploads, beside the common ones of the `problem` crate.

use problem::ProblemType;

macro_rules! problem_types {
    ($($(#[$meta:meta])* $name:ident = $code:literal, $status:literal, $title:literal, $doc:literal;)*) => {
        $($(#[$meta])* pub static $name: ProblemType = ProblemType { code: $code, status: $status, title: $title, doc: $doc };)*
        /// All of them.
        pub static UPLOAD_PROBLEMS: &[&ProblemType] = &[$(&$name),*];
    };
}

problem_types! {
    /// Another offset than the upload's.
    MISMATCHING_UPLOAD_OFFSET = "mismatching_upload_offset", 409, "The offset is not that of the upload",
        "The content would not continue the upload where it stands. `expected-offset` and the field `Upload-Offset` give the offset of the upload, `provided-offset` that of the request. Nothing was changed; continue at the expected offset.";
    /// Lengths that contradict each other.
    INCONSISTENT_UPLOAD_LENGTH = "inconsistent_upload_length", 400, "The lengths of the upload contradict each other",
        "What the request says or sends does not fit the length of the upload: `Upload-Length` differs from what was said before, there is more content than length left, or the upload was declared complete too early. Ask for the state with HEAD: if the upload is still there, continue at its offset and to its length; otherwise begin anew.";
    /// Nothing can follow completion.
    COMPLETED_UPLOAD = "completed_upload", 400, "The upload is complete",
        "The upload was completed before and cannot change any more. HEAD shows its state.";
    /// Not the version of tus that is spoken.
    TUS_VERSION_UNSUPPORTED = "tus_version_unsupported", 412, "The version of tus is not supported",
        "The request speaks tus and its `Tus-Resumable` is missing or is not a version in `Tus-Version`. Nothing was processed.";
    /// An upload beyond a limit.
    UPLOAD_TOO_LARGE = "upload_too_large", 413, "The upload or this part of it is too large",
        "Either the whole is longer than `max-size` of the field `Upload-Limit`, and cannot be uploaded here; or the content of this request is longer than its `max-append-size`, and can be sent in several requests.";
    /// Less than a request must carry.
    UPLOAD_PART_TOO_SMALL = "upload_part_too_small", 400, "This part of the upload is too small",
        "A request that does not complete the upload must carry at least `min-append-size` bytes, as the field `Upload-Limit` says. Nothing was changed.";
    /// An upload that was and is not any more.
    UPLOAD_GONE = "upload_gone", 410, "The upload is no longer there",
        "It was cancelled, has expired, or became invalid; `detail` says which. None of it is kept: begin a new upload.";
    /// A final upload takes no content.
    FINAL_UPLOAD = "final_upload", 403, "A final upload cannot be appended to",
        "An upload that is made of others by `Upload-Concat: final` consists of its parts and nothing else.";
    /// A part that is none.
    NOT_A_PARTIAL_UPLOAD = "not_a_partial_upload", 400, "The upload was not begun as a part",
        "Only uploads that were created with `Upload-Concat: partial` can be put together into a final one.";
    /// A part that is not complete.
    UPLOAD_PART_UNFINISHED = "upload_part_unfinished", 409, "A part of the upload is not complete",
        "All parts must be complete before they can be put together. Finish them and send the request again.";
    /// Bytes that are not those that were sent.
    CHECKSUM_MISMATCH = "checksum_mismatch", 460, "The checksum does not match",
        "The content of this request does not hash to what `Upload-Checksum` or `Content-Digest` says, so it was damaged on its way. It was discarded and the offset has not moved: send it again.";
    /// A whole that is not the one that was announced.
    REPRESENTATION_MISMATCH = "representation_mismatch", 422, "The digest of the upload does not match",
        "The complete upload does not hash to what `Repr-Digest` said when it was created. It was discarded: begin a new upload.";
    /// Neither dialect.
    NOT_RESUMABLE = "not_resumable", 400, "The request begins no resumable upload",
        "To begin an upload that can be resumed, send `Upload-Complete`, or `Tus-Resumable` and `Upload-Length`.";
}
