//! What is too much is refused before it costs anything.

use std::time::{Duration, Instant};

use graphql_http::Limits;

use crate::support::Ask;

/// The message of a document beyond a bound.
async fn beyond(ask: Ask) -> String {
    let began = Instant::now();
    let told = ask.told().await;
    assert_eq!((told.status, told.code()), (400, "graphql_limit_exceeded"), "{told:?}");
    assert_eq!(ask.resolved.times(), 0);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    told.body["errors"][0]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn documents_have_a_length() {
    let limits = Limits { max_document_bytes: 10, ..Limits::default() };
    assert_eq!(
        beyond(Ask::post("{ hello }  ").within(limits)).await,
        "the document has 11 bytes, at most 10 are read"
    );
    assert_eq!(Ask::post("{ hello } ").within(limits).told().await.status, 200);
}

#[tokio::test]
async fn fields_have_a_depth() {
    let limits = Limits { max_depth: 3, ..Limits::default() };
    let deep = "{ tree { ...F } } fragment F on Tree { tree { ... on Tree { tree { leaf } } } }";
    assert_eq!(
        beyond(Ask::post(deep).within(limits)).await,
        "fields are nested 4 deep, at most 3 are allowed"
    );
    let shallow = "{ tree { ...F } } fragment F on Tree { tree { leaf } }";
    assert_eq!(Ask::post(shallow).within(limits).told().await.status, 200);
}

#[tokio::test]
async fn documents_have_a_cost() {
    let limits = Limits { max_cost: 100, ..Limits::default() };
    let message = beyond(Ask::post("{ tree(first: 51) { leaf tree { leaf } } }").within(limits)).await;
    assert_eq!(message, "the document costs 153, at most 100 is allowed");
    assert_eq!(
        Ask::post("{ tree(first: 33) { leaf tree { leaf } } }").within(limits).told().await.status,
        200
    );
}

/// A few lines that stand for 2^40 fields.
#[tokio::test]
async fn fragments_within_fragments_are_counted_and_not_walked() {
    let mut bomb = "{ tree { ...F0 } }".to_owned();
    for level in 0..39 {
        let next = level + 1;
        bomb += &format!(" fragment F{level} on Tree {{ ...F{next} ...F{next} }}");
    }
    bomb += " fragment F39 on Tree { leaf }";
    beyond(Ask::post(&bomb)).await;
    let mut wide = "{ tree { ...F0 } }".to_owned();
    for level in 0..20 {
        let next = level + 1;
        wide += &format!(" fragment F{level} on Tree {{ ...F{next} ...F{next} ...F{next} }}");
    }
    wide += " fragment F20 on Tree { leaf }";
    assert!(beyond(Ask::post(&wide)).await.contains("at most 2000 are allowed"));
}

#[tokio::test]
async fn fragments_that_contain_themselves_end() {
    for circle in [
        "{ tree { ...F } } fragment F on Tree { tree { ...F ...F } }",
        "{ tree { ...A ...B } } fragment A on Tree { ...B ...B } fragment B on Tree { ...A ...A }",
        "{ hello } fragment F on Tree { tree { ...F ...F } }",
    ] {
        let told = Ask::post(circle).told().await;
        assert_eq!((told.status, told.code()), (400, "graphql_invalid"), "{circle}");
    }
}

#[tokio::test]
async fn brackets_have_a_depth() {
    for open in ["[", "{a:", "[[{a:"] {
        let document = format!("{{ echo(text: {} }}", open.repeat(8000));
        beyond(Ask::post(&document)).await;
    }
    beyond(Ask::post(&"{a".repeat(10_000))).await;
    beyond(Ask::post(&"{...".repeat(7_500))).await;
    // Those in strings and comments are none.
    let text = "[{(".repeat(100);
    for document in [
        format!("{{ echo(text: \"{text}\\\"{text}\") }}"),
        format!("{{ echo(text: \"\"\"{text}\" \\\"\"\" {text}\n{text}\"\"\") }}"),
        format!("# {text}\n{{ hello }} #{text}"),
        format!("{{ echo(text: \"\") # {text}\n }}"),
    ] {
        assert_eq!(Ask::post(&document).told().await.status, 200, "{document}");
    }
}

#[tokio::test]
async fn types_may_be_wrapped_only_so_often() {
    let document = format!("query ($a: {}Int{}) {{ hello }}", "[".repeat(5000), "]".repeat(5000));
    beyond(Ask::post(&document)).await;
}

#[tokio::test]
async fn selections_nested_without_fields_have_a_depth() {
    let document = format!("{{ {} hello {} }}", "... { ".repeat(55), "} ".repeat(55));
    assert_eq!(beyond(Ask::post(&document)).await, "selections are nested deeper than 40");
}

#[tokio::test]
async fn introspection_is_answered_whole() {
    let told = Ask::post(INTROSPECTION).told().await;
    assert_eq!(told.data()["__schema"]["queryType"]["name"], "Query");
}

#[tokio::test]
async fn introspection_of_introspection_is_bounded() {
    let nested = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }";
    assert_eq!(
        beyond(Ask::post(nested)).await,
        "lists of introspection are nested 3 deep, at most 2 are allowed"
    );
    // Fields of the schema that are named so are not of introspection.
    let named = "{ tree { fields { fields { fields { leaf } } } } }";
    assert_eq!(Ask::post(named).told().await.status, 200);
}

#[tokio::test]
async fn the_number_of_errors_is_bounded() {
    let many: String = (0..500).map(|number| format!("a{number}: unknown{number} ")).collect();
    let told = Ask::post(&format!("{{ {many} }}")).told().await;
    assert_eq!((told.status, told.body["errors"].as_array().unwrap().len()), (400, 32));
}

/// What tools send, with the nine wrappings of types that they ask for.
const INTROSPECTION: &str = "
query IntrospectionQuery {
  __schema {
    description
    queryType { name kind } mutationType { name kind } subscriptionType { name kind }
    types { ...FullType }
    directives { name description locations args(includeDeprecated: true) { ...InputValue } }
  }
}
fragment FullType on __Type {
  kind name description
  fields(includeDeprecated: true) {
    name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason
  }
  inputFields(includeDeprecated: true) { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType {
    kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }
}";
