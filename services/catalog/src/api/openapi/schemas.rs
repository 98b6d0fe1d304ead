//! Schemas of records and answers, from the declarations.

use serde_json::{Map, Value as Json, json};

use crate::model::registry::Registry;
use crate::model::{Field, FieldKind, Model, TextFormat};

/// Schemas that every model shares.
pub(super) fn common() -> Map<String, Json> {
    let mut schemas = Map::new();
    schemas.insert(
        "Problem".to_owned(),
        json!({
            "type": "object",
            "description": "Problem details (RFC 9457).",
            "required": ["type", "title", "status", "code"],
            "properties": {
                "type": {"type": "string", "format": "uri-reference"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string"},
                "instance": {"type": "string"},
                "code": {"type": "string"},
                "trace_id": {"type": "string"},
                "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
            },
        }),
    );
    schemas.insert(
        "FieldError".to_owned(),
        json!({
            "type": "object",
            "required": ["pointer", "code", "message"],
            "properties": {
                "pointer": {"type": "string", "description": "JSON pointer (RFC 6901), `?parameter`, or the name of a field of the header."},
                "code": {"type": "string"},
                "message": {"type": "string"},
            },
            "additionalProperties": false,
        }),
    );
    schemas.insert(
        "Deleted".to_owned(),
        json!({
            "type": "object",
            "required": ["deleted_id", "version"],
            "properties": {"deleted_id": {"type": "string", "format": "uuid"}, "version": {"type": "integer"}},
            "additionalProperties": false,
        }),
    );
    schemas.insert(
        "Tombstone".to_owned(),
        json!({
            "type": "object",
            "required": ["id", "deleted", "version"],
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "deleted": {"const": true},
                "version": {"type": "integer"},
                "client_mutation_id": {"type": "string"},
            },
            "additionalProperties": false,
        }),
    );
    schemas.insert(
        "CacheStats".to_owned(),
        json!({
            "type": "object",
            "required": ["size", "max_size", "hits", "misses", "hit_rate", "bytes", "max_bytes", "evictions", "oldest_age_seconds", "lease_waits"],
            "properties": {
                "size": {"type": "integer", "description": "Answers that are kept in this replica's memory."},
                "max_size": {"type": "integer", "description": "How many answers of their present mean size fit: the bound is in bytes."},
                "hits": {"type": "integer", "description": "Answers from memory, this replica's or the shared one."},
                "misses": {"type": "integer", "description": "Answers from the database."},
                "hit_rate": {"type": "string", "pattern": "^[0-9]{1,3}\\.[0-9]%$"},
                "bytes": {"type": "integer"},
                "max_bytes": {"type": "integer"},
                "evictions": {"type": "integer", "description": "Answers that had to make room."},
                "oldest_age_seconds": {"type": "integer"},
                "lease_waits": {"type": "integer", "description": "Requests that waited for the same answer being made for another."},
            },
            "additionalProperties": false,
        }),
    );
    schemas.insert(
        "Metadata".to_owned(),
        json!({
            "type": "object",
            "required": ["model", "count", "version", "digest", "last_modified"],
            "properties": {
                "model": {"type": "string"},
                "count": {"type": "integer", "description": "Records that are not deleted."},
                "version": {"type": "integer", "description": "Position of the latest change."},
                "digest": {"type": "string", "description": "Sum over the live records of the BLAKE3 hash of the id's 16 bytes and the version's 8 (big-endian), in four lanes modulo 2^64.", "pattern": "^[0-9a-f]{64}$"},
                "last_modified": {"type": "string", "format": "date-time"},
                "digest_prefix": {"type": "string"},
                "parts": {"type": "array", "items": {"type": "object", "required": ["prefix", "count", "digest"], "properties": {"prefix": {"type": "string"}, "count": {"type": "integer"}, "digest": {"type": "string"}}}},
                "records": {"type": "array", "items": {"type": "object", "required": ["id", "version"], "properties": {"id": {"type": "string", "format": "uuid"}, "version": {"type": "integer"}}}},
            },
            "additionalProperties": false,
        }),
    );
    schemas.insert(
        "Stats".to_owned(),
        json!({
            "type": "object",
            "required": ["model", "count", "deleted_count", "version", "last_modified", "counts"],
            "properties": {
                "model": {"type": "string"},
                "count": {"type": "integer"},
                "deleted_count": {"type": "integer"},
                "version": {"type": "integer"},
                "last_modified": {"type": "string", "format": "date-time"},
                "counts": {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": {"type": "integer"}}},
            },
            "additionalProperties": false,
        }),
    );
    schemas.insert(
        "Valid".to_owned(),
        json!({
            "type": "object",
            "description": "Answer to `validate_only`: nothing was written.",
            "required": ["valid", "count"],
            "properties": {"valid": {"const": true}, "count": {"type": "integer"}},
            "additionalProperties": false,
        }),
    );
    schemas.insert(
        "Pedigree".to_owned(),
        json!({
            "type": "object",
            "required": ["id", "father_id", "mother_id", "generations", "inbreeding_coefficient", "ancestors"],
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "father_id": {"type": ["string", "null"], "format": "uuid"},
                "mother_id": {"type": ["string", "null"], "format": "uuid"},
                "generations": {"type": "integer"},
                "inbreeding_coefficient": {"type": "number", "minimum": 0, "maximum": 1, "description": "Wright's coefficient over the generations shown."},
                "ancestors": {"type": "array", "items": {"type": "object"}},
            },
        }),
    );
    schemas.insert(
        "Withdrawal".to_owned(),
        json!({
            "type": "object",
            "required": ["animal_id", "withdrawal_until", "treatments"],
            "properties": {
                "animal_id": {"type": "string", "format": "uuid"},
                "withdrawal_until": {"type": ["string", "null"], "format": "date", "description": "The last day on which nothing of the animal may be sold."},
                "treatments": {"type": "array", "items": {"type": "object"}},
            },
        }),
    );
    schemas
}

