//! Tests of the judge, on a document with the forms our generator writes.

use super::*;

const ID: &str = "018f5e7a-0000-7000-8000-000000000001";

fn contract() -> Contract {
    let json =
        |schema: Value| json!({"description": "", "content": {"application/json": {"schema": schema}}});
    Contract::load(json!({
        "openapi": "3.1.0",
        "paths": {
            "/v1/animals": {
                "get": {"responses": {
                    "200": json(json!({"type": "object", "required": ["items"], "properties": {
                        "items": {"type": "array", "items": {"$ref": "#/components/schemas/Animal"}},
                        "next": {"type": ["string", "null"]}}})),
                    "4XX": {"$ref": "#/components/responses/Problem"}}},
                "post": {"responses": {"201": json(json!({"$ref": "#/components/schemas/Created"})), "204": {"description": ""}}}},
            "/v1/animals/{id}": {"get": {"responses": {"200": json(json!({"$ref": "#/components/schemas/Animal"})), "304": {"description": ""}}}},
            "/v1/animals/stats": {"get": {"responses": {"200": json(json!({"type": "object"}))}}},
            "/v1/animals.csv": {"get": {"responses": {"default": {"description": "", "content": {"text/*": {}}}}}},
            "/v1/choice": {"get": {"responses": {"200": json(json!({"oneOf": [
                {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}},
                {"type": "object", "required": ["b"], "properties": {"b": {"type": "integer"}}}]}))}}}
        },
        "components": {
            "schemas": {
                "Animal": {"type": "object", "required": ["id", "name"], "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "name": {"type": "string", "maxLength": 5},
                    "mother": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Animal"}]},
                    "extra": {},
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}}}},
                "Created": {"allOf": [
                    {"$ref": "#/components/schemas/Animal"},
                    {"type": "object", "properties": {"version": {"type": "integer"}}}]},
                "Problem": {"type": "object", "required": ["code"], "properties": {"code": {"type": "string"}}}
            },
            "responses": {"Problem": {"description": "", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}}
        }
    }))
}

fn get(path: &str, status: u16, body: Value) -> Result<(), String> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    contract().check("GET", path, status, Some("application/json; charset=utf-8"), body.as_bytes())
}

#[test]
fn a_documented_response_passes() {
    let animal = json!({"id": ID, "name": "Alma", "mother": {"id": ID, "name": "Vera"}, "extra": {"any": [1]}, "labels": {"a": "b"}});
    assert_eq!(get("/v1/animals?limit=1", 200, json!({"items": [animal], "next": null})), Ok(()));
    assert_eq!(get(&format!("/v1/animals/{ID}"), 200, animal), Ok(()));
    assert_eq!(get(&format!("/v1/animals/{ID}"), 304, Value::Null), Ok(()));
    assert_eq!(get("/v1/animals/stats", 200, json!({"anything": true})), Ok(()));
    assert_eq!(get("/v1/choice", 200, json!({"b": 1})), Ok(()));
    let problem = contract().check(
        "GET",
        "/v1/animals",
        404,
        Some("application/problem+json"),
        b"{\"code\":\"not_found\"}",
    );
    assert_eq!(problem, Ok(()));
    assert_eq!(contract().check("GET", "/v1/animals.csv", 200, Some("text/csv"), b"id\n1\n"), Ok(()));
}

#[test]
fn what_is_not_documented_is_named() {
    let animal = json!({"id": ID, "name": "Alma"});
    for (outcome, fault) in [
        (get("/v1/breeds", 200, json!({})), "/v1/breeds is not documented"),
        (contract().check("PUT", "/v1/animals", 200, None, b""), "PUT /v1/animals is not documented"),
        (
            get(&format!("/v1/animals/{ID}"), 500, json!({})),
            "GET /v1/animals/{id}: status 500 is not documented",
        ),
        (
            get("/v1/animals", 404, json!({})),
            "GET /v1/animals 404: media type `application/json` is not documented",
        ),
        (
            get(&format!("/v1/animals/{ID}"), 304, animal.clone()),
            "GET /v1/animals/{id} 304: a body of 59 bytes is not documented",
        ),
        (get("/v1/animals", 200, Value::Null), "GET /v1/animals 200: the documented body is missing"),
        (contract().check("GET", "/v1/animals", 200, Some("application/json"), b"{"), "body is not JSON"),
        (contract().check("HEAD", "/v1/animals", 200, None, b"x"), "a HEAD was answered with a body"),
    ] {
        let told = outcome.unwrap_err();
        assert!(told.contains(fault), "{told}\nexpected: {fault}");
    }
    assert_eq!(contract().check("HEAD", "/v1/animals", 200, Some("application/json"), b""), Ok(()));
}

#[test]
fn a_body_off_its_schema_is_told_by_pointer() {
    for (animal, pointer) in [
        (json!({"id": ID}), "at `/items/0`: \"name\" is a required property"),
        (json!({"id": "7", "name": "Alma"}), "at `/items/0/id`"),
        (json!({"id": ID, "name": "Almalie"}), "at `/items/0/name`"),
        (json!({"id": ID, "name": "Alma", "labels": {"a": 1}}), "at `/items/0/labels/a`"),
    ] {
        let told = get("/v1/animals", 200, json!({"items": [animal]})).unwrap_err();
        assert!(told.contains(pointer), "{told}\nexpected: {pointer}");
    }
}

#[test]
fn a_field_no_schema_mentions_is_a_fault_at_any_depth() {
    let animal = |extra: &str| json!({"id": ID, "name": "Alma", extra: 1});
    for (path, body) in [
        ("/v1/animals", json!({"items": [], "total": 1})),
        ("/v1/animals", json!({"items": [animal("password_hash")]})),
        ("/v1/animals/7", animal("password_hash")),
        ("/v1/animals/7", json!({"id": ID, "name": "Alma", "mother": animal("password_hash")})),
        ("/v1/choice", json!({"a": 1, "c": 1})),
    ] {
        assert!(get(path, 200, body.clone()).is_err(), "{body}");
    }
}

#[test]
fn composed_objects_may_have_the_fields_of_all_their_parts_and_no_others() {
    let check = |body: Value| {
        contract().check("POST", "/v1/animals", 201, Some("application/json"), body.to_string().as_bytes())
    };
    assert_eq!(check(json!({"id": ID, "name": "Alma", "version": 1})), Ok(()));
    assert!(check(json!({"id": ID, "name": "Alma", "versions": 1})).is_err());
}

#[test]
fn a_concrete_path_is_judged_by_its_own_schema() {
    let told = get("/v1/animals/stats", 304, Value::Null).unwrap_err();
    assert_eq!(told, "GET /v1/animals/stats: status 304 is not documented");
}
