//! Customers: found, listed, added, changed.

mod list;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

pub(crate) use list::{Place, Window, page};

use super::schema::customer;
use super::unknown;
use crate::domain::customer::{
    Address, Consents, CustomerDraft, Document, DocumentType, Language, search_name,
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
        let kind =
            |name: &String| DocumentType::parse(name).ok_or_else(|| unknown("customer.document_type", name));
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
