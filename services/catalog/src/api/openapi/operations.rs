//! Paths and operations of a model, from its declaration.

use serde_json::{Map, Value as Json, json};

use super::schemas::type_name;
use crate::model::registry::Registry;
use crate::model::{FieldKind, Model, ReadAccess, Rules};

/// Adds every path of the model.
pub(super) fn add(model: &Model, registry: &Registry, paths: &mut Map<String, Json>) {
    let root = format!("/v1/{}", model.path);
    let name = type_name(model);
    let many = model.path.replace('-', "_");
    let one = model.name;
    let read = Builder { model, tag: model.path, public: model.access.read == ReadAccess::Anyone };
    let write = Builder { model, tag: model.path, public: false };
    let draft = json!({"application/json": {"schema": schema(&format!("{name}Draft"))}});
    let patch = json!({"application/merge-patch+json": {"schema": schema(&format!("{name}Patch"))}, "application/json": {"schema": schema(&format!("{name}Patch"))}});
    let bulk = json!({"application/json": {"schema": schema(&format!("{name}Bulk"))}, "application/x-ndjson": {"schema": {"type": "string", "description": "One record a line."}}});

    let page = json!({"application/json": {"schema": schema(&format!("{name}Page"))}, "text/csv": {"schema": {"type": "string"}}});
    paths.insert(
        root.clone(),
        json!({
            "get": read.operation(&format!("list_{many}"), "List records, or what changed since a position.", list_parameters(model, registry), None, &[("200", "A page, a delta, or CSV.", page), ("304", "Nothing changed.", Json::Null)], &["400", "401", "403", "410", "412"]),
            "post": write.operation(&format!("create_{one}"), "Make a record.", vec![idempotency_key(), mutation_id(), prefer(), validate_only()], Some(draft.clone()), &[("201", "The record made.", content(&name)), ("200", "Valid; nothing was written.", content("Valid"))], &["400", "401", "403", "409", "413", "415", "422"]),
        }),
    );
    paths.insert(
        format!("{root}/bulk"),
        json!({"post": write.operation(&format!("create_{many}_bulk"), "Make up to 1,000 records, all or none.", vec![idempotency_key(), mutation_id(), validate_only()], Some(bulk), &[("201", "The records made.", json!({"application/json": {"schema": schema(&format!("{name}List"))}, "application/x-ndjson": {"schema": {"type": "string"}}})), ("200", "Valid; nothing was written.", content("Valid"))], &["400", "401", "403", "409", "413", "415", "422"])}),
    );
    let prefix = query(
        "digest_prefix",
        json!({"type": "string", "pattern": "^[0-9a-f]{0,3}$"}),
        "Show the sixteen parts of the digest below this prefix, or with three digits the records.",
    );
    paths.insert(
        format!("{root}/metadata"),
        json!({"get": read.operation(&format!("get_{many}_metadata"), "Count, version and sync digest.", vec![prefix], None, &[("200", "What is known.", content("Metadata")), ("304", "Nothing changed.", Json::Null)], &["400", "401", "403", "412"])}),
    );
    paths.insert(
        format!("{root}/stats"),
        json!({"get": read.operation(&format!("get_{many}_stats"), "How many records have each value of the counted fields.", vec![], None, &[("200", "The counts.", content("Stats")), ("304", "Nothing changed.", Json::Null)], &["400", "401", "403", "412"])}),
    );
    paths.insert(
        format!("{root}/{{id}}"),
        json!({
            "parameters": [id_parameter()],
            "get": read.operation(&format!("get_{one}"), "Read a record; a deleted one is shown as deleted.", vec![fields(), include(model)], None, &[("200", "The record.", content(&name)), ("304", "Not changed.", Json::Null)], &["400", "401", "403", "404", "412"]),
            "put": write.operation(&format!("replace_{one}"), "Replace a record.", vec![if_match(), idempotency_key(), mutation_id(), prefer()], Some(draft), &[("200", "The record as it stands now.", content(&name)), ("204", "Done, nothing to show.", Json::Null)], &["400", "401", "403", "404", "409", "412", "413", "415", "422", "428"]),
            "patch": write.operation(&format!("update_{one}"), "Change some fields of a record (RFC 7396).", vec![if_match(), idempotency_key(), mutation_id(), prefer()], Some(patch), &[("200", "The record as it stands now.", content(&name)), ("204", "Done, nothing to show.", Json::Null)], &["400", "401", "403", "404", "409", "412", "413", "415", "422", "428"]),
            "delete": write.operation(&format!("delete_{one}"), "Delete a record; a tombstone stays for readers of the delta.", vec![if_match(), idempotency_key(), mutation_id()], None, &[("200", "Deleted.", content("Deleted"))], &["400", "401", "403", "404", "409", "412", "422", "428"]),
        }),
    );
    paths.insert(
        format!("{root}/{{id}}/undelete"),
        json!({"parameters": [id_parameter()], "post": write.operation(&format!("undelete_{one}"), "Bring a deleted record back.", vec![idempotency_key(), mutation_id()], None, &[("200", "The record.", content(&name))], &["400", "401", "403", "404", "409", "422"])}),
    );
    if model.rules == Rules::Animal {
        let generations = query(
            "generations",
            json!({"type": "integer", "minimum": 1, "maximum": crate::domain::inbreeding::MAX_GENERATIONS}),
            "How far back.",
        );
        paths.insert(format!("{root}/{{id}}/pedigree"), json!({"parameters": [id_parameter()], "get": read.operation("get_animal_pedigree", "Known ancestors and the coefficient of inbreeding.", vec![generations], None, &[("200", "The pedigree.", content("Pedigree")), ("304", "Nothing changed.", Json::Null)], &["400", "401", "403", "404", "412"])}));
        paths.insert(format!("{root}/{{id}}/withdrawal"), json!({"parameters": [id_parameter()], "get": read.operation("get_animal_withdrawal", "Until when nothing of the animal may be sold.", vec![], None, &[("200", "The withdrawal period.", content("Withdrawal")), ("304", "Nothing changed.", Json::Null)], &["400", "401", "403", "404", "412"])}));
    }
}