/// Schemas of one model: the record, what makes one, what changes one, a page, a delta, a bulk request.
pub(super) fn add(model: &Model, registry: &Registry, schemas: &mut Map<String, Json>) {
    let name = type_name(model);
    schemas.insert(name.clone(), record(model, registry));
    schemas.insert(format!("{name}Draft"), draft(model, true));
    schemas.insert(format!("{name}Patch"), draft(model, false));
    let reference = json!({"$ref": format!("#/components/schemas/{name}")});
    schemas.insert(
        format!("{name}Page"),
        json!({
            "type": "object",
            "description": "A page of records, or the changes since a position.",
            "required": ["items", "version"],
            "properties": {
                "items": {"type": "array", "items": {"anyOf": [reference, {"$ref": "#/components/schemas/Tombstone"}]}},
                "self": {"type": "string"},
                "first": {"type": "string"},
                "prev": {"type": "string"},
                "next": {"type": "string", "description": "Only its absence means the end."},
                "version": {"type": "integer", "description": "Position of the model's latest change."},
                "total": {"type": "integer", "description": "Live records; only without filters."},
                "since": {"type": "string", "description": "Sync token for the next delta."},
                "has_more": {"type": "boolean", "description": "More changes wait behind the token."},
            },
            "additionalProperties": false,
        }),
    );
    schemas.insert(
        format!("{name}List"),
        json!({
            "type": "object",
            "required": ["count", "items"],
            "properties": {"count": {"type": "integer"}, "items": {"type": "array", "items": reference}},
            "additionalProperties": false,
        }),
    );
    schemas.insert(
        format!("{name}Bulk"),
        json!({
            "type": "object",
            "required": ["items"],
            "properties": {
                "items": {"type": "array", "minItems": 1, "maxItems": 1000, "items": {"$ref": format!("#/components/schemas/{name}Draft")}},
                "validate_only": {"type": "boolean"},
            },
            "additionalProperties": false,
        }),
    );
}

/// `animal_disease` → `AnimalDisease`.
pub(super) fn type_name(model: &Model) -> String {
    model
        .name
        .split('_')
        .map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
                .unwrap_or_default()
        })
        .collect()
}

