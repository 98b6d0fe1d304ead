//! `?export=csv`: the whole list as CSV (RFC 4180), streamed; memory holds one batch at a time.

use std::future::ready;

use actix_web::http::{Method, header};
use actix_web::{Error, HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use service_error::ServiceError;

use super::representation::Untold;
use crate::domain::query::{ListQuery, Position};
use crate::domain::record::Record;
use crate::domain::value::Value;
use crate::model::Model;
use crate::state::AppState;
use crate::store::list;

/// Records read by one statement.
const BATCH: u32 = 1000;

struct Export {
    model: &'static Model,
    state: AppState,
    query: ListQuery,
    from: Option<Position>,
    begun: bool,
    done: bool,
}

/// Answers with every record of the list. In the order of `id` each is shown once at most; in the order of something that
/// changes while it runs, a record can be shown at both its places.
pub(crate) async fn export_csv(
    model: &'static Model,
    state: &AppState,
    request: &HttpRequest,
    query: ListQuery,
) -> Result<HttpResponse, ServiceError> {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}.csv\"", model.path)))
        .insert_header((header::CACHE_CONTROL, "private, no-store"));
    if request.method() == Method::HEAD {
        return Ok(response.body(Untold));
    }
    let mut export = Export { model, state: state.clone(), query, from: None, begun: false, done: false };
    // Read before anything is said: a database that is away is a 503, not an answer that breaks off.
    let first = export.batch().await?;
    let rest = stream::try_unfold(export, |mut export| async move {
        if export.done {
            return Ok::<_, Error>(None);
        }
        let chunk = export.batch().await?;
        Ok(Some((chunk, export)))
    });
    Ok(response.streaming(stream::once(ready(Ok(first))).chain(rest)))
}

impl Export {
    async fn batch(&mut self) -> Result<Bytes, ServiceError> {
        let mut conn = self.state.context.records.read().await?;
        let page = list::page(&mut conn, self.model, &self.query, self.from.as_ref(), BATCH, &[]).await?;
        drop(conn);
        self.done = !page.more;
        self.from =
            page.records.last().map(|record| list::position(self.model, self.query.sort, record, false));
        let mut writer = csv::Writer::from_writer(Vec::with_capacity(page.records.len() * 160));
        if !self.begun {
            self.begun = true;
            write(&mut writer, self.header())?;
        }
        for record in &page.records {
            write(&mut writer, self.row(record))?;
        }
        writer.into_inner().map(Bytes::from).map_err(|error| failed(error.into_error()))
    }

    fn header(&self) -> Vec<String> {
        let fields =
            self.model.shown().map(|field| field.name).filter(|name| self.query.selection.shows(name));
        std::iter::once("id")
            .chain(fields)
            .chain(["version", "created_at", "updated_at"])
            .map(str::to_owned)
            .collect()
    }

    fn row(&self, record: &Record) -> Vec<String> {
        let mut row = vec![record.id.to_string()];
        let shown = self
            .model
            .shown()
            .zip(&record.values)
            .filter(|(field, _)| self.query.selection.shows(field.name));
        row.extend(shown.map(|(_, value)| value.csv_cell()));
        row.extend([
            record.version.to_string(),
            Value::Time(record.created_at).csv_cell(),
            Value::Time(record.updated_at).csv_cell(),
        ]);
        row
    }
}

fn write(writer: &mut csv::Writer<Vec<u8>>, row: Vec<String>) -> Result<(), ServiceError> {
    writer.write_record(row).map_err(failed)
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> ServiceError {
    problem::Problem::new(&problem::registry::INTERNAL).cause(error).into()
}
