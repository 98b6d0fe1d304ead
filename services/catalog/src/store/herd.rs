//! What the rules over several animals need to know (C-D11).

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::row::{Cells, Row, columns};
use super::statement::{Bind, Statement};
use crate::domain::herd::{AnimalFacts, AnimalStatus, Sex};
use crate::domain::record::Record;
use crate::domain::value::Value;
use crate::model::Model;

const FACTS: &str = "SELECT a.id, a.sex, a.birth_date, b.species_id, a.father_id, a.mother_id, a.status FROM animal a JOIN breed b ON b.id = a.breed_id WHERE a.deleted_at IS NULL AND ";
/// Generations that a pedigree is followed; deeper ancestors are taken as unrelated founders.
pub(crate) const MAX_GENERATIONS: i64 = 64;

/// A treatment as the withdrawal period needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GivenTreatment {
    /// The treatment's id.
    pub(crate) id: Uuid,
    /// Name of the remedy.
    pub(crate) medication: String,
    /// The day it was given.
    pub(crate) given_on: NaiveDate,
    /// Its withdrawal period in days.
    pub(crate) withdrawal_days: i64,
}

/// Facts about these animals, where they live in the catalog.
///
/// # Errors
/// Of the database.
pub(crate) async fn facts(conn: &mut AsyncPgConnection, ids: Vec<Uuid>) -> QueryResult<Vec<AnimalFacts>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> =
        Statement::new(FACTS).sql("a.id = ANY(").bind(Bind::ids(ids)).sql(")").get_results(conn).await?;
    rows.into_iter().map(|row| read_facts(&mut row.cells())).collect()
}

/// Facts about the animals whose father or mother is this one.
///
/// # Errors
/// Of the database.
pub(crate) async fn offspring(conn: &mut AsyncPgConnection, parent: Uuid) -> QueryResult<Vec<AnimalFacts>> {
    let rows: Vec<Row> = Statement::new(FACTS)
        .sql("a.father_id = ")
        .bind(Bind::Uuid(Some(parent)))
        .sql(" UNION ALL ")
        .sql(FACTS)
        .sql("a.mother_id = ")
        .bind(Bind::Uuid(Some(parent)))
        .get_results(conn)
        .await?;
    rows.into_iter().map(|row| read_facts(&mut row.cells())).collect()
}

/// The species of these breeds, each with its breeding age in days.
///
/// # Errors
/// Of the database.
pub(crate) async fn species_of(
    conn: &mut AsyncPgConnection,
    breeds: Vec<Uuid>,
) -> QueryResult<BTreeMap<Uuid, (Uuid, i64)>> {
    let rows: Vec<Row> = Statement::new("SELECT b.id, s.id, s.breeding_age_days FROM breed b JOIN species s ON s.id = b.species_id WHERE b.id = ANY(")
        .bind(Bind::ids(breeds))
        .sql(")")
        .get_results(conn)
        .await?;
    rows.into_iter()
        .map(|row| {
            let mut cells = row.cells();
            Ok((cells.uuid()?, (cells.uuid()?, cells.int()?)))
        })
        .collect()
}

/// Each of these animals and their ancestors, with father and mother, to a depth.
///
/// # Errors
/// Of the database.
pub(crate) async fn ancestors(
    conn: &mut AsyncPgConnection,
    ids: Vec<Uuid>,
    generations: i64,
) -> QueryResult<Vec<(Uuid, Option<Uuid>, Option<Uuid>)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = Statement::new("WITH RECURSIVE line AS (SELECT id, father_id, mother_id, 0::bigint AS depth FROM animal WHERE id = ANY(")
        .bind(Bind::ids(ids))
        .sql(") UNION SELECT a.id, a.father_id, a.mother_id, l.depth + 1 FROM line l JOIN animal a ON a.id = ANY(ARRAY[l.father_id, l.mother_id]) WHERE l.depth < ")
        .bind(Bind::Int(Some(generations)))
        .sql(") SELECT DISTINCT id, father_id, mother_id FROM line")
        .get_results(conn)
        .await?;
    rows.into_iter()
        .map(|row| {
            let mut cells = row.cells();
            Ok((cells.uuid()?, cells.value()?.as_uuid(), cells.value()?.as_uuid()))
        })
        .collect()
}

