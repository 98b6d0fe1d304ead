//! Giving a user a new password.

use idempotency::StoredAnswer;
use pg_pool::Connection;
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use super::create::missing_clock;
use super::{Context, Operation, instant, record_changes};
use crate::cache::groups::Affected;
use crate::domain::change::{Actor, Change, ChangeKind};
use crate::domain::draft::Draft;
use crate::domain::value::Value;
use crate::model::Model;
use crate::store::{clock, item, write};

/// Replaces a user's password; whoever may do so was found out before. The user's sessions end by it.
pub(crate) struct SetPassword {
    /// The model of users.
    pub(crate) model: &'static Model,
    /// The user.
    pub(crate) id: Uuid,
    /// Hash of the new password.
    pub(crate) hash: String,
    /// Who changes it.
    pub(crate) actor: Actor,
}

impl Operation for SetPassword {
    const NAME: &'static str = "set_password";

    // The user has a new version by it.
    fn affects(&mut self, _: &Context) -> Affected {
        Affected::records(self.model, [self.id])
    }

    async fn run(self, conn: &mut Connection, context: &Context) -> Result<StoredAnswer, ServiceError> {
        let model = self.model;
        let mut clocks = clock::lock(conn, &[model]).await?;
        let at = instant(context, &clocks);
        let Some((_, clock)) = clocks.first_mut() else { return Err(missing_clock(model)) };
        let before =
            item::find_for_update(conn, model, self.id).await?.filter(|user| user.deleted_at.is_none());
        let before = before.ok_or_else(not_found)?;
        let mut draft = Draft { id: None, mutation_id: None, values: vec![None; model.fields.len()] };
        draft.set(model, "password", Value::Text(self.hash));
        clock.version += 1;
        let after = write::update(conn, model, self.id, clock.version, at, draft).await?;
        let change = Change { model, kind: ChangeKind::Updated, before: Some(before), after };
        record_changes(conn, context, model, clock, &self.actor, at, std::slice::from_ref(&change)).await?;
        Ok(request_parts::no_content())
    }
}