fn record(model: &Model, registry: &Registry) -> Json {
    let mut properties = Map::new();
    properties.insert("id".to_owned(), json!({"type": "string", "format": "uuid"}));
    for field in model.shown() {
        properties.insert(field.name.to_owned(), shown(field));
        if let Some(reference) = &field.reference
            && let Some(target) = registry.model(reference.model)
        {
            let target = format!("#/components/schemas/{}", type_name(target));
            properties.insert(
                reference.relation.to_owned(),
                json!({"description": "Only with `include`.", "anyOf": [{"$ref": target}, {"type": "null"}]}),
            );
        }
    }
    properties.insert("version".to_owned(), json!({"type": "integer", "description": "Position of the last change; the source of the entity tag."}));
    for (name, text) in [
        ("created_at", "When it was made."),
        ("updated_at", "When it was last changed."),
        ("deleted_at", "When it was deleted."),
    ] {
        properties
            .insert(name.to_owned(), json!({"type": "string", "format": "date-time", "description": text}));
    }
    properties
        .insert("deleted".to_owned(), json!({"const": true, "description": "Only on a deleted record."}));
    properties.insert(
        "client_mutation_id".to_owned(),
        json!({"type": "string", "description": "The mark of the last change (C-D8)."}),
    );
    json!({"type": "object", "description": model.doc.trim(), "required": ["id"], "properties": properties, "additionalProperties": false})
}

fn draft(model: &Model, whole: bool) -> Json {
    let mut properties: Map<String, Json> =
        model.fields.iter().map(|field| (field.name.to_owned(), written(field))).collect();
    properties.insert(
        "client_mutation_id".to_owned(),
        json!({"type": ["string", "null"], "minLength": 1, "maxLength": 64}),
    );
    let mut required: Vec<&str> = Vec::new();
    if whole {
        properties.insert("id".to_owned(), json!({"type": "string", "format": "uuid", "description": "Chosen by the client; a new record only."}));
        required.extend(
            model.fields.iter().filter(|field| field.required() && !field.write_only).map(|field| field.name),
        );
    }
    json!({"type": "object", "description": model.doc.trim(), "required": required, "properties": properties, "additionalProperties": false})
}

fn shown(field: &Field) -> Json {
    let mut schema = match field.kind {
        FieldKind::Text { .. } => json!({"type": kind(field, "string")}),
        other => base(field, other),
    };
    describe(&mut schema, field);
    schema
}

fn written(field: &Field) -> Json {
    let mut schema = base(field, field.kind);
    describe(&mut schema, field);
    if field.write_only {
        insert(&mut schema, "writeOnly", json!(true));
    }
    if let Some(default) = field.default {
        let default = match field.kind {
            FieldKind::Integer { .. } => default.parse::<i64>().map_or(Json::Null, Json::from),
            FieldKind::Boolean => json!(default == "true"),
            _ => json!(default),
        };
        insert(&mut schema, "default", default);
    }
    schema
}

fn base(field: &Field, of: FieldKind) -> Json {
    match of {
        FieldKind::Text { min_len, max_len, format } => {
            let mut schema =
                json!({"type": kind(field, "string"), "minLength": min_len, "maxLength": max_len});
            if format == TextFormat::Email {
                insert(&mut schema, "format", json!("email"));
            }
            schema
        }
        FieldKind::Integer { min, max } => {
            json!({"type": kind(field, "integer"), "minimum": min, "maximum": max})
        }
        FieldKind::Boolean => json!({"type": kind(field, "boolean")}),
        FieldKind::Date { .. } => json!({"type": kind(field, "string"), "format": "date"}),
        FieldKind::Choice(words) => {
            let null = kind(field, "string").is_array().then_some(Json::Null);
            let words: Vec<Json> = words.iter().map(|word| json!(word)).chain(null).collect();
            json!({"type": kind(field, "string"), "enum": words})
        }
        FieldKind::Uuid => json!({"type": kind(field, "string"), "format": "uuid"}),
    }
}

fn kind(field: &Field, name: &str) -> Json {
    if field.nullable && !field.write_only { json!([name, "null"]) } else { json!(name) }
}

fn describe(schema: &mut Json, field: &Field) {
    insert(schema, "description", json!(field.doc.trim()));
}

fn insert(schema: &mut Json, name: &str, value: Json) {
    if let Some(members) = schema.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}
