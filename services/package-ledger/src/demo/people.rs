//! Customers: invented people of one neighbourhood, no two with the same number.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::chance::Chance;
use crate::domain::search::folded;

const GIVEN: [&str; 48] = [
    "Adriana",
    "Alejandro",
    "Ana María",
    "Andrés",
    "Ángela",
    "Camila",
    "Carlos",
    "Carolina",
    "Catalina",
    "César",
    "Claudia",
    "Cristian",
    "Daniel",
    "Daniela",
    "Diana",
    "Diego",
    "Elena",
    "Esteban",
    "Fabián",
    "Felipe",
    "Gloria",
    "Gustavo",
    "Héctor",
    "Inés",
    "Iván",
    "Javier",
    "Jorge",
    "Juan Pablo",
    "Juliana",
    "Laura",
    "Leonardo",
    "Luisa",
    "Luz Marina",
    "Manuel",
    "Marcela",
    "María José",
    "Mateo",
    "Mónica",
    "Natalia",
    "Nicolás",
    "Óscar",
    "Paola",
    "Ricardo",
    "Sandra",
    "Santiago",
    "Sebastián",
    "Valentina",
    "Yolanda",
];
const FAMILY: [&str; 60] = [
    "Acosta",
    "Aguilar",
    "Álvarez",
    "Arango",
    "Ariza",
    "Barrera",
    "Beltrán",
    "Bermúdez",
    "Bernal",
    "Botero",
    "Caicedo",
    "Calderón",
    "Cárdenas",
    "Castaño",
    "Castro",
    "Ceballos",
    "Correa",
    "Cortés",
    "Cruz",
    "Díaz",
    "Duarte",
    "Duque",
    "Escobar",
    "Espinosa",
    "Franco",
    "Gaitán",
    "Gallego",
    "García",
    "Giraldo",
    "Gómez",
    "González",
    "Guerrero",
    "Gutiérrez",
    "Henao",
    "Hernández",
    "Herrera",
    "Jaramillo",
    "Jiménez",
    "Londoño",
    "López",
    "Marín",
    "Martínez",
    "Medina",
    "Mejía",
    "Molina",
    "Montoya",
    "Moreno",
    "Muñoz",
    "Naranjo",
    "Ortiz",
    "Osorio",
    "Ospina",
    "Peña",
    "Quintero",
    "Ramírez",
    "Restrepo",
    "Rodríguez",
    "Salazar",
    "Vargas",
    "Zuluaga",
];
const BUILDINGS: [&str; 8] = [
    "Torres del Parque",
    "Altos de Chapinero",
    "Bosques de Suba",
    "Reserva del Lago",
    "Mirador de la Colina",
    "El Nogal",
    "Portal de Cedritos",
    "Quintas de la Sabana",
];

/// Somebody whom parcels are for.
#[derive(Clone, Debug)]
pub(super) struct Customer {
    /// The same on every machine on the same day.
    pub(super) id: Uuid,
    /// Who signs in as this customer, if anybody does.
    pub(super) user_id: Option<Uuid>,
    /// As it stands on labels.
    pub(super) name: String,
    /// As it is searched by.
    pub(super) search_name: String,
    /// E.164; unlike any other's.
    pub(super) phone: String,
    /// Where mail goes.
    pub(super) email: Option<String>,
    /// Type and number of a document.
    pub(super) document: Option<(&'static str, String)>,
    /// Where it lives: building, tower, apartment.
    pub(super) address: Option<(&'static str, String, String)>,
    /// Of messages.
    pub(super) language: &'static str,
    /// Whether it wants WhatsApp messages.
    pub(super) by_whatsapp: bool,
    /// Since when it is known.
    pub(super) created_at: DateTime<Utc>,
}

/// So many customers, known since the days before `begin`; the first signs in as `user_id`.
pub(super) fn customers(count: u32, begin: DateTime<Utc>, user_id: Uuid) -> Vec<Customer> {
    let of = |number| {
        let customer = customer(number, begin);
        Customer { user_id: (number == 0).then_some(user_id), ..customer }
    };
    (0..count).map(of).collect()
}

fn customer(number: u32, begin: DateTime<Utc>) -> Customer {
    let mut chance = Chance::of("customer", number.into());
    // In the order of their numbers, so that their ids are in that order too.
    let created_at = begin - TimeDelta::days(30) + TimeDelta::seconds(i64::from(number) * 60);
    let mut draw = |names: &[&'static str]| chance.pick(names).copied().unwrap_or("Ana");
    let (given, first, second) = (draw(&GIVEN), draw(&FAMILY), draw(&FAMILY));
    let name = format!("{given} {first} {second}");
    let search_name = folded(&name);
    let mail_name: String = format!("{given}.{first}").chars().filter(|letter| *letter != ' ').collect();
    // `example.org` is nobody's.
    let email = chance.permille(820).then(|| format!("{}.{number}@example.org", folded(&mail_name)));
    let document = chance.permille(700).then(|| {
        let kind = if chance.permille(60) { "ce" } else { "cc" };
        (kind, (10_000_000 + number * 41 + chance.below(40)).to_string())
    });
    let address = chance.permille(900).then(|| {
        let building = chance.pick(&BUILDINGS).copied().unwrap_or("El Nogal");
        let apartment = chance.between(1, 18) * 100 + chance.between(1, 8);
        (building, chance.between(1, 4).to_string(), apartment.to_string())
    });
    Customer {
        id: chance.id(created_at),
        user_id: None,
        search_name,
        name,
        // Of a range of mobile numbers that no operator is known to give out.
        phone: format!("+57329{number:07}"),
        email,
        document,
        address,
        language: if chance.permille(60) { "en" } else { "es" },
        by_whatsapp: chance.permille(350),
        created_at,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::customer::{COLOMBIA, phone};

    #[test]
    fn customers_keep_the_rules_of_the_desk() {
        let begin = DateTime::from_timestamp(1_750_000_000, 0).unwrap();
        let all = customers(500, begin, Uuid::from_u128(7));
        let numbers: BTreeSet<&str> = all.iter().map(|customer| customer.phone.as_str()).collect();
        assert_eq!(numbers.len(), 500);
        assert!(all.is_sorted_by_key(|customer| customer.id));
        for customer in &all {
            assert_eq!(phone(&customer.phone, &COLOMBIA).as_deref(), Some(customer.phone.as_str()));
            assert!(customer.search_name.is_ascii() && customer.created_at < begin, "{customer:?}");
            assert!(customer.email.as_ref().is_none_or(|email| email.is_ascii() && !email.contains(' ')));
        }
        assert_eq!(all.iter().filter(|customer| customer.user_id.is_some()).count(), 1);
    }
}
