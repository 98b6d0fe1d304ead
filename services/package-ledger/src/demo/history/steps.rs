//! What happens to a package, in the order of time.

use chrono::{DateTime, FixedOffset, Offset as _, TimeDelta, Utc};
use serde_json::json;

use super::{Life, SYSTEM};
use crate::demo::plan::Ending;
use crate::domain::claim::{ClaimKind, answer_due_at, liability};
use crate::domain::deadlines::{Deadline, deadlines};
use crate::domain::status::{Action, Status};
use crate::steps::reception::hold;
use crate::store::bulk::Table;

/// Days after reception on which somebody calls before a package is abandoned.
const CALL_DAYS: [i64; 2] = [31, 40];
/// Where the desk is, in seconds west of Greenwich: Bogotá.
const DESK_WEST_SECS: i32 = 5 * 3_600;

/// Something that happens.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Announce,
    Receive,
    Store,
    Notify,
    Damage,
    Deadline(Deadline),
    Call,
    Waive,
    End(Ending),
}

impl Life<'_> {
    /// All that happens, with its instants.
    pub(super) fn steps(&mut self) -> Vec<(DateTime<Utc>, Step)> {
        let plan = self.plan;
        let mut steps = Vec::with_capacity(8);
        let known = [
            (plan.announced_at, Step::Announce),
            (plan.received_at, Step::Receive),
            (plan.stored_at, Step::Store),
            (plan.notified_at, Step::Notify),
            (plan.damaged_at, Step::Damage),
        ];
        steps.extend(known.into_iter().filter_map(|(at, step)| Some((at?, step))));
        if let Some(received_at) = plan.received_at {
            self.deadlines(received_at, &mut steps);
            if let Some((Ending::Abandoned, _)) = plan.end {
                steps.extend(CALL_DAYS.map(|days| (received_at + TimeDelta::days(days), Step::Call)));
            }
        }
        if let Some((ending, at)) = plan.end {
            if ending == Ending::Delivered && plan.damaged_at.is_none() && plan.number.is_multiple_of(90) {
                steps.push((at - TimeDelta::minutes(2), Step::Waive));
            }
            steps.push((at, Step::End(ending)));
        }
        // Stable: of two at one instant, the one that is usual first stays first.
        steps.sort_by_key(|(at, _)| *at);
        steps
    }

    fn deadlines(&mut self, received_at: DateTime<Utc>, steps: &mut Vec<(DateTime<Utc>, Step)>) {
        let stopped_at = self.plan.damaged_at.or(self.plan.end.map(|(_, at)| at));
        let until = stopped_at.unwrap_or(self.scenery.end);
        for deadline in deadlines(&self.scenery.tariff.policy, received_at, None) {
            let fired_at = deadline.due_at + TimeDelta::milliseconds(i64::from(self.chance.between(20, 900)));
            let fired_at = Some(fired_at).filter(|at| *at < until);
            self.batch
                .row(Table::Deadline)
                .id(self.package.id)
                .text(deadline.kind.as_str())
                .integer(deadline.ordinal)
                .at(deadline.due_at)
                .maybe_at(fired_at)
                .maybe_at(stopped_at.filter(|_| fired_at.is_none()));
            steps.extend(fired_at.map(|at| (at, Step::Deadline(deadline))));
        }
    }

    /// Does what happens.
    ///
    /// # Errors
    /// Where the rules of the desk do not allow it.
    pub(super) fn take(&mut self, at: DateTime<Utc>, step: &Step) -> anyhow::Result<()> {
        match step {
            Step::Announce => self.announce(at),
            Step::Receive => self.receive(at),
            Step::Store => {
                let data = json!({"slot": self.slot_code()});
                self.record(Action::Store.as_str(), Status::Stored, at, self.operator(), data, Vec::new())
            }
            Step::Notify => {
                let notification_id = self.tell_ready(at)?;
                let data = json!({"channel": "sms", "notification_id": notification_id});
                self.record(Action::Notify.as_str(), Status::Notified, at, SYSTEM, data, Vec::new())
            }
            Step::Damage => self.damage(at),
            Step::Deadline(deadline) => self.deadline(at, deadline),
            Step::Call => self.call(at),
            Step::Waive => self.waive(at),
            Step::End(ending) => self.finish(at, *ending),
        }
    }

    fn announce(&mut self, at: DateTime<Utc>) -> anyhow::Result<()> {
        let data = json!({
            "announcement_id": self.announcement_id,
            "customer_id": self.package.customer_id,
            "carrier": self.package.carrier,
            "guide_number": self.package.guide_number,
            "tariff_id": self.package.tariff_id,
        });
        let own = self.customer.and_then(|customer| customer.user_id);
        let actor = own.map_or(self.operator(), |id| (Some(id), crate::domain::custody::ActorRole::Customer));
        self.record(Action::Announce.as_str(), Status::Announced, at, actor, data, Vec::new())
    }

    fn receive(&mut self, at: DateTime<Utc>) -> anyhow::Result<()> {
        let [length, width, height] = self.parcel.dims_mm;
        self.package.size_class = Some(self.parcel.size_class.as_str().to_owned());
        self.package.weight_g = Some(self.parcel.weight_g);
        self.package.length_mm = Some(length);
        self.package.width_mm = Some(width);
        self.package.height_mm = Some(height);
        self.package.condition = Some(self.parcel.condition.to_owned());
        hold(&mut self.package, &self.scenery.tariff);
        let found_by = match self.announcement_id {
            Some(_) => json!("announcement"),
            None => json!({"identified": self.customer.is_some()}),
        };
        let data = json!({
            "carrier": self.package.carrier,
            "guide_number": self.package.guide_number,
            "size_class": self.package.size_class,
            "weight_g": self.parcel.weight_g,
            "dims_mm": self.parcel.dims_mm,
            "condition": self.package.condition,
            "note": null,
            "customer_id": self.package.customer_id,
            "tariff_id": self.package.tariff_id,
            "found_by": found_by,
        });
        let seq = self.head.seq + 1;
        let digests = self.photos(at, seq);
        self.record(Action::Receive.as_str(), Status::Received, at, self.operator(), data, digests)
    }

    /// Two photos of all there are.
    fn photos(&mut self, at: DateTime<Utc>, event_seq: i32) -> Vec<[u8; 32]> {
        let kept_until = self.plan.end.map(|(_, at)| at + self.scenery.kept_for);
        let first = usize::try_from(self.plan.number).unwrap_or_default();
        let shown = self.scenery.photos.iter().cycle().skip(first % self.scenery.photos.len().max(1)).take(2);
        let mut digests = Vec::with_capacity(2);
        for photo in shown {
            digests.push(photo.sha256);
            self.batch
                .row(Table::File)
                .id(self.chance.id(at))
                .id(self.package.id)
                .text("photo")
                .id(photo.id)
                .binary(&photo.sha256)
                .text(&photo.content_type)
                .bigint(photo.size_bytes)
                .text(&photo.url)
                .integer(event_seq)
                .maybe_at(kept_until)
                .at(at);
        }
        digests
    }

    fn damage(&mut self, at: DateTime<Utc>) -> anyhow::Result<()> {
        let description = "fell from the shelf";
        let claim_id = self.claim(at, ClaimKind::Damaged, description)?;
        self.package.stopped_at = Some(at);
        let data = json!({"description": description, "claim_id": claim_id});
        self.record(Action::Damage.as_str(), Status::Damaged, at, self.operator(), data, Vec::new())
    }

    fn claim(&mut self, at: DateTime<Utc>, kind: ClaimKind, description: &str) -> anyhow::Result<String> {
        let id = self.chance.id(at);
        let fee = self.fee(at)?;
        let most = liability(fee.base.checked_add(fee.storage)?)?;
        let is_closed = at + TimeDelta::days(8) < self.scenery.end;
        let closed_at = if is_closed { at + TimeDelta::days(4) } else { at };
        let desk = FixedOffset::west_opt(DESK_WEST_SECS).unwrap_or(Utc.fix());
        self.batch
            .row(Table::Claim)
            .id(id)
            .id(self.package.id)
            .text(kind.as_str())
            .text(if is_closed { "closed" } else { "open" })
            .text(description)
            .maybe_text(is_closed.then_some("We are sorry, and have made up for it."))
            .bigint(most.amount_minor)
            .text(most.currency.as_str())
            .id(self.scenery.cast.operator)
            .at(answer_due_at(at, desk))
            .bigint(if is_closed { 4 } else { 1 })
            .at(at)
            .at(closed_at);
        Ok(id.to_string())
    }

    fn deadline(&mut self, at: DateTime<Utc>, deadline: &Deadline) -> anyhow::Result<()> {
        let data = json!({"kind": deadline.kind, "ordinal": deadline.ordinal, "due_at": deadline.due_at});
        let status = self.status.unwrap_or(Status::Received);
        self.record("deadline", status, at, SYSTEM, data, Vec::new())?;
        self.tell_deadline(at, deadline)
    }

    fn call(&mut self, at: DateTime<Utc>) -> anyhow::Result<()> {
        let note = "nobody answered";
        self.log_call(at, note);
        let data = json!({"channel": "call", "note": note});
        self.record("call", Status::Notified, at, self.operator(), data, Vec::new())
    }

    fn finish(&mut self, at: DateTime<Utc>, ending: Ending) -> anyhow::Result<()> {
        match ending {
            Ending::Delivered => self.deliver(at)?,
            Ending::Returned => self.give_back(at)?,
            Ending::Abandoned => self.abandon(at)?,
            Ending::Cancelled => {
                let data = json!({"reason": "announced by mistake", "refunded_minor": 0});
                self.record(Action::Cancel.as_str(), Status::Cancelled, at, self.admin(), data, Vec::new())?;
            }
            Ending::Expired => {
                let data = json!({"reason": "expired", "announcement_id": self.announcement_id});
                self.record(Action::Cancel.as_str(), Status::Cancelled, at, SYSTEM, data, Vec::new())?;
            }
            Ending::Lost => {
                let description = "not on its shelf, nor on any other";
                let claim_id = self.claim(at, ClaimKind::Lost, description)?;
                let data =
                    json!({"description": description, "slot": self.slot_code(), "claim_id": claim_id});
                self.record(Action::Lose.as_str(), Status::Lost, at, self.operator(), data, Vec::new())?;
            }
        }
        self.package.stopped_at = self.package.stopped_at.or(Some(at));
        self.package.ended_at = Some(at);
        Ok(())
    }
}
