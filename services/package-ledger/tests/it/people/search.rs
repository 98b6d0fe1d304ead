//! The desk finds customers by the beginning of a name or number.

use serde_json::json;

use crate::desk::Staff;
use crate::harness::Harness;

async fn desk() -> (Harness, Staff) {
    let app = Harness::start().await;
    let staff = app.staff().await;
    for (name, phone) in [
        ("José Peña", "+573001000001"),
        ("JOSEFA Ruiz", "+573001000002"),
        ("Jose Pena", "+573011000003"),
        ("Ana", "+34600100004"),
        ("Josue", "+573001000005"),
    ] {
        app.post("/v1/customers", &staff.operator, &json!({"name": name, "phone": phone})).await.expect(201);
    }
    (app, staff)
}

async fn names(app: &Harness, staff: &Staff, query: &str) -> Vec<String> {
    let mut path = format!("/v1/customers?limit=2{query}");
    let mut seen = Vec::new();
    loop {
        let page = app.get(&path, &staff.auditor).await.expect(200).json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(items.iter().map(|row| row["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { return seen };
        path = format!("/v1/customers?limit=2{query}&cursor={next}");
    }
}

#[tokio::test]
async fn names_are_found_by_their_beginning_without_case_and_accents() {
    let (app, staff) = desk().await;
    let found = names(&app, &staff, "&q=jos%C3%89").await;
    assert_eq!(found, ["José Peña", "Jose Pena", "JOSEFA Ruiz"]);
    assert_eq!(names(&app, &staff, "&q=jose%20pe").await, ["José Peña", "Jose Pena"]);
    assert_eq!(names(&app, &staff, "&q=pena").await, [""; 0], "no name begins so");
    assert_eq!(names(&app, &staff, "").await, ["Josue", "Ana", "Jose Pena", "JOSEFA Ruiz", "José Peña"]);
    app.stop().await;
}

#[tokio::test]
async fn numbers_are_found_by_their_beginning_however_they_are_dialled() {
    let (app, staff) = desk().await;
    let here = ["José Peña", "JOSEFA Ruiz", "Josue"];
    for query in ["&q=300", "&q=%2B57300", "&q=300%20100", "&q=0057300", "&q=57300"] {
        assert_eq!(names(&app, &staff, query).await, here, "{query}");
    }
    assert_eq!(names(&app, &staff, "&q=%2B34600").await, ["Ana"]);
    assert_eq!(names(&app, &staff, "&q=3001000005").await, ["Josue"]);
    assert_eq!(names(&app, &staff, "&q=%2B346001000045").await, [""; 0]);
    app.stop().await;
}

#[tokio::test]
async fn pages_have_numbers_too_and_cursors_are_good_for_their_own_list() {
    let (app, staff) = desk().await;
    let second = app.get("/v1/customers?limit=2&page=2", &staff.operator).await.expect(200).json();
    let names: Vec<_> = second["items"].as_array().unwrap().iter().map(|row| &row["name"]).collect();
    assert_eq!(names, ["Jose Pena", "JOSEFA Ruiz"]);
    let next = second["next"].as_str().unwrap();
    let elsewhere = app.get(&format!("/v1/customers?q=jose&cursor={next}"), &staff.operator).await;
    elsewhere.expect_problem(400, "invalid_cursor");
    for query in ["q=jo", "q=%2B3", "limit=0", "name=x", "page=0", "q=ana%00"] {
        let answer = app.get(&format!("/v1/customers?{query}"), &staff.operator).await;
        answer.expect_problem(400, "invalid_parameter");
    }
    app.stop().await;
}
