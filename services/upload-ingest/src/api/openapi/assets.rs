//! Assets, under each of their three addresses; their timelines as they change; and what administrators do.

use openapi_parts::{Operation, content, header, id, idempotency_key, if_match, query, variable};
use serde_json::{Map, Value as Json, json};

use super::parts::signature;
use super::uploads;

/// The three addresses: path, one, many.
const ROOTS: [(&str, &str, &str); 3] =
    [("/v1/assets", "asset", "assets"), ("/v1/videos", "video", "videos"), ("/v1/images", "image", "images")];

/// Adds their paths.
pub(super) fn add(paths: &mut Map<String, Json>) {
    for (root, one, many) in ROOTS {
        add_root(paths, root, one, many);
    }
    add_live(paths);
    add_admin(paths);
}

fn add_root(paths: &mut Map<String, Json>, root: &str, one: &str, many: &str) {
    let mut insert = |path: String, item: Json| paths.insert(path, item);
    let mut collection = Map::from_iter([("get".to_owned(), list(one, many).into_json())]);
    if one != "asset" {
        collection.insert("put".to_owned(), uploads::put(&format!("put_{one}"), one).into_json());
    }
    if one == "image" {
        collection.insert("post".to_owned(), uploads::multipart("upload_image", one).into_json());
    }
    insert(root.to_owned(), Json::Object(collection));
    insert(
        format!("{root}/{{id}}"),
        json!({
            "parameters": [id()],
            "get": read(one, many).into_json(),
            "patch": update(one, many).into_json(),
            "delete": delete(one, many).into_json(),
        }),
    );
    let timeline = Operation::new(
        &format!("get_{one}_timeline"),
        many,
        "How far the processing is, stage by stage, and what went wrong.",
    )
    .answer("200", "The timeline.", content("Timeline"))
    .problems(&["400", "401", "404"]);
    insert(format!("{root}/{{id}}/timeline"), json!({"parameters": [id()], "get": timeline.into_json()}));
    for (word, summary) in [
        (
            "hide",
            "Take it from view, whatever its owner wants; for moderators. Links given out before open nothing any more.",
        ),
        ("show", "Let it be seen again by those whom its visibility names; for moderators."),
    ] {
        let judge = Operation::new(&format!("{word}_{one}"), many, summary)
            .parameters(vec![idempotency_key()])
            .answer("200", "The asset as it stands now.", content("Asset"))
            .problems(&["400", "401", "403", "404", "409", "422"]);
        insert(format!("{root}/{{id}}/{word}"), json!({"parameters": [id()], "post": judge.into_json()}));
    }
    let stage = json!({"type": "string", "enum": ["probe", "poster", "transcode", "playlist", "variants", "publish"]});
    insert(
        format!("{root}/{{id}}/stages/{{stage}}/retry"),
        json!({
            "parameters": [id(), variable("stage", stage, "The stage.")],
            "post": retry(&format!("retry_{one}_stage"), many, "Have a stage tried again that was given up.").into_json(),
        }),
    );
}

fn list(one: &str, many: &str) -> Operation {
    let mut parameters = vec![
        query(
            "limit",
            json!({"type": "integer", "minimum": 1}),
            "Assets on a page; more than 100 is taken as that.",
        ),
        query("cursor", json!({"type": "string"}), "Position from `next`."),
        query(
            "status",
            json!({"type": "string", "enum": ["processing", "processed", "published", "failed"]}),
            "Of this status only.",
        ),
        query("owner", json!({"type": "string"}), "Those of somebody else; for administrators."),
    ];
    if one == "asset" {
        parameters.push(query(
            "kind",
            json!({"type": "string", "enum": ["video", "image"]}),
            "Of this kind only.",
        ));
    }
    Operation::new(&format!("list_{many}"), many, &format!("Your own {many}, the newest first."))
        .parameters(parameters)
        .answer("200", "A page.", content("AssetPage"))
        .empty("304", "Nothing changed.")
        .problems(&["400", "401", "403", "412"])
}

