//! `GET` and `HEAD /v1/gyms/{gym}/highlights?owner_id=`: the highlights of one member, the caller's own without `owner_id`; each with
//! its first story and how many there are, of those that the caller may see.

use std::collections::HashMap;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use request_parts::{Asked, ListRules};
use serde::Serialize;
use service_error::ServiceError;
use uuid::Uuid;

use super::access::sight;
use super::view::HighlightView;
use crate::api::incoming;
use crate::api::kept_story::KeptStory;
use crate::state::AppState;
use crate::store::highlights::{self, HighlightRow};

/// A highlight in a list.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    highlight: HighlightView,
    item_count: i64,
    cover: Option<KeptStory>,
}

/// Six statements, whatever there is; the oldest first.
pub(super) async fn list_highlights(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let gym_id = request_parts::path_id(&request, "gym")?;
    let asked = ListRules::new(&["owner_id"]).read(&request)?;
    let owner_id = owner(&asked)?.unwrap_or(caller.id);
    let scope = format!("highlights\n{gym_id}\n{owner_id}\n{}", caller.id);
    let after = asked.after(&state.cursors, &scope)?;
    let mut conn = state.stories.read().await?;
    let audiences = sight(&mut conn, &caller, gym_id, owner_id).await?;
    // Owners see those in which there is nothing (yet), too.
    let with_any_of = (owner_id != caller.id).then_some(audiences.as_slice());
    let rows = highlights::page(&mut conn, (gym_id, owner_id), with_any_of, after, asked.rows()).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let counts: HashMap<Uuid, i64> =
        highlights::counts(&mut conn, &ids, &audiences).await?.into_iter().collect();
    let mut covers = HashMap::new();
    for (id, story, media) in highlights::covers(&mut conn, &ids, &audiences).await? {
        covers.insert(id, (story, media));
    }
    drop(conn);
    let now = state.context.now();
    let listed = |row: HighlightRow| {
        let cover = covers.get(&row.id).cloned().map(|(story, media)| KeptStory::of(story, media, now));
        let item_count = counts.get(&row.id).copied().unwrap_or_default();
        Ok(Listed { highlight: HighlightView::from(row), item_count, cover: cover.transpose()? })
    };
    Ok(request_parts::answer_private(&asked.page(&state.cursors, &scope, rows, |row| row.id, listed)?))
}

fn owner(asked: &Asked) -> Result<Option<Uuid>, ServiceError> {
    let Some(text) = asked.filter("owner_id") else { return Ok(None) };
    let id = Uuid::parse_str(text);
    id.map(Some)
        .map_err(|_| request_parts::refuse_parameter("owner_id", "not_an_id", "must be the id of a person"))
}
