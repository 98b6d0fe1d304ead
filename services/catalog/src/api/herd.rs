//! What follows from the records of an animal: pedigree, inbreeding, withdrawal (C-D11). Derived, never stored.

use actix_web::{HttpRequest, HttpResponse};
use chrono::NaiveDate;
use pg_pool::Connection;
use problem::{Problem, registry};
use request_parts::refuse_parameter;
use serde_json::json;
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use super::{includes, incoming, representation};
use crate::cache::audience::Audience;
use crate::cache::groups;
use crate::cache::lookup::{self, Lookup};
use crate::cache::representation::Representation;
use crate::domain::access;
use crate::domain::inbreeding;
use crate::domain::pedigree::Pedigree;
use crate::domain::withdrawal::{GivenRemedy, withdrawal_until};
use crate::model::Model;
use crate::state::AppState;
use crate::store::{herd, item};

/// Generations shown when nothing is said.
const DEFAULT_GENERATIONS: u32 = 5;

/// `GET /v1/animals/{id}/pedigree?generations=`: the known ancestors and Wright's coefficient of inbreeding.
pub(crate) async fn get_pedigree(
    model: &'static Model,
    state: &AppState,
    request: &HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let (id, audience) = authorised(model, state, request)?;
    let generations = generations(request)?;
    let conditions = request_parts::conditions(request)?;
    // Any animal may turn out to be an ancestor.
    let lookup = Lookup {
        model,
        target: format!("{}/{id}/pedigree?generations={generations}", model.path),
        audience,
        groups: groups::of_collection(model)?,
        until: None,
    };
    let load = async |conn: &mut Connection| load_pedigree(conn, id, generations).await;
    let shown = state.context.records.answer(&lookup, load).await?;
    representation::respond(&lookup, &shown, &conditions, state.context.records.now())
}

async fn load_pedigree(
    conn: &mut Connection,
    id: Uuid,
    generations: u32,
) -> Result<Representation, ServiceError> {
    let known = herd::ancestors(conn, vec![id], i64::from(generations)).await?;
    if known.is_empty() {
        return Err(not_found());
    }
    let mut pedigree = Pedigree::default();
    for (animal, father, mother) in &known {
        pedigree.insert(*animal, *father, *mother);
    }
    let coefficient = inbreeding::coefficient(id, &pedigree, generations)
        .map_err(|error| Problem::new(&registry::INTERNAL).cause(error))?;
    let parents = |animal: Uuid| pedigree.parents(animal);
    let ancestors: Vec<_> = pedigree
        .ancestors(id, generations)
        .into_iter()
        .map(|(ancestor, generation)| json!({"id": ancestor, "generation": generation, "father_id": parents(ancestor).father, "mother_id": parents(ancestor).mother}))
        .collect();
    let body = json!({
        "id": id,
        "father_id": parents(id).father,
        "mother_id": parents(id).mother,
        "generations": generations,
        "inbreeding_coefficient": coefficient,
        "ancestors": ancestors,
    });
    Ok(Representation::of_content(body.to_string()))
}

/// `GET /v1/animals/{id}/withdrawal`: until when nothing of the animal may be sold, and because of what.
pub(crate) async fn get_withdrawal(
    model: &'static Model,
    state: &AppState,
    request: &HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let (id, audience) = authorised(model, state, request)?;
    incoming::no_parameters(request)?;
    let conditions = request_parts::conditions(request)?;
    let others = includes::resolve(&state.context.registry, &["treatment", "medication"]);
    let now = state.context.records.now();
    let lookup = Lookup {
        model,
        target: format!("{}/{id}/withdrawal", model.path),
        audience,
        groups: groups::with_shown(&groups::of_record(model, id)?, &others)?,
        // It is read as an answer for today, and kept for no other day.
        until: lookup::next_midnight(now),
    };
    let load = async |conn: &mut Connection| load_withdrawal(conn, model, id).await;
    let shown = state.context.records.answer(&lookup, load).await?;
    representation::respond(&lookup, &shown, &conditions, now)
}

async fn load_withdrawal(
    conn: &mut Connection,
    model: &'static Model,
    id: Uuid,
) -> Result<Representation, ServiceError> {
    item::find(conn, model, id).await?.ok_or_else(not_found)?;
    let treatments = herd::treatments(conn, id).await?;
    let until: Option<NaiveDate> = withdrawal_until(
        treatments
            .iter()
            .map(|given| GivenRemedy { given_on: given.given_on, withdrawal_days: given.withdrawal_days }),
    );
    let treatments: Vec<_> = treatments
        .iter()
        .map(|given| json!({"treatment_id": given.id, "medication": given.medication, "given_on": given.given_on, "withdrawal_days": given.withdrawal_days}))
        .collect();
    let body = json!({"animal_id": id, "withdrawal_until": until, "treatments": treatments});
    Ok(Representation::of_content(body.to_string()))
}

fn authorised(
    model: &'static Model,
    state: &AppState,
    request: &HttpRequest,
) -> Result<(Uuid, Audience), ServiceError> {
    let principal = incoming::principal(request, state);
    access::may_read_all(model, principal.as_ref())?;
    Ok((request_parts::path_id(request, "id")?, Audience::of([model], false, principal.as_ref())))
}

fn generations(request: &HttpRequest) -> Result<u32, ServiceError> {
    let mut generations = DEFAULT_GENERATIONS;
    for (name, value) in http_server::query_pairs(request)? {
        match (name.as_str(), value.parse::<u32>()) {
            ("generations", Ok(number)) if (1..=inbreeding::MAX_GENERATIONS).contains(&number) => {
                generations = number
            }
            ("generations", _) => {
                return Err(Problem::new(&registry::INVALID_PARAMETER)
                    .field(
                        "?generations",
                        "out_of_range",
                        format!("must be from 1 to {}", inbreeding::MAX_GENERATIONS),
                    )
                    .into());
            }
            _ => {
                return Err(refuse_parameter(&name, "unknown_parameter", "no such parameter here"));
            }
        }
    }
    Ok(generations)
}
