//! The judge of responses: nothing may be answered that the OpenAPI document does not say (`X-D5`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use crate::closed_schema::Closer;
use crate::cost::{Budgets, Cost};
use crate::path_template::PathTemplate;

/// How many faults of one body are told.
const MAX_FAULTS: usize = 5;

/// An OpenAPI 3.1 document as a check of responses.
///
/// Bodies must be valid *and* documented: a field that no schema mentions is a fault, although JSON Schema by itself would
/// let it pass. An object that may have any field says so by having no `properties`, or by `additionalProperties`.
#[derive(Debug)]
pub struct Contract {
    document: Value,
    /// `components` with every schema closed, for the validators to refer to.
    components: Value,
    paths: Vec<PathTemplate>,
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
    budgets: Option<Budgets>,
}

impl Contract {
    /// Takes a document, as it is served at `/openapi.json`.
    ///
    /// # Panics
    /// When it has no `paths`.
    #[must_use]
    pub fn load(openapi: Value) -> Self {
        let paths = openapi.get("paths").and_then(Value::as_object);
        let paths = paths.unwrap_or_else(|| panic!("the OpenAPI document has no paths"));
        let paths = paths.keys().map(|path| PathTemplate::new(path)).collect();
        let components = Closer::new(&openapi).components();
        Self { document: openapi, components, paths, compiled: Mutex::default(), budgets: None }
    }

    /// Has the answers judged by this service's budgets as well.
    #[must_use]
    pub fn with_budgets(self, budgets: Budgets) -> Self {
        Self { budgets: Some(budgets), ..self }
    }

    /// Whether an answer cost no more than the budget of the operation that it answers. What is no operation has none.
    ///
    /// # Errors
    /// As [`Budgets::check`].
    pub fn check_cost(&self, method: &str, path: &str, cost: Cost) -> Result<(), String> {
        let Some(budgets) = &self.budgets else { return Ok(()) };
        let Ok((_, operation)) = self.operation(method, path) else { return Ok(()) };
        match operation.get("operationId").and_then(Value::as_str) {
            Some(name) => budgets.check(name, cost),
            None => Ok(()),
        }
    }

    /// Checks one response. `path` is the one requested, with or without its query; `content_type` the field's value.
    /// A HEAD is judged as its GET, and must have no body.
    ///
    /// # Errors
    /// What is not as documented: the path, the method, the status, the media type, or the body (with JSON pointers).
    pub fn check(
        &self,
        method: &str,
        path: &str,
        status: u16,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Result<(), String> {
        let (template, operation) = self.operation(method, path)?;
        let method = method.to_ascii_lowercase();
        let at = format!("{} {template}", method.to_ascii_uppercase());
        let (documented, response) = self
            .response(operation, status)
            .ok_or_else(|| format!("{at}: status {status} is not documented"))?;
        let at = format!("{at} {status}");
        let Some((media_type, media)) = content(response, content_type, body, &at, method == "head")? else {
            return Ok(());
        };
        match media.get("schema") {
            Some(schema) if is_json(media_type) => {
                let key = format!("{method} {template} {documented} {media_type}");
                self.validate(&key, schema, body).map_err(|fault| format!("{at}: {fault}"))
            }
            _ => Ok(()),
        }
    }

    /// The template of a requested path, and the operation of it that the method means.
    fn operation(&self, method: &str, path: &str) -> Result<(&str, &Value), String> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let found = self
            .paths
            .iter()
            .filter(|template| template.matches(path))
            .max_by_key(|template| template.rank());
        let template = found.ok_or_else(|| format!("{path} is not documented"))?.as_str();
        let method = method.to_ascii_lowercase();
        let operations = self.document.pointer("/paths").and_then(|paths| paths.get(template));
        let operation = operations.and_then(|operations| {
            operations.get(&method).or_else(|| operations.get("get").filter(|_| method == "head"))
        });
        let operation = operation
            .ok_or_else(|| format!("{} {template} is not documented", method.to_ascii_uppercase()))?;
        Ok((template, operation))
    }

    /// The response documented for a status: its own, that of its class (`4XX`), or the default.
    fn response<'d>(&'d self, operation: &'d Value, status: u16) -> Option<(String, &'d Map<String, Value>)> {
        let responses = operation.get("responses")?;
        let keys = [status.to_string(), format!("{}XX", status / 100), "default".to_owned()];
        let (key, response) = keys.into_iter().find_map(|key| Some((key.clone(), responses.get(&key)?)))?;
        let referred =
            response.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
        let response = match referred {
            Some(pointer) => self.document.pointer(pointer)?,
            None => response,
        };
        Some((key, response.as_object()?))
    }

    fn validate(&self, key: &str, schema: &Value, body: &[u8]) -> Result<(), String> {
        let body: Value =
            serde_json::from_slice(body).map_err(|error| format!("body is not JSON: {error}"))?;
        let validator = self.validator(key, schema)?;
        let faults: Vec<String> = validator
            .iter_errors(&body)
            .take(MAX_FAULTS)
            .map(|fault| format!("at `{}`: {fault}", fault.instance_path()))
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
    }

    fn validator(&self, key: &str, schema: &Value) -> Result<Arc<Validator>, String> {
        let compiled = || self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(validator) = compiled().get(key) {
            return Ok(Arc::clone(validator));
        }
        // The schema becomes the root of a document that has the components where the references look for them.
        let mut root = match Closer::new(&self.document).close(schema) {
            Value::Object(root) => root,
            boolean => Map::from_iter([("allOf".to_owned(), json!([boolean]))]),
        };
        root.insert("components".to_owned(), self.components.clone());
        let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
        let validator = options.build(&Value::Object(root)).map_err(|error| format!("schema: {error}"))?;
        let validator = Arc::new(validator);
        compiled().insert(key.to_owned(), Arc::clone(&validator));
        Ok(validator)
    }
}

/// The documented media type of a response and its object; `None` when there is, rightly, no body.
fn content<'d, 'c>(
    response: &'d Map<String, Value>,
    content_type: Option<&'c str>,
    body: &[u8],
    at: &str,
    is_head: bool,
) -> Result<Option<(&'c str, &'d Value)>, String> {
    let documented = response.get("content").and_then(Value::as_object).filter(|content| !content.is_empty());
    match (documented, body.is_empty()) {
        (_, false) if is_head => Err(format!("{at}: a HEAD was answered with a body")),
        (_, true) if is_head => Ok(None),
        (None, true) => Ok(None),
        (None, false) => Err(format!("{at}: a body of {} bytes is not documented", body.len())),
        (Some(_), true) => Err(format!("{at}: the documented body is missing")),
        (Some(documented), false) => {
            let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
            let range = format!("{}/*", media_type.split('/').next().unwrap_or_default());
            let media = [media_type, &range, "*/*"].into_iter().find_map(|key| documented.get(key));
            let media = media.ok_or_else(|| format!("{at}: media type `{media_type}` is not documented"))?;
            Ok(Some((media_type, media)))
        }
    }
}

fn is_json(media_type: &str) -> bool {
    media_type == "application/json" || media_type.ends_with("+json")
}

#[cfg(test)]
#[path = "contract_tests.rs"]
mod tests;
