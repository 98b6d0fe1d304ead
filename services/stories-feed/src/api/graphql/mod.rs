//! `GET`, `HEAD` and `POST /graphql`: the same stories as over REST, from the same copies and by the same decisions (S-A16, S-D11). What
//! GraphQL over HTTP demands is seen to by `graphql-http`; here are the schema, where its values come from, and who may keep an answer.

mod answer;
mod asker;
mod errors;
mod feed;
mod gyms;
mod loads;
mod query;
mod schema;
mod story;
mod types;

use actix_web::web::{self, Data, ServiceConfig};

use crate::state::AppState;

/// Registers `/graphql`, for all methods: those it does not know are answered in its own words.
pub(crate) fn configure(app: &mut ServiceConfig, state: &AppState) {
    let endpoint = Data::new(schema::endpoint(&state.config.api));
    app.service(web::resource("/graphql").app_data(endpoint).to(query::ask_graphql));
}