/// The cases of an animal that are still open.
///
/// # Errors
/// Of the database.
pub(crate) async fn open_cases(
    conn: &mut AsyncPgConnection,
    case: &Model,
    animal: Uuid,
) -> QueryResult<Vec<Record>> {
    let rows: Vec<Row> = Statement::new(&format!("SELECT {} FROM animal_disease WHERE animal_id = ", columns(case, "")))
        .bind(Bind::Uuid(Some(animal)))
        .sql(" AND deleted_at IS NULL AND closed_on IS NULL AND status IN ('active', 'chronic') ORDER BY id FOR UPDATE")
        .get_results(conn)
        .await?;
    rows.into_iter().filter_map(|row| row.cells().record(case).transpose()).collect()
}

/// The treatments of an animal with their withdrawal periods, latest first.
///
/// # Errors
/// Of the database.
pub(crate) async fn treatments(
    conn: &mut AsyncPgConnection,
    animal: Uuid,
) -> QueryResult<Vec<GivenTreatment>> {
    let rows: Vec<Row> = Statement::new(
        "SELECT t.id, m.name, t.given_on, m.withdrawal_days FROM treatment t JOIN medication m ON m.id = t.medication_id WHERE t.deleted_at IS NULL AND t.animal_id = ",
    )
    .bind(Bind::Uuid(Some(animal)))
    .sql(" ORDER BY t.given_on DESC, t.id DESC LIMIT 1000")
    .get_results(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let mut cells = row.cells();
            Ok(GivenTreatment {
                id: cells.uuid()?,
                medication: cells.text()?,
                given_on: date(&mut cells)?,
                withdrawal_days: cells.int()?,
            })
        })
        .collect()
}

/// The first day on which an animal was diagnosed or treated.
///
/// # Errors
/// Of the database.
pub(crate) async fn first_treatment(
    conn: &mut AsyncPgConnection,
    animal: Uuid,
) -> QueryResult<Option<NaiveDate>> {
    let row: Row = Statement::new("SELECT least((SELECT min(diagnosis_date) FROM animal_disease WHERE deleted_at IS NULL AND animal_id = ")
        .bind(Bind::Uuid(Some(animal)))
        .sql("), (SELECT min(given_on) FROM treatment WHERE deleted_at IS NULL AND animal_id = ")
        .bind(Bind::Uuid(Some(animal)))
        .sql("))")
        .get_result(conn)
        .await?;
    Ok(row.cells().value()?.as_date())
}

fn read_facts(cells: &mut Cells) -> QueryResult<AnimalFacts> {
    Ok(AnimalFacts {
        id: cells.uuid()?,
        sex: if cells.text()? == "female" { Sex::Female } else { Sex::Male },
        birth_date: date(cells)?,
        species_id: cells.uuid()?,
        father_id: cells.value()?.as_uuid(),
        mother_id: cells.value()?.as_uuid(),
        status: match cells.text()?.as_str() {
            "sold" => AnimalStatus::Sold,
            "dead" => AnimalStatus::Dead,
            _ => AnimalStatus::Alive,
        },
    })
}

fn date(cells: &mut Cells) -> QueryResult<NaiveDate> {
    match cells.value()? {
        Value::Date(date) => Ok(date),
        _ => Err(diesel::result::Error::DeserializationError("a date expected in a row".into())),
    }
}

/// Whether a live animal is of this breed.
///
/// # Errors
/// Of the database.
pub(crate) async fn breed_has_animals(conn: &mut AsyncPgConnection, breed: Uuid) -> QueryResult<bool> {
    let rows: Vec<Row> = Statement::new("SELECT id FROM animal WHERE deleted_at IS NULL AND breed_id = ")
        .bind(Bind::Uuid(Some(breed)))
        .sql(" LIMIT 1")
        .get_results(conn)
        .await?;
    Ok(!rows.is_empty())
}
