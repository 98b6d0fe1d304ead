//! The work on one package in a transaction: its row is locked, a pure decision is taken, and what happened is appended to its chain of
//! custody, told to the outbox and saved, all at once.

use chrono::{DateTime, Utc};
use event_bus::OutboxMessage;
use pg_pool::Connection;
use problem::{Problem, registry};
use serde_json::{Value as Json, json};
use service_error::{ServiceError, forbidden, not_found};
use uuid::Uuid;

use crate::cache::standing::Standing;
use crate::domain::custody::{ActorRole, EventDraft, Head, link};
use crate::domain::person::Role;
use crate::domain::status::{Action, Facts, Refusal, Status, next};
use crate::events::published::{Link, package_changed};
use crate::problems::{BALANCE_DUE, STEP_REFUSED};
use crate::state::AppState;
use crate::store::custody::{self, FileRow};
use crate::store::packages::{self, PackageRow};
use crate::uploads::Asset;

/// Who does something to a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Actor {
    /// Who; nobody where the clock does it.
    pub(crate) id: Option<Uuid>,
    /// As what.
    pub(crate) role: Role,
}

impl Actor {
    /// The service itself: it may what an operator may.
    pub(crate) const SYSTEM: Self = Self { id: None, role: Role::Operator };

    /// Somebody who asks.
    pub(crate) fn of(standing: &Standing) -> Self {
        Self { id: Some(standing.user_id), role: standing.role }
    }

    /// As what, in the chain of custody.
    ///
    /// # Errors
    /// `forbidden` for an auditor, who changes nothing.
    pub(crate) fn in_custody(&self) -> Result<ActorRole, ServiceError> {
        if self.id.is_none() {
            return Ok(ActorRole::System);
        }
        ActorRole::of(self.role).ok_or_else(|| forbidden("auditors change nothing"))
    }
}

/// A file to be added to a package.
#[derive(Clone, Debug)]
pub(crate) struct NewFile {
    /// Name of what it is: photo, document, receipt or signature.
    pub(crate) kind: &'static str,
    /// What upload-ingest said of it.
    pub(crate) asset: Asset,
}

/// A locked package in a transaction, and who works on it.
pub(crate) struct Scene {
    /// What handlers share.
    pub(crate) state: AppState,
    /// As it is, and as it will be saved.
    pub(crate) package: PackageRow,
    /// Where it stood when it was locked; nowhere where it is new.
    pub(crate) before: Option<Status>,
    /// Who does it.
    pub(crate) actor: Actor,
    /// When.
    pub(crate) now: DateTime<Utc>,
    messages: Vec<OutboxMessage>,
}

impl Scene {
    /// Locks a package. Its version is already the one that it will have.
    ///
    /// # Errors
    /// `not_found`, and of the database.
    pub(crate) async fn enter(
        conn: &mut Connection,
        state: AppState,
        package_id: Uuid,
        actor: Actor,
    ) -> Result<Self, ServiceError> {
        let mut package = packages::lock(conn, package_id).await?.ok_or_else(not_found)?;
        package.version += 1;
        let before = Some(package.status()?);
        let now = state.context.now();
        Ok(Self { state, package, before, actor, now, messages: Vec::new() })
    }

    /// Begins with a package that is new. It is inserted as it is given; what is recorded then belongs to it.
    ///
    /// # Errors
    /// Of the database.
    pub(crate) async fn begin(
        conn: &mut Connection,
        state: AppState,
        package: PackageRow,
        actor: Actor,
        now: DateTime<Utc>,
    ) -> Result<Self, ServiceError> {
        packages::insert(conn, &package).await?;
        Ok(Self { state, package, before: None, actor, now, messages: Vec::new() })
    }

    /// Where the package stands.
    ///
    /// # Errors
    /// For a name that is not known here.
    pub(crate) fn status(&self) -> Result<Status, ServiceError> {
        Ok(self.package.status()?)
    }

