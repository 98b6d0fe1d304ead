//! The life of a package as rows: what the desk would have written, step by step, with the same functions that decide, price, post and
//! link.

mod money;
mod row;
mod steps;
mod told;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value as Json;
use uuid::Uuid;

use super::batch::Batch;
use super::books::Books;
use super::chance::Chance;
use super::parcels::{Parcel, parcel};
use super::people::Customer;
use super::plan::{Ending, Plan};
use super::slots;
use crate::domain::custody::{ActorRole, EventDraft, Head, link};
use crate::domain::parcel::tracking_no;
use crate::domain::status::Status;
use crate::domain::tariff::Tariff;
use crate::store::bulk::Table;
use crate::store::packages::PackageRow;
use crate::uploads::Asset;

/// Who works at the demo desk, and who fetches.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cast {
    /// Moves parcels.
    pub(super) operator: Uuid,
    /// Decides.
    pub(super) admin: Uuid,
    /// Looks.
    pub(super) auditor: Uuid,
    /// Signs in as the first customer.
    pub(super) customer: Uuid,
}

/// What all lives have in common.
#[derive(Debug)]
pub(super) struct Scenery {
    /// What storage costs.
    pub(super) tariff: Tariff,
    /// Who works here.
    pub(super) cast: Cast,
    /// Photos at upload-ingest: every package shows two of them.
    pub(super) photos: Vec<Asset>,
    /// Whom parcels are for.
    pub(super) customers: Vec<Customer>,
    /// When the demo data end.
    pub(super) end: DateTime<Utc>,
    /// How long files are kept after an end.
    pub(super) kept_for: TimeDelta,
}

/// Writes lives.
#[derive(Debug)]
pub(super) struct Chronicle<'a> {
    /// What they have in common.
    pub(super) scenery: &'a Scenery,
    /// What they cost.
    pub(super) books: Books,
    /// What was written and not taken away yet.
    pub(super) batch: Batch,
}

/// Who does something, and as what.
type Actor = (Option<Uuid>, ActorRole);

const SYSTEM: Actor = (None, ActorRole::System);

/// One life while it is written.
struct Life<'a> {
    scenery: &'a Scenery,
    books: &'a mut Books,
    batch: &'a mut Batch,
    plan: &'a Plan,
    customer: Option<&'a Customer>,
    parcel: Parcel,
    chance: Chance,
    package: PackageRow,
    announcement_id: Option<Uuid>,
    head: Head,
    status: Option<Status>,
    /// For its receipt.
    waiver: Option<Json>,
    /// Messages and calls that reached its customer.
    sms: i32,
    calls: i32,
}

impl<'a> Chronicle<'a> {
    /// With nothing written yet.
    pub(super) fn new(scenery: &'a Scenery) -> Self {
        Self { scenery, books: Books::default(), batch: Batch::default() }
    }

    /// Writes the life of one package.
    ///
    /// # Errors
    /// Where the rules of the desk do not allow it, which no test would pass.
    pub(super) fn write(&mut self, plan: &Plan) -> anyhow::Result<()> {
        let mut life = Life::new(self.scenery, &mut self.books, &mut self.batch, plan);
        for (at, step) in life.steps() {
            life.take(at, &step)?;
        }
        life.end();
        Ok(())
    }
}

impl<'a> Life<'a> {
    fn new(scenery: &'a Scenery, books: &'a mut Books, batch: &'a mut Batch, plan: &'a Plan) -> Self {
        let mut chance = Chance::of("life", plan.number.into());
        let created_at = plan.created_at();
        let id = chance.id(created_at);
        let announcement_id = plan.announced_at.map(|at| chance.id(at));
        let customer = plan.customer.and_then(|place| scenery.customers.get(place));
        let parcel = parcel(plan.number);
        let package = PackageRow {
            carrier: Some(parcel.carrier.to_owned()),
            guide_number: Some(parcel.guide_number.clone()),
            customer_id: customer.map(|customer| customer.id),
            announcement_id,
            announced_at: plan.announced_at,
            received_at: plan.received_at,
            stored_at: plan.stored_at,
            notified_at: plan.notified_at,
            version: 0,
            ..PackageRow::new(id, tracking_no(chance.bytes()), plan.status(), scenery.tariff.id, created_at)
        };
        let head = Head::genesis(id);
        Self {
            scenery,
            books,
            batch,
            plan,
            customer,
            parcel,
            chance,
            package,
            announcement_id,
            head,
            status: None,
            waiver: None,
            sms: 0,
            calls: 0,
        }
    }

