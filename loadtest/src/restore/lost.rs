//! Changes that a backup does not have, with the validators that clients keep of them: none of these may ever be confirmed again.

use anyhow::Context as _;
use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::api::{Api, json};
use crate::report::Report;
use crate::upload::media;

/// A record that is there before the backup, and changed after it.
pub(crate) struct Subject {
    /// What it is, for a report.
    name: &'static str,
    path: String,
    /// What is changed by PATCH.
    field: &'static str,
    /// The validator of the last answer before the backup, and of that after the change.
    tags: Vec<String>,
    /// What is read as well, and changes with it.
    lists: Vec<(String, Vec<String>)>,
}

/// Makes one of each kind, before the backup.
pub(crate) async fn prepare(api: &Api, folder: &std::path::Path) -> anyhow::Result<Vec<Subject>> {
    let species = api.change(Method::POST, "/v1/species", &json!({"name": "before the backup"}), &[]).await?;
    let picture = media::small_picture(folder).await?.bytes;
    let fields = [("content-type", "image/jpeg"), ("idempotency-key", "restore-drill-picture")];
    let uploaded = json(&api.send(Method::PUT, "/v1/images?title=before", &fields, Some(picture)).await?)?;
    let gyms = api.list("/v1/gyms?limit=50").await?;
    let gym = id(gyms.first().context("there is no gym")?)?;
    let story = json!({"type": "text", "caption": "before the backup", "privacy": "public"});
    let story = api
        .change(
            Method::POST,
            &format!("/v1/gyms/{gym}/stories"),
            &story,
            &[("idempotency-key", "restore-drill-story")],
        )
        .await?;
    // A customer is never kept, and so has no validator; packages show who they are for, and have.
    let packages = api.list("/v1/packages?limit=100").await?;
    let customer =
        packages.iter().find_map(|package| package.get("customer").filter(|customer| customer.is_object()));
    let customer = id(customer.context("there is no package of a customer")?)?;
    let theirs = format!("/v1/packages?limit=20&customer_id={customer}");
    let subject = |name, path: String, field, lists: &[&str]| Subject {
        name,
        path,
        field,
        tags: Vec::new(),
        lists: lists.iter().map(|list| ((*list).to_owned(), Vec::new())).collect(),
    };
    let feed = format!("/v1/gyms/{gym}/stories/feed");
    let mut subjects = vec![
        subject("species", format!("/v1/species/{}", id(&species)?), "name", &["/v1/species?limit=20"]),
        subject("asset", format!("/v1/assets/{}", id(&uploaded)?), "title", &["/v1/assets?limit=20"]),
        subject("story", format!("/v1/stories/{}", id(&story)?), "caption", &[&feed]),
        subject("customer", format!("/v1/customers/{customer}"), "name", &[&theirs]),
    ];
    for subject in &mut subjects {
        subject.note(api).await?;
    }
    Ok(subjects)
}

impl Subject {
    /// Changes it to this, and keeps the validators of what is answered then.
    pub(crate) async fn lose(&mut self, api: &Api) -> anyhow::Result<()> {
        self.set(api, "in the time that is lost").await?;
        self.note(api).await
    }

    async fn set(&self, api: &Api, words: &str) -> anyhow::Result<()> {
        let tag = api.get(&self.path).await?.header("etag").to_owned();
        let condition = [("if-match", tag.as_str())];
        // Where validators are weak, changes ask for none.
        let fields: &[(&str, &str)] = if tag.is_empty() || tag.starts_with("W/") { &[] } else { &condition };
        let changed = api.change(Method::PATCH, &self.path, &json!({self.field: words}), fields).await;
        changed.map(drop).with_context(|| format!("the {} cannot be changed", self.name))
    }

    async fn note(&mut self, api: &Api) -> anyhow::Result<()> {
        self.tags.extend(tag(api, &self.path).await?);
        for (path, tags) in &mut self.lists {
            tags.extend(tag(api, path).await?);
        }
        Ok(())
    }

    /// That nothing of the lost time is confirmed: neither now, nor when the record is changed to something else, as often as it was
    /// then.
    pub(crate) async fn judge(&self, api: &Api, report: &mut Report) -> anyhow::Result<()> {
        self.confirms_nothing(api, report, "after the restore").await?;
        self.set(api, "another thing altogether").await?;
        self.confirms_nothing(api, report, "after another change").await?;
        if let Some(lost) = self.tags.last().filter(|lost| !lost.starts_with("W/")) {
            let body = Bytes::from(json!({self.field: "by somebody who saw what is lost"}).to_string());
            let reply = api.send(Method::PATCH, &self.path, &[("if-match", lost)], Some(body)).await?;
            let refused = reply.status == StatusCode::PRECONDITION_FAILED;
            report.expect(
                format!("{}: a change of what is lost is refused ({})", self.name, reply.status),
                refused,
            );
        }
        Ok(())
    }

    async fn confirms_nothing(&self, api: &Api, report: &mut Report, when: &str) -> anyhow::Result<()> {
        let lists = self.lists.iter().map(|(path, tags)| (path, tags));
        let noted = std::iter::once((&self.path, &self.tags)).chain(lists);
        let lost: Vec<_> = noted.filter_map(|(path, tags)| Some((path, tags.last()?))).collect();
        report.expect(format!("{}: something of the lost time has a validator", self.name), !lost.is_empty());
        for (path, lost) in lost {
            // Twice: the gateway may answer the second from memory.
            for _ in 0..2 {
                let reply = api.send(Method::GET, path, &[("if-none-match", lost)], None).await?;
                let shown = path.split('?').next().unwrap_or_default();
                report.expect(
                    format!("{shown}: {lost} is not confirmed {when} ({})", reply.status),
                    reply.status == StatusCode::OK,
                );
            }
        }
        Ok(())
    }
}

/// The validator of an answer, if it has one.
async fn tag(api: &Api, path: &str) -> anyhow::Result<Option<String>> {
    let tag = api.get(path).await?.header("etag").to_owned();
    Ok((!tag.is_empty()).then_some(tag))
}

fn id(value: &Value) -> anyhow::Result<String> {
    value.get("id").and_then(Value::as_str).map(str::to_owned).with_context(|| format!("no id in {value}"))
}
