//! The layer in front of a schema: it asks of a request what the engine does not, and tells apart what the engine does not tell apart.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::async_trait::async_trait;
use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextExecute, NextResolve, NextValidation, ResolveInfo,
};
use async_graphql::parser::types::{ExecutableDocument, VariableDefinition};
use async_graphql::registry::MetaTypeName;
use async_graphql::{
    Data, ObjectType, Positioned, Request, Response, Schema, SchemaBuilder, ServerError, ServerResult,
    SubscriptionType, ValidationResult, Value, Variables,
};
use problem::registry;

use crate::nulls::{Nulls, is_item};
use crate::refusal::{coded, has_code, set_code};
use crate::{Kind, Limits, METHODS, Outcome, Parameters, Refusal, Source, document, usage, variables};

/// A schema as it is asked over HTTP. Cheap to clone.
#[derive(Clone)]
pub struct Endpoint<Query, Mutation, Subscription> {
    schema: Schema<Query, Mutation, Subscription>,
    limits: Limits,
}

impl<Query, Mutation, Subscription> Endpoint<Query, Mutation, Subscription>
where
    Query: ObjectType + 'static,
    Mutation: ObjectType + 'static,
    Subscription: SubscriptionType + 'static,
{
    /// Over the schema that is being built, within these bounds.
    pub fn new(builder: SchemaBuilder<Query, Mutation, Subscription>, limits: Limits) -> Self {
        // Ours is the lower bound, and says so.
        let builder = builder.limit_recursive_depth(document::MAX_LEVELS * 2);
        let schema = builder.extension(WatchFactory { max_cost: limits.max_cost }).finish();
        Self { schema, limits }
    }

    /// The bounds.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The schema in its definition language, the same at every time.
    pub fn sdl(&self) -> String {
        let options =
            async_graphql::SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items();
        self.schema.sdl_with_options(options)
    }

    /// Validates a request and executes it. `data` is what resolvers are given of it.
    pub async fn execute(&self, source: Source, parameters: Parameters, data: Data) -> Outcome {
        match self.prepare(source, parameters, data) {
            Ok((request, progress)) => conclude(self.schema.execute(request).await, &progress),
            Err(refusal) => refusal.into(),
        }
    }

    /// All that can be asked of a document without the schema.
    fn prepare(
        &self,
        source: Source,
        parameters: Parameters,
        data: Data,
    ) -> Result<(Request, Arc<Progress>), Refusal> {
        let document = document::parse(&parameters.query, &self.limits)?;
        let operation = document::operation(&document, parameters.operation_name.as_deref());
        if source == Source::Query && operation.is_some_and(document::changes) {
            let message = format!("a mutation is asked for by {}", METHODS[2]);
            return Err(Refusal::new(Kind::MutationOverGet, message));
        }
        let variables = Variables::from_json(parameters.variables.into());
        let progress = Arc::new(Progress {
            definitions: operation
                .map(|operation| operation.variable_definitions.clone())
                .unwrap_or_default(),
            variables: variables.clone(),
            document: document.clone(),
            is_valid: AtomicBool::new(false),
            has_bad_variables: AtomicBool::new(false),
            is_executed: AtomicBool::new(false),
            nulls: Nulls::default(),
        });
        let mut request = Request::new(parameters.query).variables(variables);
        request.operation_name = parameters.operation_name;
        request.data = data;
        request.data.insert(Arc::clone(&progress));
        request.set_parsed_query(document);
        Ok((request, progress))
    }
}

/// How far a request has come.
struct Progress {
    document: ExecutableDocument,
    definitions: Vec<Positioned<VariableDefinition>>,
    variables: Variables,
    is_valid: AtomicBool,
    has_bad_variables: AtomicBool,
    is_executed: AtomicBool,
    nulls: Nulls,
}

/// Names what became of a request, and leaves nothing in its errors that was not meant for the client.
fn conclude(mut response: Response, progress: &Progress) -> Outcome {
    let reached = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
    if reached(&progress.is_executed) {
        let (errors, nothing_is_left) = progress.nulls.finish();
        response.errors.extend(errors);
        if nothing_is_left {
            response.data = Value::Null;
        } else if matches!(response.data, Value::Null) && response.errors.is_empty() {
            // All fields were skipped.
            response.data = Value::Object(Default::default());
        }
    }
    let kind = if reached(&progress.has_bad_variables) {
        Kind::VariablesInvalid
    } else if !reached(&progress.is_valid) {
        Kind::Invalid
    } else if !reached(&progress.is_executed) {
        Kind::OperationUndetermined
    } else if response.errors.is_empty() {
        Kind::Done
    } else if matches!(response.data, Value::Null) {
        Kind::NoData
    } else {
        Kind::Partial
    };
    let mut hidden = Vec::new();
    for error in &mut response.errors {
        if kind.is_executed() && !has_code(error) {
            hidden.push(std::mem::replace(&mut error.message, registry::INTERNAL.title.to_owned()));
        }
        set_code(error, kind.problem());
    }
    Outcome::new(kind, response, hidden)
}

struct WatchFactory {
    max_cost: usize,
}

impl ExtensionFactory for WatchFactory {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Watch { max_cost: self.max_cost })
    }
}

/// Notes how far a request comes, and stops the one that costs too much or whose variables do not fit.
struct Watch {
    max_cost: usize,
}

#[async_trait]
impl Extension for Watch {
    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let result = next.run(ctx).await;
        let Some(progress) = ctx.data_opt::<Arc<Progress>>() else { return result };
        // The engine takes a value that does not fit for a fault of the document, if it looks at it at all.
        let faults = variables::faults(&ctx.schema_env.registry, &progress.definitions, &progress.variables);
        if !faults.is_empty() {
            progress.has_bad_variables.store(true, Ordering::Relaxed);
            return Err(faults);
        }
        let result = result?;
        let faults = usage::faults(&ctx.schema_env.registry, &progress.document);
        if !faults.is_empty() {
            return Err(faults);
        }
        if result.complexity > self.max_cost {
            let message =
                format!("the document costs {}, at most {} is allowed", result.complexity, self.max_cost);
            return Err(Refusal::beyond(message).errors);
        }
        progress.is_valid.store(true, Ordering::Relaxed);
        Ok(result)
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let Some(progress) = ctx.data_opt::<Arc<Progress>>() else {
            return Response::from_errors(vec![coded(&registry::INTERNAL, registry::INTERNAL.title, None)]);
        };
        progress.is_executed.store(true, Ordering::Relaxed);
        next.run(ctx, operation_name).await
    }

    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        let (node, ty) = (info.path_node, info.return_type);
        let result = next.run(ctx, info).await;
        let Some(progress) = ctx.data_opt::<Arc<Progress>>() else { return result };
        let value = match result {
            Err(error) => {
                progress.nulls.failed(node, ty, error);
                Value::Null
            }
            Ok(value) if is_item(node) => return Ok(value),
            Ok(value) => match value.unwrap_or_default() {
                // An object of which all fields were skipped.
                Value::Null if MetaTypeName::create(ty).is_non_null() && !progress.nulls.any() => {
                    Value::Object(Default::default())
                }
                value => progress.nulls.resolved(node, ty, value),
            },
        };
        Ok(Some(value))
    }
}