/// A response with a problem.
pub(super) fn problem_response(description: &str) -> Json {
    json!({"description": description, "content": {"application/problem+json": {"schema": schema("Problem")}}})
}

struct Builder<'a> {
    model: &'a Model,
    tag: &'a str,
    public: bool,
}

impl Builder<'_> {
    fn operation(
        &self,
        id: &str,
        summary: &str,
        parameters: Vec<Json>,
        body: Option<Json>,
        answers: &[(&str, &str, Json)],
        problems: &[&str],
    ) -> Json {
        let mut responses = Map::new();
        for (status, description, content) in answers {
            let response = if content.is_null() {
                json!({"description": description})
            } else {
                json!({"description": description, "content": content})
            };
            responses.insert((*status).to_owned(), response);
        }
        for status in problems.iter().chain(&["500", "503"]) {
            responses.insert((*status).to_owned(), problem_response("A problem; `code` says which."));
        }
        let mut operation = json!({
            "operationId": id,
            "summary": summary,
            "tags": [self.tag],
            "parameters": parameters,
            "responses": responses,
            "x-read-access": format!("{:?}", self.model.access.read),
        });
        if let Some(members) = operation.as_object_mut() {
            if let Some(body) = body {
                members.insert("requestBody".to_owned(), json!({"required": true, "content": body}));
            }
            if self.public {
                members.insert("security".to_owned(), json!([{}, {"bearer": []}]));
            }
        }
        operation
    }
}