    fn operator(&self) -> Actor {
        (Some(self.scenery.cast.operator), ActorRole::Operator)
    }

    fn admin(&self) -> Actor {
        (Some(self.scenery.cast.admin), ActorRole::Admin)
    }

    fn slot_code(&self) -> Option<String> {
        self.plan.slot.map(slots::code)
    }

    /// Appends to the chain of custody.
    fn record(
        &mut self,
        kind: &str,
        to: Status,
        at: DateTime<Utc>,
        (actor_id, actor_role): Actor,
        data: Json,
        digests: Vec<[u8; 32]>,
    ) -> anyhow::Result<()> {
        let draft = EventDraft {
            kind: kind.to_owned(),
            from: self.status,
            to,
            actor_id,
            actor_role,
            at: at.timestamp_micros(),
            data,
            digests,
        };
        let event = link(&self.head, draft)?;
        self.batch
            .row(Table::Event)
            .id(event.package_id)
            .integer(event.seq)
            .text(&event.kind)
            .maybe_text(event.from.map(Status::as_str))
            .text(event.to.as_str())
            .maybe_id(event.actor_id)
            .text(event.actor_role.as_str())
            .at(at)
            .json(&serde_json::to_string(&event.data)?)
            .hashes(&event.digests)
            .binary(&event.prev_hash)
            .binary(&event.hash);
        self.head = event.head();
        self.status = Some(to);
        self.package.version += 1;
        self.package.updated_at = at;
        Ok(())
    }

    /// The package as it is in the end, and what belongs to it.
    fn end(mut self) {
        self.package.event_count = self.head.seq;
        self.package.head_hash = Some(self.head.hash.to_vec());
        if self.plan.is_on_shelf() {
            self.package.slot_id = self.plan.slot.map(slots::id);
        }
        self.announcement();
        self.pickup_code();
        row::package(self.batch, &self.package);
    }

    fn announcement(&mut self) {
        let (Some(id), Some(at), Some(customer)) =
            (self.announcement_id, self.plan.announced_at, self.customer)
        else {
            return;
        };
        let ended = self.plan.end.filter(|(ending, _)| matches!(ending, Ending::Cancelled | Ending::Expired));
        let (status, changed_at) = match (ended, self.plan.received_at) {
            (Some((Ending::Expired, at)), _) => ("expired", Some(at)),
            (Some((_, at)), _) => ("cancelled", Some(at)),
            (None, Some(at)) => ("matched", Some(at)),
            (None, None) => ("pending", None),
        };
        let changes = i64::from(self.plan.received_at.is_some()) + i64::from(ended.is_some());
        self.batch
            .row(Table::Announcement)
            .id(id)
            .id(customer.id)
            .text(&customer.name)
            .text(&customer.phone)
            .text(self.parcel.carrier)
            .text(&self.parcel.guide_number)
            .null()
            .text(&self.package.tracking_no)
            .id(self.scenery.tariff.id)
            .text(status)
            .at(at + TimeDelta::days(super::plan::WAITED_DAYS))
            .id(customer.user_id.unwrap_or(self.scenery.cast.operator))
            .bigint(1 + changes)
            .at(at)
            .at(changed_at.unwrap_or(at));
    }

    fn pickup_code(&mut self) {
        let issued_at = self.plan.stored_at.or(self.plan.announced_at);
        let (Some(customer), Some(issued_at)) = (self.customer, issued_at) else { return };
        let used_at =
            self.plan.end.filter(|(ending, _)| *ending == Ending::Delivered && self.is_fetched_by_code());
        let nonce = self.chance.bytes();
        self.batch
            .row(Table::PickupCode)
            .id(self.package.id)
            .id(customer.id)
            .binary(&nonce)
            .maybe_at(used_at.map(|(_, at)| at))
            .at(issued_at);
    }

    /// Most bring their code, the others their document.
    fn is_fetched_by_code(&self) -> bool {
        !self.plan.number.is_multiple_of(8)
    }
}
