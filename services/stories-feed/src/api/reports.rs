//! `POST /v1/stories/{id}/reports`: a member tells the gym's moderators of a story, once.

use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use idempotency::StoredAnswer;
use pg_pool::Connection;
use problem::{Problem, registry};
use request_parts::answer;
use serde::{Deserialize, Serialize};
use service_error::{ServiceError, invalid};
use uuid::Uuid;

use super::incoming;
use super::perform::{Change, perform};
use super::stories::access::seen;
use crate::domain::draft::{self, Faults};
use crate::domain::people::Caller;
use crate::domain::report::Reason;
use crate::problems;
use crate::state::AppState;
use crate::store::reports::{self, NewReport};

/// Longest text of a report, in characters; the database has the same bound.
const MAX_MESSAGE_CHARS: usize = 500;

/// Registers it.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(web::resource("/v1/stories/{id}/reports").route(web::post().to(report_story)));
}

/// A report as the client sends it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Report {
    /// Why.
    reason: Reason,
    /// In the reporter's words.
    #[serde(default)]
    message: Option<String>,
}

/// A report as it stands.
#[derive(Debug, Serialize)]
struct ReportView<'a> {
    story_id: Uuid,
    reason: &'static str,
    message: Option<&'a str>,
    created_at: DateTime<Utc>,
}

struct Reporting {
    state: AppState,
    caller: Caller,
    story_id: Uuid,
    report: Report,
}

/// Answers `201` with the report. Moderators' lists are made anew each time: no copy shows it.
async fn report_story(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let story_id = request_parts::path_id(&request, "id")?;
    request_parts::no_parameters(&request)?;
    let (report, bytes) = request_parts::read_json::<Report>(&request, payload).await?;
    let report = report.checked()?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, caller.id, &bytes)?;
    let change = Change { name: "report_story", affected: None, gyms: Vec::new(), keyed };
    let reporting = Reporting { state: state.as_ref().clone(), caller, story_id, report };
    perform(&state, change, async move |conn| reporting.run(conn).await).await
}

impl Report {
    fn checked(mut self) -> Result<Self, ServiceError> {
        let mut faults = Faults::new();
        self.message =
            self.message.and_then(|text| draft::message("/message", &text, MAX_MESSAGE_CHARS, &mut faults));
        if faults.is_empty() {
            Ok(self)
        } else {
            Err(Problem::new(&registry::VALIDATION_FAILED).errors(faults).into())
        }
    }
}

impl Reporting {
    async fn run(self, conn: &mut Connection) -> Result<StoredAnswer, ServiceError> {
        let now = self.state.context.now();
        let sight = seen(conn, self.story_id, &self.caller, now).await?;
        if sight.relation.is_self {
            return Err(invalid("", "own_story", "nobody reports their own story: delete it"));
        }
        let new = NewReport {
            story_id: self.story_id,
            reporter_id: self.caller.id,
            gym_id: sight.story.gym_id,
            reason: self.report.reason.as_str(),
            message: self.report.message.as_deref(),
            created_at: now,
        };
        if !reports::insert(conn, &new).await? {
            return Err(Problem::new(&problems::ALREADY_REPORTED).into());
        }
        let view =
            ReportView { story_id: new.story_id, reason: new.reason, message: new.message, created_at: now };
        answer(201, &view, None)
    }
}