fn list_parameters(model: &Model, registry: &Registry) -> Vec<Json> {
    let mut parameters = vec![
        query(
            "limit",
            json!({"type": "integer", "minimum": 1}),
            "Records on a page; more than 200 (1,000 with `since`) is taken as that.",
        ),
        query(
            "page",
            json!({"type": "integer", "minimum": 1}),
            "Page number, within the first 10,000 records.",
        ),
        query("cursor", json!({"type": "string"}), "Position from `next` or `prev`."),
        query(
            "since",
            json!({"type": "string"}),
            "Sync token, RFC 3339 instant, `beginning` or `now`: answers with the changes after it.",
        ),
        query(
            "sort_by",
            json!({"type": "string", "enum": sort_words(model)}),
            "Order; `id` when it is not given.",
        ),
        query("sort_order", json!({"type": "string", "enum": ["asc", "desc"]}), "Direction."),
        query("show_deleted", json!({"type": "boolean"}), "Deleted records too (administrators)."),
        query("export", json!({"type": "string", "enum": ["csv"]}), "Everything as CSV, streamed."),
        query("include_relations", json!({"type": "boolean"}), "Show every relation."),
        query(
            "cache_bust",
            json!({"type": "string"}),
            "Accepted from old clients; there is nothing to bust.",
        ),
        fields(),
        include(model),
    ];
    if model.searchable() {
        parameters.push(query(
            "search",
            json!({"type": "string", "minLength": 3, "maxLength": 100}),
            "Text to be found.",
        ));
    }
    for field in model.fields.iter().filter(|field| field.filter) {
        let (kind, ordered) = match field.kind {
            FieldKind::Integer { .. } => (json!({"type": "integer"}), true),
            FieldKind::Boolean => (json!({"type": "boolean"}), false),
            FieldKind::Date { .. } => (json!({"type": "string", "format": "date"}), true),
            FieldKind::Choice(words) => (json!({"type": "string", "enum": words}), false),
            FieldKind::Uuid => (json!({"type": "string", "format": "uuid"}), false),
            FieldKind::Text { .. } => (json!({"type": "string"}), false),
        };
        parameters.push(query(field.name, kind.clone(), "Equal to."));
        parameters.push(query(
            &format!("{}[in]", field.name),
            json!({"type": "string"}),
            "One of, separated by commas.",
        ));
        if ordered {
            parameters.push(query(&format!("{}[gte]", field.name), kind.clone(), "At least."));
            parameters.push(query(&format!("{}[lte]", field.name), kind, "At most."));
        }
        if field.nullable {
            parameters.push(query(&format!("{}[null]", field.name), json!({"const": true}), "Absent."));
        }
    }
    debug_assert!(registry.model(model.name).is_some(), "documented models are served");
    parameters
}

fn sort_words(model: &Model) -> Vec<&'static str> {
    ["id", "created_at", "updated_at"]
        .into_iter()
        .chain(model.fields.iter().filter(|field| field.sort).map(|field| field.name))
        .collect()
}

fn schema(name: &str) -> Json {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn content(name: &str) -> Json {
    json!({"application/json": {"schema": schema(name)}})
}

fn query(name: &str, schema: Json, description: &str) -> Json {
    json!({"name": name, "in": "query", "schema": schema, "description": description})
}

fn header(name: &str, required: bool, description: &str) -> Json {
    json!({"name": name, "in": "header", "required": required, "schema": {"type": "string"}, "description": description})
}

fn id_parameter() -> Json {
    json!({"name": "id", "in": "path", "required": true, "schema": {"type": "string", "format": "uuid"}})
}

fn fields() -> Json {
    query("fields", json!({"type": "string"}), "Members shown, separated by commas; `id` always.")
}

fn include(model: &Model) -> Json {
    let words: Vec<&str> = model
        .fields
        .iter()
        .filter_map(|field| field.reference.as_ref())
        .map(|reference| reference.relation)
        .collect();
    query(
        "include",
        json!({"type": "string"}),
        &format!(
            "Relations shown inside, separated by commas, two deep with a dot: {}.",
            if words.is_empty() { "none here".to_owned() } else { words.join(", ") }
        ),
    )
}

fn if_match() -> Json {
    header("If-Match", true, "Entity tag of the record as it was read; `*` for any.")
}

fn idempotency_key() -> Json {
    header(
        "Idempotency-Key",
        false,
        "Makes a retry safe: the same key is answered with the same answer for 24 hours.",
    )
}

fn mutation_id() -> Json {
    header("Client-Mutation-Id", false, "Mark that the delta shows on this change (C-D8).")
}

fn prefer() -> Json {
    header("Prefer", false, "`return=minimal` leaves the record out of the answer.")
}

fn validate_only() -> Json {
    query("validate_only", json!({"type": "boolean"}), "Check everything, write nothing.")
}
