//! Makes valid records of any model from its declaration.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use catalog::model::registry::Registry;
use catalog::model::{Field, FieldKind, Model, Rules, TextFormat};
use chrono::{Days, NaiveDate};
use serde_json::{Map, Value as Json, json};

use crate::harness::{Session, TestApp};

/// Members of a JSON object.
pub(crate) type Members = Map<String, Json>;

/// How much of a record is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What is required.
    Minimal,
    /// Every field.
    Full,
}

/// Makes records as an administrator. What is made later has later dates, so parents are older than their offspring.
pub(crate) struct Maker<'a> {
    app: &'a TestApp,
    administrator: &'a Session,
    registry: Registry,
    made: Arc<AtomicI64>,
}

impl<'a> Maker<'a> {
    pub(crate) fn new(app: &'a TestApp, administrator: &'a Session, registry: Registry) -> Self {
        Self::going_on(app, administrator, registry, Arc::default())
    }

    /// Goes on counting where another one on the same database stopped.
    pub(crate) fn going_on(
        app: &'a TestApp,
        administrator: &'a Session,
        registry: Registry,
        made: Arc<AtomicI64>,
    ) -> Self {
        Self { app, administrator, registry, made }
    }

    /// A value that the field accepts, and where the kind has enough of them, one that no record has.
    pub(crate) fn value(&self, field: &Field) -> Json {
        let n = 1 + self.made.fetch_add(1, Ordering::Relaxed);
        match field.kind {
            FieldKind::Text { format: TextFormat::Email, .. } => json!(format!("n{n:06}@example.org")),
            FieldKind::Text { format: TextFormat::Phone, .. } => json!(format!("+49 30 {n:06}")),
            FieldKind::Text { min_len, max_len, .. } => json!(text(field.name, n, min_len, max_len)),
            FieldKind::Integer { min, max } => {
                json!(min.saturating_add(n.rem_euclid(max.saturating_sub(min).saturating_add(1).max(1))))
            }
            FieldKind::Boolean => json!(n % 2 == 0),
            FieldKind::Date { .. } => json!(date(n)),
            FieldKind::Choice(words) => json!(words[usize::try_from(n).unwrap_or_default() % words.len()]),
            FieldKind::Uuid => json!(uuid::Uuid::now_v7()),
        }
    }

    /// A value that the field accepts and that differs from `current`; the same where the field knows but one.
    pub(crate) fn other_value(&self, field: &Field, current: &Json) -> Json {
        (0..8).map(|_| self.value(field)).find(|value| value != current).unwrap_or_else(|| current.clone())
    }

    /// The members of a valid new record; the records that it points at are made. `given` members stay as they are.
    pub(crate) async fn body(&self, model: &'static Model, extent: Extent, given: Members) -> Members {
        let mut members = given;
        let wanted = |field: &&Field, members: &Members| {
            !members.contains_key(field.name)
                && (extent == Extent::Full || field.required() || (field.write_only && !field.nullable))
        };
        for field in model.fields.iter().filter(|field| field.reference.is_some()) {
            if wanted(&field, &members) {
                let target = self.target(model, field, &members).await;
                members.insert(field.name.to_owned(), target["id"].clone());
            }
        }
        for field in model.fields.iter().filter(|field| field.reference.is_none()) {
            if wanted(&field, &members) {
                members.insert(field.name.to_owned(), self.value(field));
            }
        }
        members
    }

    /// A record that `field` may point at in a record with these members.
    pub(crate) async fn target(&self, model: &Model, field: &Field, members: &Members) -> Json {
        let Some(reference) = &field.reference else { panic!("{} points at nothing", field.name) };
        let Some(target) = self.registry.model(reference.model) else {
            panic!("no model {}", reference.model)
        };
        self.make(target, Extent::Minimal, kin(model, field, members)).await
    }

    /// Makes a record and returns it as it is shown.
    pub(crate) fn make<'s>(
        &'s self,
        model: &'static Model,
        extent: Extent,
        given: Members,
    ) -> Pin<Box<dyn Future<Output = Json> + 's>> {
        Box::pin(async move {
            let body = self.body(model, extent, given).await;
            self.app.make(model.path, self.administrator, Json::Object(body)).await
        })
    }
}

/// What the target must be for the rules of the herd.
fn kin(model: &Model, field: &Field, members: &Members) -> Members {
    let sex = match (model.rules, field.name) {
        (Rules::Animal, "father_id") => "male",
        (Rules::Animal, "mother_id") => "female",
        _ => return Members::new(),
    };
    let breed = members.get("breed_id").cloned().unwrap_or_default();
    Members::from_iter([("sex".to_owned(), json!(sex)), ("breed_id".to_owned(), breed)])
}

fn text(name: &str, n: i64, min_len: u32, max_len: u32) -> String {
    let whole = format!("{name} {n:06}");
    let room = usize::try_from(max_len).unwrap_or(usize::MAX);
    let cut: String = whole.chars().skip(whole.chars().count().saturating_sub(room)).collect();
    format!("{cut:x<width$}", width = usize::try_from(min_len).unwrap_or_default())
}

fn date(n: i64) -> NaiveDate {
    let base = NaiveDate::from_ymd_opt(1900, 1, 1).unwrap_or_default();
    base + Days::new(u64::try_from(n).unwrap_or_default())
}
