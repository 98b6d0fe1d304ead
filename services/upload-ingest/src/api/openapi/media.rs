//! Media on their way out.

use openapi_parts::{Operation, header, id, variable};
use serde_json::{Map, Value as Json, json};

use super::parts::signature;

/// Adds their paths.
pub(super) fn add(paths: &mut Map<String, Json>) {
    let name = variable(
        "name",
        json!({"type": "string"}),
        "`<name>-<digest>.<ext>`, `original-<digest>.<ext>`, or the bare name of a rendition, whose format `Accept` then settles: avif, webp or jpg.",
    );
    let folder = variable("name", json!({"type": "string"}), "`hls-<digest>`.");
    let file = variable("file", json!({"type": "string"}), "The playlist, or a piece that it names.");
    paths.insert(
        "/media/{id}/{name}".to_owned(),
        json!({"parameters": [id(), name], "get": get("get_media", "A photo, a video, or what was made of it.")}),
    );
    let rung =
        variable("rung", json!({"type": "string"}), "A rung of the ladder, as the master playlist names it.");
    paths.insert(
        "/media/{id}/{name}/{rung}/{file}".to_owned(),
        json!({"parameters": [id(), folder, rung, file], "get": get("get_media_rung_piece", "The playlist of a rung, or a piece of what it plays.")}),
    );
    paths.insert(
        "/media/{id}/{name}/{file}".to_owned(),
        json!({"parameters": [id(), folder, file], "get": get("get_media_piece", "A playlist, or a piece of what it plays.")}),
    );
}

fn get(operation_id: &str, summary: &str) -> Json {
    let any = json!({"*/*": {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}});
    let mut parameters = signature();
    parameters.extend([
        header("Accept", false, "Settles the format of an address without a digest."),
        header("Range", false, "One range of bytes; several are answered with the whole."),
        header("If-Range", false, "The part is wanted of this version only."),
        header("If-None-Match", false, "The versions that the client has."),
    ]);
    Operation::new(operation_id, "media", summary)
        .description("Public media are for anybody, and an address with a digest never changes what it means. The rest is for who holds a signed link, and for the owner's, moderators' and administrators' tokens, which alone open what is hidden; to everybody else it is not there.")
        .token_or_link()
        .parameters(parameters)
        .answer("200", "All of it.", any.clone())
        .answer("206", "The part that was asked for.", any)
        .empty("304", "The client has it.")
        .empty("416", "It has no such part; `Content-Range` gives its length.")
        .problems(&["400", "401", "403", "404", "412"])
        .into_json()
}
