//! `catalog create-user`: makes a user without a token, which is how the first administrator comes to be.

use pg_pool::now;
use serde_json::Value as Json;

use crate::app::command_context;
use crate::config::Config;
use crate::domain::change::Actor;
use crate::domain::credential;
use crate::domain::draft::{Draft, Mode};
use crate::domain::value::Value;
use crate::operations::create::{Create, Shape};
use crate::operations::outcome::Return;
use crate::operations::perform;

/// Makes a user of these members, checked as `POST /v1/users` checks them, and returns the user as JSON.
///
/// # Errors
/// Every fault of the members with its pointer; those of the settings, the database and the cache.
pub async fn create_user(config: &Config, members: &Json) -> anyhow::Result<Json> {
    let context = command_context(config).await?;
    let model = context.registry.model("user").ok_or_else(|| anyhow::anyhow!("no model user"))?;
    let mut draft = Draft::read(model, members, Mode::Create, now().date_naive(), "").map_err(|faults| {
        let lines: Vec<String> =
            faults.iter().map(|fault| format!("{}: {}", fault.pointer, fault.message)).collect();
        anyhow::anyhow!("the user is not valid:\n{}", lines.join("\n"))
    })?;
    if let Some(Value::Text(plain)) = draft.value(model, "password").cloned() {
        draft.set(
            model,
            "password",
            Value::Text(credential::hash_password(&plain, config.auth.password.params())?),
        );
    }
    let create = Create {
        model,
        drafts: vec![draft],
        pointer: "",
        validate_only: false,
        actor: Actor { subject: "command line".to_owned(), user_id: None, is_administrator: true },
        shape: Shape::Single,
        prefer: Return::Representation,
        ids: Vec::new(),
    };
    let performed =
        perform(&context, None, create).await.map_err(|error| anyhow::anyhow!("{}", error.explain()))?;
    Ok(serde_json::from_slice(&performed.answer.body)?)
}
