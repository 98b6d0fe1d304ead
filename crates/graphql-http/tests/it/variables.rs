//! Which values a variable takes.

use serde_json::{Value, json};

use crate::support::Ask;

/// Declares one variable, uses it or not, and gives it a value.
async fn takes(ty: &str, value: Option<Value>) -> bool {
    let field = match ty.split(' ').next().unwrap() {
        "Int!" => "twice(number: $v)",
        "ID!" => "byId(id: $v)",
        "Wish!" => "wish(wish: $v)",
        _ => "echo(text: $v)",
    };
    let query = format!("query ($v: {ty}) {{ {field} }}");
    let mut body = json!({"query": query});
    if let Some(value) = value {
        body["variables"] = json!({"v": value});
    }
    let ask = Ask::post_json(&body);
    let told = ask.told().await;
    match told.status {
        200 => true,
        _ => {
            assert_eq!((told.status, told.code()), (400, "graphql_variables_invalid"), "{ty}: {told:?}");
            assert_eq!(ask.resolved.times(), 0);
            false
        }
    }
}

#[tokio::test]
async fn a_variable_that_must_have_a_value_has_one() {
    assert!(takes("String", None).await);
    assert!(takes("String", Some(json!(null))).await);
    for ty in ["ID!", "Int!"] {
        assert!(!takes(ty, None).await);
        assert!(!takes(ty, Some(json!(null))).await);
    }
    assert!(takes("Int! = 3", None).await);
}

#[tokio::test]
async fn scalars_are_of_their_type() {
    for (ty, good, bad) in [
        (
            "Int!",
            vec![json!(1), json!(-7)],
            vec![json!("1"), json!(1.5), json!(true), json!(2_147_483_648_u64), json!([])],
        ),
        ("ID!", vec![json!("a"), json!(4)], vec![json!(1.5), json!(true), json!({})]),
        ("String", vec![json!("a")], vec![json!(1), json!(["a"]), json!({})]),
    ] {
        for value in good {
            assert!(takes(ty, Some(value.clone())).await, "{ty} {value}");
        }
        for value in bad {
            assert!(!takes(ty, Some(value.clone())).await, "{ty} {value}");
        }
    }
}

#[tokio::test]
async fn objects_lists_and_enums_are_looked_into() {
    for good in [
        json!({"text": "a"}),
        json!({"text": "a", "times": 2, "colours": ["RED", "GREEN"]}),
        json!({"text": "a", "times": null, "colours": "RED"}),
    ] {
        assert!(takes("Wish!", Some(good.clone())).await, "{good}");
    }
    for bad in [
        json!({}),
        json!({"text": null}),
        json!({"text": "a", "unknown": 1}),
        json!({"text": "a", "times": "2"}),
        json!({"text": "a", "colours": ["BLUE"]}),
        json!({"text": "a", "colours": [null]}),
        json!("a"),
        json!([]),
    ] {
        assert!(!takes("Wish!", Some(bad.clone())).await, "{bad}");
    }
}

#[tokio::test]
async fn a_fault_names_its_place() {
    let query = "query ($v: Wish!) { wish(wish: $v) }";
    let told = Ask::post_json(
        &json!({"query": query, "variables": {"v": {"text": "a", "colours": ["RED", "BLUE"]}}}),
    )
    .told()
    .await;
    assert_eq!(told.body["errors"][0]["message"], "$v.colours[1] is not of type Colour");
    assert_eq!(told.body["errors"][0]["locations"], json!([{"line": 1, "column": 8}]));
}

#[tokio::test]
async fn only_the_variables_of_the_operation_that_is_executed_are_looked_at() {
    let query = "query A($a: Int!) { twice(number: $a) } query B { hello }";
    let told =
        Ask::post_json(&json!({"query": query, "operationName": "B", "variables": {"a": "x"}})).told().await;
    assert_eq!(*told.data(), json!({"hello": "¡hola!"}));
}
