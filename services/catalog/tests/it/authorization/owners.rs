//! Whose record it is: users and their own profiles, instructors and their cases.

use catalog::model::registry::Registry;
use serde_json::{Value as Json, json};
use test_harness::Database;

use super::callers::{Caller, Callers};
use super::versions;
use crate::conformance::maker::{Extent, Maker, Members};
use crate::harness::PASSWORD;

async fn callers() -> Callers {
    Callers::start(Database::create(catalog::app::migrations(), "catalog").await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_changes_of_the_own_profile_what_does_not_give_rights() {
    let callers = callers().await;
    let app = &callers.app;
    let mut conn = app.db.connect().await;
    let owner = callers.session(Caller::Owner);
    let path = format!("/v1/users/{}", owner.id);
    let before = app.get(&path, Some(owner)).await.expect(200).json();
    let versions_before = versions(&mut conn).await;
    for guarded in [
        json!({"role": "administrator"}),
        json!({"active": false}),
        json!({"identification": "another"}),
        json!({"email": "another@example.org"}),
        json!({"password": "another password"}),
        json!({"fullname": "Ada", "role": "administrator"}),
    ] {
        app.patch(&path, Some(owner), &guarded).await.expect_problem(403, "forbidden");
    }
    assert_eq!(app.get(&path, Some(owner)).await.json(), before);
    assert_eq!(versions(&mut conn).await, versions_before);
    // What is repeated unchanged is no change.
    let allowed = json!({"fullname": "Ada", "phone": "+49 30 1", "role": before["role"], "active": true});
    let after = app.patch(&path, Some(owner), &allowed).await.expect(200).json();
    assert_eq!((&after["fullname"], &after["role"]), (&json!("Ada"), &before["role"]));
    // The own password is for whoever knows the present one.
    let change = |current: &str| json!({"current_password": current, "new_password": "a new password"});
    let wrong = app.post("/v1/auth/password", Some(owner), &change("wrong")).await;
    wrong.expect_problem(401, "invalid_credentials");
    assert_eq!(app.get(&path, Some(owner)).await.json(), after);
    let right = app.post("/v1/auth/password", Some(owner), &change(PASSWORD)).await.expect(204);
    assert_eq!(right.header("cache-group-invalidation"), format!("\"users\", \"users/{}\"", owner.id));
    callers.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_or_changes_another_user() {
    let callers = callers().await;
    let app = &callers.app;
    let mut conn = app.db.connect().await;
    let path = format!("/v1/users/{}", callers.session(Caller::Owner).id);
    let unknown = format!("/v1/users/{}", uuid::Uuid::now_v7());
    let before = versions(&mut conn).await;
    for caller in [Caller::Apprentice, Caller::Instructor, Caller::Foreign] {
        let session = Some(callers.session(caller));
        for path in [&path, &unknown] {
            app.get(path, session).await.expect_problem(403, "forbidden");
            app.patch(path, session, &json!({"fullname": "Eve"})).await.expect_problem(403, "forbidden");
            app.delete(path, session).await.expect_problem(403, "forbidden");
        }
        for list in ["", "/metadata", "/stats", "?since=beginning", "?export=csv"] {
            app.get(&format!("/v1/users{list}"), session).await.expect_problem(403, "forbidden");
        }
    }
    assert_eq!(versions(&mut conn).await, before);
    callers.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_not_shown_inside_of_other_records_to_those_who_may_not_see_them() {
    let callers = callers().await;
    for path in ["/v1/animal-diseases", "/v1/treatments"] {
        for include in ["include=instructor", "include=animal,instructor", "include_relations=true"] {
            let path = format!("{path}?{include}");
            let instructor = Some(callers.session(Caller::Instructor));
            callers.app.get(&path, instructor).await.expect_problem(403, "forbidden");
            callers.app.get(&path, Some(callers.session(Caller::Administrator))).await.expect(200);
        }
    }
    for caller in [Caller::Apprentice, Caller::Instructor] {
        let deleted = callers.app.get("/v1/breeds?show_deleted=true", callers.find(caller)).await;
        deleted.expect_problem(403, "forbidden");
    }
    callers.app.get("/v1/breeds?show_deleted=true", None).await.expect_problem(401, "unauthenticated");
    callers.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instructor_neither_changes_takes_nor_gives_away_what_has_an_owner() {
    let callers = callers().await;
    let app = &callers.app;
    let mut conn = app.db.connect().await;
    let maker = Maker::new(app, callers.session(Caller::Administrator), Registry::default());
    let (owner, other) = (callers.session(Caller::Owner), callers.session(Caller::Instructor));
    let foreign = callers.session(Caller::Foreign);
    for model in Registry::default().models().iter().filter(|model| model.access.owner.is_some()) {
        let field = model.access.owner.unwrap_or_default();
        let root = format!("/v1/{}", model.path);
        let body = maker.body(model, Extent::Minimal, Members::new()).await;
        let made = app.post(&root, Some(owner), &json!(body)).await.expect(201).json();
        assert_eq!(made[field], owner.id.as_str(), "a record belongs to its maker");
        let path = format!("{root}/{}", made["id"].as_str().unwrap_or_default());
        let mut in_anothers_name = maker.body(model, Extent::Minimal, Members::new()).await;
        in_anothers_name.insert(field.to_owned(), json!(owner.id));
        let before = versions(&mut conn).await;
        for session in [other, foreign] {
            app.patch(&path, Some(session), &json!({"notes": "x"})).await.expect_problem(403, "forbidden");
            app.patch(&path, Some(session), &json!({field: other.id})).await.expect_problem(403, "forbidden");
            app.delete(&path, Some(session)).await.expect_problem(403, "forbidden");
            app.post(&root, Some(session), &json!(in_anothers_name)).await.expect_problem(403, "forbidden");
            let bulk = json!({"items": [in_anothers_name]});
            app.post(&format!("{root}/bulk"), Some(session), &bulk).await.expect_problem(403, "forbidden");
        }
        app.patch(&path, Some(owner), &json!({field: other.id})).await.expect_problem(403, "forbidden");
        assert_eq!(versions(&mut conn).await, before, "{}", model.name);
        // To leave the owner out is not to give the record up.
        let kept = app.patch(&path, Some(owner), &json!({"notes": "mine", field: null})).await.expect(200);
        assert_eq!(kept.json()[field], owner.id.as_str());
        app.delete(&path, Some(owner)).await.expect(200);
    }
    callers.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_of_another_issuer_is_none_of_our_users() {
    let callers = callers().await;
    let app = &callers.app;
    let foreign = callers.session(Caller::Foreign);
    let path = format!("/v1/users/{}", foreign.id);
    app.get(&path, Some(foreign)).await.expect_problem(403, "forbidden");
    app.patch(&path, Some(foreign), &json!({"fullname": "Eve"})).await.expect_problem(403, "forbidden");
    let logout = app.post("/v1/auth/logout_all", Some(foreign), &Json::Null).await;
    logout.expect_problem(403, "forbidden");
    // What it makes belongs to none of our users.
    let maker = Maker::new(app, callers.session(Caller::Administrator), Registry::default());
    let registry = Registry::default();
    let Some(model) = registry.model("treatment") else { panic!("no model treatment") };
    let body = maker.body(model, Extent::Minimal, Members::new()).await;
    let made = app.post("/v1/treatments", Some(foreign), &json!(body)).await.expect(201).json();
    assert_eq!(made["instructor_id"], Json::Null);
    // The same key of two principals with the same subject is two keys.
    let owner = callers.session(Caller::Owner);
    let mut bodies = Vec::new();
    for session in [owner, foreign] {
        let request = app.request(reqwest::Method::POST, "/v1/diseases", Some(session));
        let body = json!({"name": format!("Fever {}", bodies.len())});
        let answer = app.send(request.header("Idempotency-Key", "one-key").json(&body)).await.expect(201);
        assert_eq!(answer.header("idempotency-replayed"), "");
        bodies.push(answer.body);
    }
    callers.app.stop().await;
}
