//! Making records: one, or up to a thousand together (C-A2, C-D9).

use idempotency::StoredAnswer;
use pg_pool::Connection;
use problem::Problem;
use service_error::{ServiceError, validation};
use uuid::Uuid;

use super::checks::{self, Candidate};
use super::outcome::{self, Return};
use super::{Context, Operation, herd_rules, instant, record_changes};
use crate::cache::groups::Affected;
use crate::domain::change::{Actor, Change, ChangeKind};
use crate::domain::draft::Draft;
use crate::domain::record::Record;
use crate::domain::value::Value;
use crate::model::Model;
use crate::store::clock;
use crate::store::write::{self, NewRecord};

/// How the result is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One record.
    Single,
    /// An object with a list of records.
    List,
    /// One record a line.
    Lines,
}

/// Makes the records of `drafts`, all or none.
pub(crate) struct Create {
    /// Their model.
    pub(crate) model: &'static Model,
    /// What they shall be; write-only values are hashed already.
    pub(crate) drafts: Vec<Draft>,
    /// JSON pointer of the drafts' list: empty for a single one, `/items`, or nothing before the index.
    pub(crate) pointer: &'static str,
    /// Check everything, write nothing.
    pub(crate) validate_only: bool,
    /// Who makes them.
    pub(crate) actor: Actor,
    /// How the result is shown.
    pub(crate) shape: Shape,
    /// How much of it.
    pub(crate) prefer: Return,
    /// The ids of the new records, in the order of the drafts; filled in before the transaction.
    pub(crate) ids: Vec<Uuid>,
}

impl Operation for Create {
    const NAME: &'static str = "create_records";

    fn affects(&mut self, context: &Context) -> Affected {
        self.ids = self.drafts.iter().map(|draft| draft.id.unwrap_or_else(context.new_id)).collect();
        if self.validate_only {
            Affected::nothing(self.model)
        } else {
            Affected::records(self.model, self.ids.iter().copied())
        }
    }

    async fn run(mut self, conn: &mut Connection, context: &Context) -> Result<StoredAnswer, ServiceError> {
        let model = self.model;
        let mut clocks = clock::lock(conn, &[model]).await?;
        let at = instant(context, &clocks);
        let Some((_, clock)) = clocks.first_mut() else { return Err(missing_clock(model)) };
        self.own();
        self.check(conn, context).await?;
        if self.validate_only {
            let body = format!("{{\"valid\":true,\"count\":{}}}", self.ids.len());
            return Ok(outcome::json(200, Vec::new(), body));
        }
        let new: Vec<NewRecord> = self
            .drafts
            .into_iter()
            .zip(&self.ids)
            .map(|(draft, id)| {
                clock.version += 1;
                NewRecord { id: *id, version: clock.version, draft }
            })
            .collect();
        let records = write::insert(conn, model, at, new).await?;
        let changes: Vec<Change> = records
            .into_iter()
            .map(|after| Change { model, kind: ChangeKind::Created, before: None, after })
            .collect();
        record_changes(conn, context, model, clock, &self.actor, at, &changes).await?;
        let records: Vec<Record> = changes.into_iter().map(|change| change.after).collect();
        Ok(answer(model, self.shape, self.prefer, &records))
    }
}

impl Create {
    /// A record with an owner belongs to its maker where nobody is named.
    fn own(&mut self) {
        let Some(owner) = self.model.access.owner else { return };
        for draft in &mut self.drafts {
            if let (Some(Value::Null) | None, Some(user)) =
                (draft.value(self.model, owner), self.actor.user_id)
            {
                draft.set(self.model, owner, Value::Uuid(user));
            }
        }
    }

    async fn check(&self, conn: &mut Connection, context: &Context) -> Result<(), ServiceError> {
        let candidates: Vec<Candidate<'_>> = self
            .drafts
            .iter()
            .zip(&self.ids)
            .enumerate()
            .map(|(index, (draft, id))| {
                let pointer = if self.shape == Shape::Single {
                    String::new()
                } else {
                    format!("{}/{index}", self.pointer)
                };
                Candidate { id: *id, pointer, draft }
            })
            .collect();
        let faults = checks::references(conn, &context.registry, self.model, &candidates).await?;
        if !faults.is_empty() {
            return Err(validation(faults));
        }
        checks::ids(conn, self.model, &candidates).await?;
        checks::uniqueness(conn, self.model, &candidates, |_| true).await?;
        herd_rules::check_new(conn, self.model, &candidates).await
    }
}

fn answer(model: &Model, shape: Shape, prefer: Return, records: &[Record]) -> StoredAnswer {
    match (shape, records.first()) {
        (Shape::Single, Some(record)) => outcome::record(201, model, record, prefer),
        (Shape::Lines, _) => {
            let mut body = String::with_capacity(records.len() * 512);
            for record in records {
                body.push_str(&record.json(model));
                body.push('\n');
            }
            let headers = vec![("Content-Type".to_owned(), "application/x-ndjson".to_owned())];
            StoredAnswer { status: 201, headers, body: body.into_bytes() }
        }
        _ => {
            let items: Vec<String> = records.iter().map(|record| record.json(model)).collect();
            outcome::json(
                201,
                Vec::new(),
                format!("{{\"count\":{},\"items\":[{}]}}", records.len(), items.join(",")),
            )
        }
    }
}

pub(crate) fn missing_clock(model: &Model) -> ServiceError {
    Problem::new(&problem::registry::INTERNAL)
        .cause(format!("the model {} has no clock row", model.name))
        .into()
}
