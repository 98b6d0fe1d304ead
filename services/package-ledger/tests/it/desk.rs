//! People at a desk, for tests.

use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::harness::Harness;

/// Tokens of one person in each role.
pub(crate) struct Staff {
    /// Moves parcels.
    pub(crate) operator: String,
    /// Decides on everything.
    pub(crate) admin: String,
    /// Reads everything.
    pub(crate) auditor: String,
    /// Who the operator is.
    pub(crate) operator_id: Uuid,
}

impl Harness {
    /// One person in each role of the desk.
    pub(crate) async fn staff(&self) -> Staff {
        let mut conn = self.db.connect().await;
        let (operator, auditor) = (Uuid::now_v7(), Uuid::now_v7());
        for (id, role) in [(operator, "operator"), (auditor, "auditor")] {
            diesel::sql_query(
                "INSERT INTO operator (user_id, role, name, created_at, updated_at) VALUES ($1, $2, 'A. Clerk', now(), now())",
            )
            .bind::<SqlUuid, _>(id)
            .bind::<Text, _>(role)
            .execute(&mut conn)
            .await
            .unwrap();
        }
        Staff {
            operator: self.token(operator),
            admin: self.token_as(Uuid::now_v7(), &["administrator"]),
            auditor: self.token(auditor),
            operator_id: operator,
        }
    }
}

/// The first version of the tariff, which every database begins with.
pub(crate) const TARIFF: Uuid = Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001);

/// An announcement that waits for its parcel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Announced {
    /// The announcement.
    pub(crate) id: Uuid,
    /// The package that stands for it.
    pub(crate) package_id: Uuid,
}

impl Harness {
    /// A customer who wants no messages, and signs in as this person.
    pub(crate) async fn enrolled(&self, user_id: Uuid, name: &str, phone: &str) -> Uuid {
        let id = Uuid::now_v7();
        diesel::sql_query(
            "INSERT INTO customer (id, user_id, name, search_name, phone, by_sms, by_email, created_at, updated_at) \
             VALUES ($1, $2, $3, lower($3), $4, false, false, now(), now())",
        )
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(user_id)
        .bind::<Text, _>(name)
        .bind::<Text, _>(phone)
        .execute(&mut self.db.connect().await)
        .await
        .unwrap();
        id
    }

    /// A parcel that this customer expects, under this number.
    pub(crate) async fn announced(&self, customer_id: Uuid, guide_number: &str) -> Announced {
        let (id, package_id) = (Uuid::now_v7(), Uuid::now_v7());
        let mut conn = self.db.connect().await;
        diesel::sql_query(
            "INSERT INTO announcement (id, customer_id, name, phone, guide_number, tracking_code, tariff_id, expires_at, announced_by, \
             created_at, updated_at) SELECT $1, c.id, c.name, c.phone, $3, upper(right($1::text, 10)), $4, now() + interval '60 days', \
             c.user_id, now(), now() FROM customer c WHERE c.id = $2",
        )
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(customer_id)
        .bind::<Text, _>(guide_number)
        .bind::<SqlUuid, _>(TARIFF)
        .execute(&mut conn)
        .await
        .unwrap();
        diesel::sql_query(
            "INSERT INTO package (id, tracking_no, guide_number, customer_id, announcement_id, status, tariff_id, announced_at, created_at, \
             updated_at) VALUES ($1, upper(right($1::text, 10)), $2, $3, $4, 'announced', $5, now(), now(), now())",
        )
        .bind::<SqlUuid, _>(package_id)
        .bind::<Text, _>(guide_number)
        .bind::<SqlUuid, _>(customer_id)
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(TARIFF)
        .execute(&mut conn)
        .await
        .unwrap();
        Announced { id, package_id }
    }
}
