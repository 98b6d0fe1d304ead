//! Problems as errors of GraphQL: the code of the registry, what is meant for the client, and nothing else.

use async_graphql::{ErrorExtensions as _, Value};
use problem::{FieldError, Problem, registry};
use service_error::{ServiceError, parameters};

/// A problem that becomes an error of the field that it befell.
#[derive(Debug)]
pub(super) struct Told(ServiceError);

impl<E: Into<ServiceError>> From<E> for Told {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl From<Told> for async_graphql::Error {
    fn from(Told(error): Told) -> Self {
        let problem = error.problem();
        if problem.kind().status >= 500 {
            tracing::error!(code = problem.kind().code, cause = error.explain(), "a field could not be had");
        }
        let message = problem.detail_text().unwrap_or(problem.kind().title);
        let told = Self::new(message);
        told.extend_with(|_, values| {
            values.set("code", problem.kind().code);
            let faults: Vec<Value> = problem.field_errors().iter().map(fault).collect();
            if !faults.is_empty() {
                values.set("errors", faults);
            }
        })
    }
}

fn fault(error: &FieldError) -> Value {
    let members =
        [("pointer", error.pointer.as_str()), ("code", error.code), ("message", error.message.as_str())];
    Value::Object(
        members.into_iter().map(|(name, text)| (async_graphql::Name::new(name), text.into())).collect(),
    )
}

/// Refuses the value of an argument.
pub(super) fn refused_argument(name: &str, code: &'static str, message: &str) -> Told {
    Told(parameters(vec![FieldError { pointer: format!("?{name}"), code, message: message.to_owned() }]))
}

/// What cannot be, and was.
pub(super) fn internal(cause: impl std::fmt::Display) -> ServiceError {
    Problem::new(&registry::INTERNAL).cause(cause.to_string()).into()
}