    /// Takes a step: decides by what is known ([`next`]), sets the status, and records it under the name of the step.
    ///
    /// # Errors
    /// `step_refused`, `balance_due`, `forbidden`, and of the database.
    pub(crate) async fn step(
        &mut self,
        conn: &mut Connection,
        action: Action,
        facts: &Facts,
        data: Json,
        files: Vec<NewFile>,
    ) -> Result<(), ServiceError> {
        let from = self.before;
        let to = next(from, action, facts).map_err(|refusal| refused(&refusal, facts))?;
        self.package.status = to.as_str().to_owned();
        self.record(conn, action.as_str(), data, files).await?;
        self.before = Some(to);
        self.state.metrics.stepped(action);
        Ok(())
    }

    /// Appends to the chain of custody what happened, with its files; the status is that of the package now.
    ///
    /// # Errors
    /// Of the database, and `internal` for data that the chain cannot hold, which no test would pass.
    pub(crate) async fn record(
        &mut self,
        conn: &mut Connection,
        kind: &'static str,
        data: Json,
        files: Vec<NewFile>,
    ) -> Result<(), ServiceError> {
        let to = self.package.status()?;
        let draft = EventDraft {
            kind: kind.to_owned(),
            from: self.before,
            to,
            actor_id: self.actor.id,
            actor_role: self.actor.in_custody()?,
            at: self.now.timestamp_micros(),
            data,
            digests: files.iter().map(|file| file.asset.sha256).collect(),
        };
        let event = link(&self.head()?, draft)
            .map_err(|error| ServiceError::from(Problem::new(&registry::INTERNAL).cause(error)))?;
        custody::append(conn, &event).await?;
        self.package.event_count = event.seq;
        self.package.head_hash = Some(event.hash.to_vec());
        let rows: Vec<FileRow> = files.into_iter().map(|file| self.file_row(file, event.seq)).collect();
        custody::add_files(conn, &rows).await?;
        let link = Link { kind, from: self.before, to, hash: event.hash, at: self.now };
        self.messages.push(package_changed(self.state.context.new_id(), &self.package, &link));
        Ok(())
    }

    fn head(&self) -> Result<Head, ServiceError> {
        let genesis = Head::genesis(self.package.id);
        Ok(match &self.package.head_hash {
            None => genesis,
            Some(bytes) => {
                Head { seq: self.package.event_count, hash: custody::hash(bytes.clone())?, ..genesis }
            }
        })
    }

    fn file_row(&self, file: NewFile, event_seq: i32) -> FileRow {
        FileRow {
            id: self.state.context.new_id(),
            package_id: self.package.id,
            kind: file.kind.to_owned(),
            asset_id: file.asset.id,
            sha256: file.asset.sha256.to_vec(),
            content_type: file.asset.content_type,
            size_bytes: file.asset.size_bytes,
            url: file.asset.url,
            event_seq,
            retain_until: None,
            created_at: self.now,
        }
    }

    /// Saves the package as it is now, one version on, and hands its events to the outbox. To be done once, at the end.
    ///
    /// # Errors
    /// Of the database.
    pub(crate) async fn leave(self, conn: &mut Connection) -> Result<PackageRow, ServiceError> {
        let Self { mut package, now, messages, .. } = self;
        package.updated_at = now;
        packages::save(conn, &package).await?;
        event_bus::enqueue(conn, &messages).await?;
        Ok(package)
    }
}

/// The problem of a step that was not taken.
pub(crate) fn refused(refusal: &Refusal, facts: &Facts) -> ServiceError {
    if refusal.is_forbidden() {
        return forbidden(&refusal.text);
    }
    let missing: Vec<Json> = refusal.missing.iter().map(|part| json!(part.as_str())).collect();
    let allowed: Vec<Json> = refusal.allowed.iter().map(|action| json!(action.as_str())).collect();
    let is_balance = refusal.code() == "balance_due";
    let kind = if is_balance { &BALANCE_DUE } else { &STEP_REFUSED };
    let mut problem =
        Problem::new(kind).detail(refusal.text.clone()).member("missing", missing).member("allowed", allowed);
    if is_balance {
        problem = problem.member("due_minor", facts.balance_due_minor);
    }
    problem.into()
}
