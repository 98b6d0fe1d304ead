//! A schema that has something of everything, and requests to it as a server would pass them on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_graphql::{
    Context, Data, EmptySubscription, Enum, Error, ErrorExtensions, ID, InputObject, Object, Schema,
};
use graphql_http::{Edition, Endpoint, Format, Limits, Outcome, Parameters, Source};
use serde_json::{Value, json};

pub(crate) const GRAPHQL: &str = "application/graphql-response+json";
pub(crate) const JSON: &str = "application/json";

/// How often a field was asked for its value.
#[derive(Clone, Default)]
pub(crate) struct Resolved(Arc<AtomicU32>);

impl Resolved {
    pub(crate) fn times(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

fn resolved(ctx: &Context<'_>) {
    ctx.data_unchecked::<Resolved>().0.fetch_add(1, Ordering::SeqCst);
}

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum Colour {
    Red,
    Green,
}

#[derive(InputObject)]
pub(crate) struct Wish {
    text: String,
    times: Option<u32>,
    colours: Option<Vec<Colour>>,
}

pub(crate) struct Query;

#[Object]
impl Query {
    async fn hello(&self, ctx: &Context<'_>) -> &str {
        resolved(ctx);
        "¡hola!"
    }

    async fn echo(&self, ctx: &Context<'_>, text: Option<String>) -> Option<String> {
        resolved(ctx);
        text
    }

    async fn twice(&self, ctx: &Context<'_>, number: i32) -> i32 {
        resolved(ctx);
        number * 2
    }

    async fn by_id(&self, ctx: &Context<'_>, id: ID) -> ID {
        resolved(ctx);
        id
    }

    async fn wish(&self, ctx: &Context<'_>, wish: Wish) -> String {
        resolved(ctx);
        wish.text.repeat(usize::try_from(wish.times.unwrap_or(1)).unwrap())
            + &"!".repeat(wish.colours.map_or(0, |all| all.len()))
    }

    /// Fails, and may.
    async fn maybe(&self) -> Result<Option<String>, Error> {
        Err(Error::new("there is none today").extend_with(|_, values| values.set("code", "gone")))
    }

    /// Fails, and takes everything with it.
    async fn always(&self) -> Result<String, Error> {
        Err(Error::new("postgres://secret@10.0.0.1 is down"))
    }

    async fn wood(&self) -> Option<Wood> {
        Some(Wood { is_bad: true })
    }

    async fn trunk(&self) -> Wood {
        Wood { is_bad: false }
    }

    /// Three that may be missing one by one.
    async fn woods(&self, bad: Option<usize>) -> Vec<Option<Wood>> {
        (0..3).map(|index| Some(Wood { is_bad: Some(index) == bad })).collect()
    }

    /// Three that are there together or not at all.
    async fn forest(&self, bad: Option<usize>) -> Option<Vec<Wood>> {
        Some((0..3).map(|index| Wood { is_bad: Some(index) == bad }).collect())
    }

    #[graphql(complexity = "first * child_complexity")]
    async fn tree(&self, #[graphql(default = 1)] first: usize) -> Vec<Tree> {
        vec![Tree; first]
    }
}

pub(crate) struct Wood {
    is_bad: bool,
}

#[Object]
impl Wood {
    async fn good(&self) -> i32 {
        1
    }

    async fn bad(&self) -> Result<i32, Error> {
        if self.is_bad {
            Err(Error::new("bad wood").extend_with(|_, values| values.set("code", "gone")))
        } else {
            Ok(1)
        }
    }

    async fn deep(&self) -> Wood {
        Wood { is_bad: self.is_bad }
    }

    async fn maybe(&self) -> Option<Wood> {
        Some(Wood { is_bad: self.is_bad })
    }
}

#[derive(Clone)]
pub(crate) struct Tree;

#[Object]
impl Tree {
    async fn leaf(&self) -> i32 {
        1
    }

    async fn tree(&self) -> Tree {
        Tree
    }

    /// Named like a list of introspection.
    async fn fields(&self) -> Tree {
        Tree
    }
}

pub(crate) struct Mutation;

#[Object]
impl Mutation {
    async fn touch(&self, ctx: &Context<'_>) -> bool {
        resolved(ctx);
        true
    }
}

/// A request, and what the server does with it.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) edition: Edition,
    pub(crate) method: &'static str,
    pub(crate) query_string: String,
    pub(crate) accept: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Vec<u8>,
    pub(crate) limits: Limits,
    pub(crate) resolved: Resolved,
}

impl Ask {
    pub(crate) fn get(query: &str) -> Self {
        let query_string =
            form_urlencoded::Serializer::new(String::new()).append_pair("query", query).finish();
        Self { method: "GET", query_string, content_type: None, ..Self::post_bytes("") }
    }

