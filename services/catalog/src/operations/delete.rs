//! Deleting a record, which leaves a tombstone (C-D2), and bringing it back (X-B7).

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
use crate::model::Model;
use crate::problems;
use crate::store::{clock, item, references, write};

/// Deletes one record.
pub(crate) struct Delete {
    /// Its model.
    pub(crate) model: &'static Model,
    /// Its id.
    pub(crate) id: Uuid,
    /// The client's mark.
    pub(crate) mutation_id: Option<String>,
    /// `If-Match`, which must be given and hold (X-B6).
    pub(crate) conditions: Conditions,
    /// Who deletes it.
    pub(crate) principal: Principal,
}

impl Operation for Delete {
    const NAME: &'static str = "delete_record";

    fn affects(&mut self, _: &Context) -> Affected {
        Affected::records(self.model, [self.id])
    }

    async fn run(self, conn: &mut Connection, context: &Context) -> Result<StoredAnswer, ServiceError> {
        let model = self.model;
        let mut clocks = clock::lock(conn, &[model]).await?;
        let at = instant(context, &clocks);
        let Some((_, clock)) = clocks.first_mut() else { return Err(missing_clock(model)) };
        let before = item::find_for_update(conn, model, self.id)
            .await?
            .filter(|record| record.deleted_at.is_none())
            .ok_or_else(not_found)?;
        access::may_delete(model, &self.principal, &before)?;
        let held = self.conditions.check_write(Some(&outcome::entity_tag(&before)));
        held.map_err(|refusal| refused(&refusal, "record"))?;
        if let Some((other, field)) =
            references::first_reference(conn, &context.registry, model, self.id).await?
        {
            return Err(Problem::new(&problems::STILL_REFERENCED)
                .detail(format!("a record under /v1/{} refers to it by {}", other.path, field.name))
                .into());
        }
        clock.version += 1;
        let after =
            write::set_deleted(conn, model, self.id, clock.version, at, true, self.mutation_id).await?;
        let change = Change { model, kind: ChangeKind::Deleted, before: Some(before), after };
        record_changes(
            conn,
            context,
            model,
            clock,
            &access::actor(&self.principal),
            at,
            std::slice::from_ref(&change),
        )
        .await?;
        let body = format!("{{\"deleted_id\":\"{}\",\"version\":{}}}", self.id, change.after.version);
        Ok(outcome::json(200, Vec::new(), body))
    }
}

/// Brings a deleted record back.
pub(crate) struct Undelete {
    /// Its model.
    pub(crate) model: &'static Model,
    /// Its id.
    pub(crate) id: Uuid,
    /// The client's mark.
    pub(crate) mutation_id: Option<String>,
    /// Who brings it back.
    pub(crate) principal: Principal,
}

impl Operation for Undelete {
    const NAME: &'static str = "undelete_record";

    fn affects(&mut self, _: &Context) -> Affected {
        Affected::records(self.model, [self.id])
    }

    async fn run(self, conn: &mut Connection, context: &Context) -> Result<StoredAnswer, ServiceError> {
        let model = self.model;
        let mut clocks = clock::lock(conn, &[model]).await?;
        let at = instant(context, &clocks);
        let Some((_, clock)) = clocks.first_mut() else { return Err(missing_clock(model)) };
        let before = item::find_for_update(conn, model, self.id).await?.ok_or_else(not_found)?;
        if before.deleted_at.is_none() {
            return Err(Problem::new(&problems::NOT_DELETED).into());
        }
        let draft = as_draft(model, &before);
        let candidates = [Candidate { id: self.id, pointer: String::new(), draft: &draft }];
        let faults = checks::references(conn, &context.registry, model, &candidates).await?;
        if !faults.is_empty() {
            return Err(validation(faults));
        }
        checks::uniqueness(conn, model, &candidates, |_| true).await?;
        herd_rules::check_new(conn, model, &candidates).await?;
        clock.version += 1;
        let after =
            write::set_deleted(conn, model, self.id, clock.version, at, false, self.mutation_id).await?;
        let change = Change { model, kind: ChangeKind::Restored, before: Some(before), after };
        record_changes(
            conn,
            context,
            model,
            clock,
            &access::actor(&self.principal),
            at,
            std::slice::from_ref(&change),
        )
        .await?;
        Ok(outcome::record(200, model, &change.after, Return::Representation))
    }
}

fn as_draft(model: &Model, record: &Record) -> Draft {
    let values = model.fields.iter().map(|field| record.value(model, field.name).cloned()).collect();
    Draft { id: Some(record.id), mutation_id: None, values }
}
