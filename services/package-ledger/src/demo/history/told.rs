//! What customers were told. Of packages that were fetched long ago the messages are left out; of those on the shelf, and of those
//! that were abandoned, they are there: they are what the desk goes by.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::Life;
use crate::demo::plan::Ending;
use crate::domain::deadlines::{Deadline, Effect};
use crate::domain::money::Money;
use crate::messages::content::{Content, Cost};
use crate::store::bulk::Table;

impl Life<'_> {
    fn keeps_messages(&self) -> bool {
        self.plan.is_on_shelf() || matches!(self.plan.end, Some((Ending::Abandoned, _)))
    }

    /// The word that it can be fetched, a moment ago; its id where it is kept.
    ///
    /// # Errors
    /// Of the tariff.
    pub(super) fn tell_ready(&mut self, at: DateTime<Utc>) -> anyhow::Result<Option<Uuid>> {
        let written_at = self.plan.stored_at.unwrap_or(at);
        let id = self.tell(written_at, at, "sms", "ready")?;
        self.tell(written_at, at, "email", "ready")?;
        Ok(id)
    }

    /// What a deadline has the customer told.
    ///
    /// # Errors
    /// Of the tariff.
    pub(super) fn tell_deadline(&mut self, at: DateTime<Utc>, deadline: &Deadline) -> anyhow::Result<()> {
        for effect in deadline.kind.effects() {
            if let Effect::NotifyCustomer { template } = effect {
                self.tell(at, at + TimeDelta::seconds(3), "sms", template)?;
            }
        }
        Ok(())
    }

    fn tell(
        &mut self,
        written_at: DateTime<Utc>,
        sent_at: DateTime<Utc>,
        channel: &str,
        template: &str,
    ) -> anyhow::Result<Option<Uuid>> {
        let Some(customer) = self.customer.filter(|_| self.keeps_messages()) else { return Ok(None) };
        let recipient =
            if channel == "email" { customer.email.as_deref() } else { Some(customer.phone.as_str()) };
        let Some(recipient) = recipient else { return Ok(None) };
        let content = serde_json::to_string(&self.content(&customer.name, written_at)?)?;
        self.sms += i32::from(channel == "sms");
        let id = self.chance.id(written_at);
        self.notification(id, channel, template, recipient, &content, None, [written_at, sent_at]);
        Ok(Some(id))
    }

    /// A call that somebody at the desk made.
    pub(super) fn log_call(&mut self, at: DateTime<Utc>, note: &str) {
        let Some(customer) = self.customer else { return };
        self.calls += 1;
        let id = self.chance.id(at);
        let note: Json = json!({"note": note});
        let operator = Some(self.scenery.cast.operator);
        self.notification(id, "call", "call", &customer.phone, &note.to_string(), operator, [at, at]);
    }

    #[expect(clippy::too_many_arguments, reason = "the columns that differ")]
    fn notification(
        &mut self,
        id: Uuid,
        channel: &str,
        template: &str,
        recipient: &str,
        data: &str,
        created_by: Option<Uuid>,
        [written_at, sent_at]: [DateTime<Utc>; 2],
    ) {
        let language = self.customer.map_or("es", |customer| customer.language);
        self.batch
            .row(Table::Notification)
            .id(id)
            .id(self.package.id)
            .maybe_id(self.package.customer_id)
            .text(channel)
            .text(template)
            .text(language)
            .text(recipient)
            .json(data)
            .text("delivered")
            .integer(1)
            .maybe_id(created_by)
            .at(written_at)
            .at(sent_at)
            .at(sent_at);
    }

    fn content(&self, name: &str, at: DateTime<Utc>) -> anyhow::Result<Content> {
        let fee = self.fee(at)?;
        let paid = Money::zero(fee.total.currency);
        let next = match fee.next_change_at {
            Some(then) => Some((then, self.fee(then)?.total)),
            None => None,
        };
        Ok(Content {
            name: name.to_owned(),
            tracking_no: self.package.tracking_no.clone(),
            carrier: self.package.carrier.clone(),
            guide_number: self.package.guide_number.clone(),
            at,
            fee: Some(Cost { base: fee.base, total: fee.total, paid, due: fee.total, next }),
            free_until: self.package.free_until,
            hold_until: self.package.hold_until,
        })
    }
}
