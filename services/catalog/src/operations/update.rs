//! Changing a record: the whole of it (PUT) or some fields (PATCH).

use conditional::Conditions;
use idempotency::StoredAnswer;
use identity::Principal;
use pg_pool::Connection;
use problem::Problem;
use service_error::{ServiceError, not_found, refused, validation};
use uuid::Uuid;

use super::checks::{self, Candidate};
use super::create::missing_clock;
use super::outcome::{self, Return};
use super::{Context, Operation, herd_rules, instant, record_changes};
use crate::cache::groups::Affected;
use crate::domain::access;
use crate::domain::change::{Change, ChangeKind};
use crate::domain::draft::Draft;
use crate::domain::record::Record;
use crate::domain::value::Value;
use crate::model::{Model, Rules};
use crate::problems;
use crate::store::{clock, item, write};

/// Changes one record.
pub(crate) struct Update {
    /// Its model.
    pub(crate) model: &'static Model,
    /// Its id.
    pub(crate) id: Uuid,
    /// What is said; fields without a value stay.
    pub(crate) draft: Draft,
    /// `If-Match`, which must be given and hold (X-B6).
    pub(crate) conditions: Conditions,
    /// Who changes it.
    pub(crate) principal: Principal,
    /// How much of the result is shown.
    pub(crate) prefer: Return,
}

impl Operation for Update {
    const NAME: &'static str = "update_record";

    fn affects(&mut self, context: &Context) -> Affected {
        let own = Affected::records(self.model, [self.id]);
        match self.side_model(context) {
            Some(side) => own.and(Affected::any(side)),
            None => own,
        }
    }

    async fn run(mut self, conn: &mut Connection, context: &Context) -> Result<StoredAnswer, ServiceError> {
        let model = self.model;
        let actor = access::actor(&self.principal);
        let side = self.side_model(context);
        let wanted: Vec<&'static Model> = std::iter::once(model).chain(side).collect();
        let mut clocks = clock::lock(conn, &wanted).await?;
        let at = instant(context, &clocks);
        let before = item::find_for_update(conn, model, self.id).await?.ok_or_else(not_found)?;
        self.keep_owner();
        access::may_update(model, &self.principal, &before, &self.draft)?;
        let held = self.conditions.check_write(Some(&outcome::entity_tag(&before)));
        held.map_err(|refusal| refused(&refusal, "record"))?;
        if before.deleted_at.is_some() {
            return Err(Problem::new(&problems::RECORD_DELETED).into());
        }
        let whole = overlay(model, &before, &self.draft);
        self.check(conn, context, &before, &whole).await?;
        herd_rules::check_changed(conn, model, &before, &whole, actor.is_administrator).await?;

        if let Some(side) = side {
            let Some((_, clock)) = clocks.iter_mut().find(|(locked, _)| locked.name == side.name) else {
                return Err(missing_clock(side));
            };
            let changes =
                herd_rules::close_cases(conn, side, clock, at, before.id, whole.value(model, "status"))
                    .await?;
            if !changes.is_empty() {
                record_changes(conn, context, side, clock, &actor, at, &changes).await?;
            }
        }
        let Some((_, clock)) = clocks.iter_mut().find(|(locked, _)| locked.name == model.name) else {
            return Err(missing_clock(model));
        };
        clock.version += 1;
        let after = write::update(conn, model, self.id, clock.version, at, self.draft).await?;
        let change = Change { model, kind: ChangeKind::Updated, before: Some(before), after };
        record_changes(conn, context, model, clock, &actor, at, std::slice::from_ref(&change)).await?;
        Ok(outcome::record(200, model, &change.after, self.prefer))
    }
}

impl Update {
    /// An owner that is left out stays: nobody loses a record by replacing it.
    fn keep_owner(&mut self) {
        let owner = self.model.access.owner;
        for (field, value) in self.model.fields.iter().zip(&mut self.draft.values) {
            if owner == Some(field.name) && *value == Some(Value::Null) {
                *value = None;
            }
        }
    }

    /// The other model that the change may reach: an animal that leaves the herd closes its open cases (C-D11).
    fn side_model(&self, context: &Context) -> Option<&'static Model> {
        let leaves =
            matches!(self.draft.value(self.model, "status"), Some(Value::Text(status)) if status != "alive");
        if self.model.rules == Rules::Animal && leaves {
            context.registry.model("animal_disease")
        } else {
            None
        }
    }

    async fn check(
        &self,
        conn: &mut Connection,
        context: &Context,
        before: &Record,
        whole: &Draft,
    ) -> Result<(), ServiceError> {
        let changed = |name: &str| {
            self.draft
                .value(self.model, name)
                .is_some_and(|value| before.value(self.model, name) != Some(value))
        };
        let mut pointed = self.draft.clone();
        for (field, value) in self.model.fields.iter().zip(&mut pointed.values) {
            // The animal of a case or treatment is held in any case: its dates are checked against the animal's.
            let held =
                field.name == "animal_id" && matches!(self.model.rules, Rules::Case | Rules::Treatment);
            if held {
                *value = whole.value(self.model, field.name).cloned();
            } else if !changed(field.name) {
                *value = None;
            }
        }
        let candidate = |draft| [Candidate { id: self.id, pointer: String::new(), draft }];
        let faults = checks::references(conn, &context.registry, self.model, &candidate(&pointed)).await?;
        if !faults.is_empty() {
            return Err(validation(faults));
        }
        checks::uniqueness(conn, self.model, &candidate(whole), changed).await
    }
}

/// The record as it would stand after the change.
fn overlay(model: &Model, before: &Record, draft: &Draft) -> Draft {
    let values = model
        .fields
        .iter()
        .zip(&draft.values)
        .map(|(field, said)| said.clone().or_else(|| before.value(model, field.name).cloned()))
        .collect();
    Draft { id: Some(before.id), mutation_id: draft.mutation_id.clone(), values }
}