    pub(crate) fn get_with(parameters: &[(&str, &str)]) -> Self {
        let query_string = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        Self { query_string, ..Self::get("") }
    }

    pub(crate) fn post(query: &str) -> Self {
        Self::post_json(&json!({"query": query}))
    }

    pub(crate) fn post_json(body: &Value) -> Self {
        Self::post_bytes(body.to_string())
    }

    pub(crate) fn post_bytes(body: impl AsRef<[u8]>) -> Self {
        Self {
            edition: Edition::Draft,
            method: "POST",
            query_string: String::new(),
            accept: Some(GRAPHQL.to_owned()),
            content_type: Some(JSON.to_owned()),
            body: body.as_ref().to_vec(),
            limits: Limits::default(),
            resolved: Resolved::default(),
        }
    }

    pub(crate) fn accept(self, accept: &str) -> Self {
        Self { accept: Some(accept.to_owned()), ..self }
    }

    pub(crate) fn content_type(self, content_type: &str) -> Self {
        Self { content_type: Some(content_type.to_owned()), ..self }
    }

    pub(crate) fn of_2026(self) -> Self {
        Self { edition: Edition::September2026, ..self }
    }

    pub(crate) fn within(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    fn lines(field: &Option<String>) -> impl Iterator<Item = &[u8]> {
        field.iter().map(String::as_bytes)
    }

    /// What a service does.
    pub(crate) async fn told(&self) -> Told {
        let format = match Format::negotiate(Self::lines(&self.accept)) {
            Ok(format) => format,
            Err(problem) => {
                let fields = vec![("content-type", "application/problem+json".to_owned())];
                return Told { status: problem.kind().status, fields, body: problem.to_json() };
            }
        };
        let answer = self.outcome().await.answer(self.edition, format).unwrap();
        Told {
            status: answer.status,
            fields: answer.fields,
            body: serde_json::from_slice(&answer.body).unwrap(),
        }
    }

    pub(crate) async fn outcome(&self) -> Outcome {
        let builder = Schema::build(Query, Mutation, EmptySubscription).data(self.resolved.clone());
        let endpoint = Endpoint::new(builder, self.limits);
        let lines = Self::lines(&self.content_type);
        let source = match Source::of(self.method, &self.query_string, lines, &self.limits) {
            Ok(source) => source,
            Err(refusal) => return refusal.into(),
        };
        let parameters = match source {
            Source::Query => Parameters::from_query_string(&self.query_string),
            Source::Body => Parameters::from_json(&self.body, &self.limits),
        };
        match parameters {
            Ok(parameters) => endpoint.execute(source, parameters, Data::default()).await,
            Err(refusal) => refusal.into(),
        }
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(&'static str, String)>,
    pub(crate) body: Value,
}

impl Told {
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(found, _)| *found == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn media_type(&self) -> &str {
        self.field("content-type").split(';').next().unwrap()
    }

    /// Data, and no errors.
    pub(crate) fn data(&self) -> &Value {
        assert_eq!((self.status, self.body.get("errors")), (200, None), "{self:?}");
        &self.body["data"]
    }

    /// The code of the first error.
    pub(crate) fn code(&self) -> &str {
        self.body["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{self:?}"))
    }

    /// Errors, each with a message and a code, and no data entry.
    pub(crate) fn is_a_request_error(&self) -> bool {
        let errors = self.body["errors"].as_array().unwrap_or_else(|| panic!("{self:?}"));
        let is_good = |error: &Value| error["message"].is_string() && error["extensions"]["code"].is_string();
        !errors.is_empty() && errors.iter().all(is_good) && self.body.get("data").is_none()
    }
}

/// Requests that are well-formed and cannot be executed, each with the code of its error.
pub(crate) fn request_errors() -> Vec<(Ask, &'static str)> {
    let with =
        |query: &str, variables: Value| Ask::post_json(&json!({"query": query, "variables": variables}));
    vec![
        (Ask::post("{"), "graphql_unparsable"),
        (Ask::post("{ hello unknown }"), "graphql_invalid"),
        (Ask::post("query A { hello } query B { hello }"), "graphql_operation_undetermined"),
        (with("query ($id: ID!) { byId(id: $id) hello }", json!({"id": null})), "graphql_variables_invalid"),
    ]
}
