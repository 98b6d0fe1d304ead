//! The API's document as a list of operations.

use catalog::model::Model;
use catalog::model::registry::Registry;
use reqwest::Method;
use serde_json::Value as Json;

/// One method of one path.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// The method.
    pub(crate) method: Method,
    /// The path's template: `/v1/animals/{id}`.
    pub(crate) path: String,
    /// What the document says of it, with what it says of the whole path.
    parameters: Vec<Json>,
    security: Json,
    body: Json,
    components: Json,
}

impl Operation {
    /// All operations, ordered by path.
    pub(crate) fn all(document: &Json) -> Vec<Self> {
        let mut operations = Vec::new();
        for (path, members) in document["paths"].as_object().into_iter().flatten() {
            for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                let Some(operation) = members.get(method.as_str().to_ascii_lowercase()) else { continue };
                let parameters = [&members["parameters"], &operation["parameters"]];
                operations.push(Self {
                    method,
                    path: path.clone(),
                    parameters: parameters
                        .into_iter()
                        .filter_map(Json::as_array)
                        .flatten()
                        .cloned()
                        .collect(),
                    security: operation.get("security").unwrap_or(&document["security"]).clone(),
                    body: operation["requestBody"].clone(),
                    components: document["components"]["schemas"].clone(),
                });
            }
        }
        operations.sort_by(|one, other| one.path.cmp(&other.path));
        operations
    }

    /// `METHOD path`.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The same with the method HEAD, which the document leaves to what is known of GET.
    pub(crate) fn as_head(&self) -> Self {
        Self { method: Method::HEAD, ..self.clone() }
    }

    /// Whether it may be asked for without a token.
    pub(crate) fn takes_nobody(&self) -> bool {
        self.security.as_array().is_some_and(|ways| {
            ways.is_empty() || ways.iter().any(|way| way.as_object().is_some_and(serde_json::Map::is_empty))
        })
    }

    /// Whether it looks at a token.
    pub(crate) fn takes_token(&self) -> bool {
        self.security.as_array().into_iter().flatten().any(|way| way.get("bearer").is_some())
    }

    /// The model that it is about, and what follows its name in the path: `/{id}/undelete`.
    pub(crate) fn model(&self) -> Option<(&'static Model, &str)> {
        let rest = self.path.strip_prefix("/v1/")?;
        let (segment, _) = rest.split_once('/').unwrap_or((rest, ""));
        let model = Registry::default().models().iter().copied().find(|model| model.path == segment)?;
        Some((model, rest.strip_prefix(segment).unwrap_or_default()))
    }

    /// Its parameters that stand in the query or the header: name and schema.
    pub(crate) fn parameters(&self, place: &str) -> Vec<(&str, &Json)> {
        self.parameters
            .iter()
            .filter(|parameter| parameter["in"] == place)
            .map(|parameter| (parameter["name"].as_str().unwrap_or_default(), &parameter["schema"]))
            .collect()
    }

    /// The media types of its body.
    pub(crate) fn media_types(&self) -> Vec<&str> {
        self.body["content"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect()
    }

    /// The schema of its JSON body, if it has one.
    pub(crate) fn schema(&self) -> Option<&Json> {
        self.body["content"]["application/json"].get("schema").map(|schema| self.resolved(schema))
    }

    /// The schema itself where this is a reference to it.
    pub(crate) fn resolved<'a>(&'a self, schema: &'a Json) -> &'a Json {
        match schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
            Some(name) => &self.components[name],
            None => schema,
        }
    }
}