fn read(one: &str, many: &str) -> Operation {
    Operation::new(&format!("get_{one}"), many, "An asset, with addresses of the original and of what was made of it.")
        .description("For its owner, moderators and administrators. Addresses of what not everybody may see are signed and expire; the entity tag changes with them; of what is hidden they are bare, and a token opens them. A precondition of a change is held against the version alone.")
        .answer("200", "The asset.", content("Asset"))
        .empty("304", "Not changed.")
        .problems(&["400", "401", "404", "412"])
}

fn update(one: &str, many: &str) -> Operation {
    let patch = json!({"schema": openapi_parts::schema("AssetPatch")});
    Operation::new(&format!("update_{one}"), many, "Change title or visibility (RFC 7396).")
        .parameters(vec![if_match("asset"), idempotency_key()])
        .body(true, json!({"application/merge-patch+json": patch, "application/json": patch}))
        .answer("200", "The asset as it stands now.", content("Asset"))
        .problems(&["400", "401", "403", "404", "409", "412", "413", "415", "422", "428"])
}

fn delete(one: &str, many: &str) -> Operation {
    Operation::new(&format!("delete_{one}"), many, "Delete it, with everything that was made of it.")
        .parameters(vec![if_match("asset"), idempotency_key()])
        .empty("204", "It is gone for everybody.")
        .problems(&["400", "401", "403", "404", "409", "412", "422", "428"])
}

fn retry(operation_id: &str, tag: &str, summary: &str) -> Operation {
    Operation::new(operation_id, tag, summary)
        .parameters(vec![idempotency_key()])
        .answer("202", "It waits for a worker; the timeline as it stands now.", content("Timeline"))
        .problems(&["400", "401", "403", "404", "409", "422"])
}

fn add_live(paths: &mut Map<String, Json>) {
    let mut parameters = signature();
    parameters.push(header(
        "Last-Event-ID",
        false,
        "Where the client was; every event holds everything, so it goes on with what is true now.",
    ));
    let events = Operation::new("get_asset_events", "assets", "The timeline as server-sent events: `timeline` for each change, `end` after the last.")
        .description("For who may read the asset, by token or by `events_url` of its timeline. At most two events a second.")
        .token_or_link()
        .parameters(parameters)
        .answer("200", "A stream of events; `data` of `timeline` is a Timeline.", json!({"text/event-stream": {"schema": {"type": "string"}}}))
        .empty("204", "You have heard the end, and it still is.")
        .problems(&["400", "401", "403", "404", "429"]);
    paths.insert(
        "/v1/assets/{id}/events".to_owned(),
        json!({"parameters": [id()], "get": events.into_json()}),
    );
    let socket = Operation::new("open_asset_socket", "assets", "The timeline over a WebSocket: a text message for each change.")
        .description("For who may read the asset, by token or by `socket_url` of its timeline. Closed with 1000 after the last change. What clients say is not read.")
        .token_or_link()
        .parameters(signature())
        .empty("101", "The conversation begins.")
        .problems(&["400", "401", "403", "404", "429"]);
    paths.insert("/ws/assets/{id}".to_owned(), json!({"parameters": [id()], "get": socket.into_json()}));
}

fn add_admin(paths: &mut Map<String, Json>) {
    let list = Operation::new(
        "list_dead_jobs",
        "admin",
        "Stages that were given up, of all owners, the last one first.",
    )
    .parameters(vec![
        query(
            "limit",
            json!({"type": "integer", "minimum": 1}),
            "Jobs on a page; more than 200 is taken as that.",
        ),
        query("cursor", json!({"type": "string"}), "Position from `next`."),
    ])
    .answer("200", "A page.", content("DeadJobPage"))
    .problems(&["400", "401", "403"]);
    paths.insert("/v1/admin/dead-jobs".to_owned(), json!({"get": list.into_json()}));
    let requeue = retry("requeue_dead_job", "admin", "Have any of them tried again.");
    paths.insert(
        "/v1/admin/dead-jobs/{id}/requeue".to_owned(),
        json!({"parameters": [id()], "post": requeue.into_json()}),
    );
    let report = Operation::new(
        "get_reconciliation",
        "admin",
        "What the reconciler would find and remove now. Nothing is removed.",
    )
    .answer("200", "The report.", content("Reconciliation"))
    .problems(&["400", "401", "403", "507"]);
    paths.insert("/v1/admin/reconciliation".to_owned(), json!({"get": report.into_json()}));
}
