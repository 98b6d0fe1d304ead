//! Uploads: the resumable resource in its two dialects, and the ways to send a whole file at once.

use openapi_parts::{Operation, content, header, id, idempotency_key, query};
use serde_json::{Map, Value as Json, json};

use super::parts::said_of_asset;

const TAG: &str = "uploads";

/// What goes wrong with bytes on their way in, whatever the way.
const INCOMING: [&str; 14] =
    ["400", "401", "403", "404", "408", "409", "410", "412", "413", "415", "422", "429", "460", "507"];

/// Adds their paths.
pub(super) fn add(paths: &mut Map<String, Json>) {
    paths.insert(
        "/v1/uploads".to_owned(),
        json!({"post": create().into_json(), "options": options("get_upload_options").into_json()}),
    );
    paths.insert(
        "/v1/uploads/{id}".to_owned(),
        json!({
            "parameters": [id()],
            "head": head().into_json(),
            "get": read().into_json(),
            "patch": append().into_json(),
            "delete": cancel().into_json(),
            "options": options("get_upload_options_of_one").into_json(),
        }),
    );
    paths.insert(
        "/v1/videos/upload".to_owned(),
        json!({"post": multipart("upload_video", "video").into_json()}),
    );
}

fn dialect_fields() -> Vec<Json> {
    vec![
        header("Tus-Resumable", false, "`1.0.0`: the request speaks tus."),
        header("Upload-Complete", false, "`?1` or `?0`: the request speaks the draft of the IETF."),
        header("Upload-Draft-Interop-Version", false, "The draft's interop version."),
        header(
            "X-Correlation-Id",
            false,
            "A UUID that ties upload, processing, events and log lines together.",
        ),
    ]
}

fn create() -> Operation {
    let mut parameters = dialect_fields();
    parameters.extend(said_of_asset());
    parameters.extend([
        query(
            "kind",
            json!({"type": "string", "enum": ["video", "image"]}),
            "What it must be; the bytes tell when it is left out.",
        ),
        header("Upload-Length", false, "Length of the whole."),
        header("Upload-Defer-Length", false, "`1`: tus is told the length later."),
        header(
            "Upload-Metadata",
            false,
            "tus: names and values in base64; title, visibility, kind and filename are read.",
        ),
        header("Upload-Concat", false, "tus: `partial`, or `final;` with the parts."),
        header("Upload-Checksum", false, "tus: algorithm and digest of this request's content."),
        header("Repr-Digest", false, "Digest of the whole (RFC 9530)."),
        header("Content-Digest", false, "Digest of this request's content (RFC 9530)."),
    ]);
    Operation::new("create_upload", TAG, "Begin an upload that may be interrupted, with or without its first bytes.")
        .description("One resource, two dialects: tus 1.0.0, and Resumable Uploads for HTTP (draft-ietf-httpbis-resumable-upload). An upload may be begun in one and finished in the other. `Upload-Offset` never exceeds what is on stable storage.")
        .parameters(parameters)
        .body(false, bytes())
        .empty("201", "It is begun; `Location` is its address, `Upload-Offset` how much of it is safe. Once all of it is, `Content-Location` is the asset.")
        .problems(&INCOMING)
}

fn append() -> Operation {
    let mut parameters = dialect_fields();
    parameters.extend([
        header("Upload-Offset", true, "Where these bytes go on."),
        header("Upload-Length", false, "Length of the whole, where it was not said before."),
        header("Upload-Checksum", false, "tus: algorithm and digest of this request's content."),
        header("Content-Digest", false, "Digest of this request's content (RFC 9530)."),
    ]);
    Operation::new("append_upload", TAG, "Go on with an upload.")
        .description("The whole is looked at while it comes in: what is no photo or video is refused after its first 64 KiB.")
        .parameters(parameters)
        .body(true, bytes())
        .empty("204", "The bytes are safe. Once all of them are, `Content-Location` is the asset.")
        .problems(&INCOMING)
}

fn head() -> Operation {
    Operation::new(
        "get_upload_offset",
        TAG,
        "How far an upload has come. A request that still hangs is told to stop first.",
    )
    .parameters(dialect_fields())
    .empty("200", "`Upload-Offset` to go on from, to a client of tus.")
    .empty("204", "The same, to a client of the draft.")
    .problems(&["400", "401", "404", "410", "412"])
}

fn read() -> Operation {
    Operation::new("get_upload", TAG, "An upload as it stands, and why it was rejected if it was.")
        .answer("200", "The upload.", content("Upload"))
        .problems(&["400", "401", "404"])
}

fn cancel() -> Operation {
    Operation::new("cancel_upload", TAG, "Give an upload up, with all its bytes.")
        .parameters(dialect_fields())
        .empty("204", "It is gone.")
        .problems(&["400", "401", "403", "404", "409", "410", "412"])
}

fn options(operation_id: &str) -> Operation {
    Operation::new(
        operation_id,
        TAG,
        "What the server offers: versions and extensions of tus, limits of the draft.",
    )
    .open()
    .empty("204", "See the fields of the header.")
    .problems(&["400", "401", "412"])
}

/// `POST` of a form with the file.
pub(super) fn multipart(operation_id: &str, kind: &str) -> Operation {
    whole(operation_id, &format!("Upload a {kind} as a form: `title` and `visibility`, and then `file`."))
        .parameters(vec![idempotency_key(), correlation_id()])
        .body(
            true,
            json!({"multipart/form-data": {"schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "title": {"type": "string", "maxLength": 200},
                    "visibility": {"type": "string", "enum": ["private", "public"], "default": "private"},
                    "file": {"type": "string", "contentMediaType": "application/octet-stream"},
                },
            }}}),
        )
}

/// `PUT` of the bare bytes.
pub(super) fn put(operation_id: &str, kind: &str) -> Operation {
    let mut parameters = said_of_asset();
    parameters.extend([
        idempotency_key(),
        correlation_id(),
        header("Content-Digest", false, "Digest of the content (RFC 9530)."),
        header("Repr-Digest", false, "The same."),
    ]);
    whole(operation_id, &format!("Upload a {kind}: the body is the file."))
        .parameters(parameters)
        .body(true, bytes())
}

fn whole(operation_id: &str, summary: &str) -> Operation {
    Operation::new(operation_id, TAG, summary)
        .description("Answered once the bytes are safe; what is made of them follows, and the timeline tells how far it is. Refused after its first 64 KiB where it is something else than it should be.")
        .answer("201", "The asset, which is being processed. `Repr-Digest` is that of what came in.", content("Asset"))
        .problems(&INCOMING)
}

fn correlation_id() -> Json {
    header("X-Correlation-Id", false, "A UUID that ties upload, processing, events and log lines together.")
}

fn bytes() -> Json {
    json!({"*/*": {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}})
}
