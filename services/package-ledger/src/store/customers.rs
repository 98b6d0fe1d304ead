//! Customers: found, listed, added, changed.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text, Timestamptz, Untyped, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::schema::customer;
use super::unknown;
use crate::domain::customer::{
    Address, Consents, CustomerDraft, Document, DocumentType, Language, Wanted, search_name,
};

/// Each phone number is one customer's.
pub(crate) const PHONE_IN_USE: &str = "customer_phone_key";
/// Each person is one customer.
pub(crate) const USER_IN_USE: &str = "customer_user_id_key";

/// A customer as the database has it.
#[derive(Clone, PartialEq, Queryable, QueryableByName, Selectable, Insertable, AsChangeset, Identifiable)]
#[diesel(table_name = customer, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub(crate) struct CustomerRow {
    /// Its id.
    pub(crate) id: Uuid,
    /// Who signs in as this customer.
    pub(crate) user_id: Option<Uuid>,
    /// As it stands on labels.
    pub(crate) name: String,
    /// The name as it is searched by.
    pub(crate) search_name: String,
    /// E.164.
    pub(crate) phone: String,
    /// Where mail goes.
    pub(crate) email: Option<String>,
    /// Of the identity document.
    pub(crate) document_type: Option<String>,
    /// Of the identity document.
    pub(crate) document_number: Option<String>,
    /// Where the customer lives.
    pub(crate) building: Option<String>,
    /// Where the customer lives.
    pub(crate) tower: Option<String>,
    /// Where the customer lives.
    pub(crate) apartment: Option<String>,
    /// Name of the language.
    pub(crate) language: String,
    /// Whether text messages are wanted.
    pub(crate) by_sms: bool,
    /// Whether mail is wanted.
    pub(crate) by_email: bool,
    /// Whether WhatsApp messages are wanted.
    pub(crate) by_whatsapp: bool,
    /// Whether push messages are wanted.
    pub(crate) by_push: bool,
    /// Whether it may announce.
    pub(crate) is_active: bool,
    /// Rises with each change.
    pub(crate) version: i64,
    /// When it was first known.
    pub(crate) created_at: DateTime<Utc>,
    /// When it last changed.
    pub(crate) updated_at: DateTime<Utc>,
}

/// Names nobody.
impl std::fmt::Debug for CustomerRow {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("CustomerRow").field("id", &self.id).finish_non_exhaustive()
    }
}

impl CustomerRow {
    /// A customer that is new.
    pub(crate) fn new(id: Uuid, user_id: Option<Uuid>, draft: CustomerDraft, now: DateTime<Utc>) -> Self {
        let (document_type, document_number) = match draft.document {
            Some(document) => (Some(document.kind.as_str().to_owned()), Some(document.number)),
            None => (None, None),
        };
        Self {
            id,
            user_id,
            search_name: search_name(&draft.name),
            name: draft.name,
            phone: draft.phone,
            email: draft.email,
            document_type,
            document_number,
            building: draft.address.building,
            tower: draft.address.tower,
            apartment: draft.address.apartment,
            language: draft.language.as_str().to_owned(),
            by_sms: draft.consents.sms,
            by_email: draft.consents.email,
            by_whatsapp: draft.consents.whatsapp,
            by_push: draft.consents.push,
            is_active: draft.is_active,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// What somebody entered of it.
    ///
    /// # Errors
    /// For names that are not known here.
    pub(crate) fn draft(&self) -> QueryResult<CustomerDraft> {
        let kind = |name: &String| {
            DocumentType::parse(name).ok_or_else(|| unknown("customer.document_type", name))
        };
        let kind = self.document_type.as_ref().map(kind).transpose()?;
        let language =
            Language::parse(&self.language).ok_or_else(|| unknown("customer.language", &self.language))?;
        Ok(CustomerDraft {
            name: self.name.clone(),
            phone: self.phone.clone(),
            email: self.email.clone(),
            document: kind.zip(self.document_number.clone()).map(|(kind, number)| Document { kind, number }),
            address: Address {
                building: self.building.clone(),
                tower: self.tower.clone(),
                apartment: self.apartment.clone(),
            },
            language,
            consents: Consents {
                sms: self.by_sms,
                email: self.by_email,
                whatsapp: self.by_whatsapp,
                push: self.by_push,
            },
            is_active: self.is_active,
        })
    }
}

/// The customer of this id.
///
/// # Errors
/// Of the database.
pub(crate) async fn find(conn: &mut Connection, id: Uuid) -> QueryResult<Option<CustomerRow>> {
    customer::table.find(id).select(CustomerRow::as_select()).first(conn).await.optional()
}

/// As [`find`], and nobody else changes it until the transaction ends.
///
/// # Errors
/// Of the database.
pub(crate) async fn lock(conn: &mut Connection, id: Uuid) -> QueryResult<Option<CustomerRow>> {
    customer::table.find(id).select(CustomerRow::as_select()).for_no_key_update().first(conn).await.optional()
}

/// Adds a customer.
///
/// # Errors
/// Of the database: [`PHONE_IN_USE`], [`USER_IN_USE`].
pub(crate) async fn insert(conn: &mut Connection, row: &CustomerRow) -> QueryResult<()> {
    diesel::insert_into(customer::table).values(row).execute(conn).await.map(|_| ())
}

/// Writes a locked customer as it is now.
///
/// # Errors
/// As [`insert`].
pub(crate) async fn save(conn: &mut Connection, row: &CustomerRow) -> QueryResult<()> {
    diesel::update(row).set(row).execute(conn).await.map(|_| ())
}

/// Where a customer stands in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Place {
    /// Among all, the newest first.
    Newest(DateTime<Utc>, Uuid),
    /// Among those of like names, by name.
    Name(String, Uuid),
    /// Among those of like numbers, by number.
    Phone(String),
}

impl Place {
    /// That of a customer in a list of what is looked for.
    pub(crate) fn of(row: &CustomerRow, wanted: Option<&Wanted>) -> Self {
        match wanted {
            None => Self::Newest(row.created_at, row.id),
            Some(Wanted::Name(_)) => Self::Name(row.search_name.clone(), row.id),
            Some(Wanted::Phone(_)) => Self::Phone(row.phone.clone()),
        }
    }
}

/// Which part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// What comes after this place.
    pub(crate) after: Option<Place>,
    /// Without so many of it.
    pub(crate) offset: i64,
    /// And of the rest so many.
    pub(crate) rows: i64,
}

/// Customers: those that are looked for, by what they are looked for; all, the newest first. Each kind of list is read in the order of
/// an index from its place on.
///
/// # Errors
/// Of the database.
pub(crate) async fn page(
    conn: &mut Connection,
    wanted: Option<&Wanted>,
    window: &Window,
) -> QueryResult<Vec<CustomerRow>> {
    ListQuery::new(wanted, window).load(conn).await
}

#[derive(Debug)]
struct ListQuery<'a> {
    /// From where to before where, in the order of the list.
    range: Range<'a>,
    window: &'a Window,
}

#[derive(Debug)]
enum Range<'a> {
    All,
    /// Beginnings lie from themselves to the other, as indexes of patterns order them: by their bytes.
    Names(&'a str, String),
    /// No number of up to fifteen digits that begins so comes after itself with nines.
    Phones(&'a str, String),
}

impl<'a> ListQuery<'a> {
    fn new(wanted: Option<&'a Wanted>, window: &'a Window) -> Self {
        let range = match wanted {
            None => Range::All,
            Some(Wanted::Name(name)) => Range::Names(name, format!("{name}{}", char::MAX)),
            Some(Wanted::Phone(phone)) => Range::Phones(phone, format!("{phone:9<17}")),
        };
        Self { range, window }
    }
}

impl QueryFragment<Pg> for ListQuery<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT c.* FROM customer c WHERE ");
        let order = match (&self.range, &self.window.after) {
            (Range::All, after) => {
                out.push_sql("TRUE");
                if let Some(Place::Newest(created_at, id)) = after {
                    out.push_sql(" AND (c.created_at, c.id) < (");
                    out.push_bind_param::<Timestamptz, _>(created_at)?;
                    out.push_sql(", ");
                    out.push_bind_param::<SqlUuid, _>(id)?;
                    out.push_sql(")");
                }
                "c.created_at DESC, c.id DESC"
            }
            (Range::Names(from, to), after) => {
                out.push_sql("c.search_name ~<~ ");
                out.push_bind_param::<Text, _>(to)?;
                out.push_sql(" AND c.search_name ~>=~ ");
                if let Some(Place::Name(name, id)) = after {
                    out.push_bind_param::<Text, _>(name)?;
                    out.push_sql(" AND (c.search_name <> ");
                    out.push_bind_param::<Text, _>(name)?;
                    out.push_sql(" OR c.id > ");
                    out.push_bind_param::<SqlUuid, _>(id)?;
                    out.push_sql(")");
                } else {
                    out.push_bind_param::<Text, _>(*from)?;
                }
                "c.search_name USING ~<~, c.id"
            }
            (Range::Phones(from, to), after) => {
                out.push_sql("c.phone <= ");
                out.push_bind_param::<Text, _>(to)?;
                if let Some(Place::Phone(phone)) = after {
                    out.push_sql(" AND c.phone > ");
                    out.push_bind_param::<Text, _>(phone)?;
                } else {
                    out.push_sql(" AND c.phone >= ");
                    out.push_bind_param::<Text, _>(*from)?;
                }
                "c.phone"
            }
        };
        out.push_sql(" ORDER BY ");
        out.push_sql(order);
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.window.rows)?;
        out.push_sql(" OFFSET ");
        out.push_bind_param::<BigInt, _>(&self.window.offset)
    }
}

impl QueryId for ListQuery<'_> {
    type QueryId = ();
    // The text decides, so diesel keys its prepared statements by the text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for ListQuery<'_> {
    type SqlType = Untyped;
}
