//! Request bodies as JSON, with member names that are unique in their object (RFC 8259 §4 leaves it open which of two
//! counts; a proxy or a log may then see another request than we do).

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value as Json};

use crate::domain::draft::escape_pointer;

/// Why a body is not taken.
#[derive(Debug)]
pub(crate) enum JsonFault {
    /// It is not JSON.
    Malformed(serde_json::Error),
    /// The member at this pointer (RFC 6901) is there twice.
    Repeated(String),
}

/// Reads one JSON value.
///
/// # Errors
/// The first fault. Nesting is bounded by the parser.
pub(crate) fn parse(body: &[u8]) -> Result<Json, JsonFault> {
    let repeated = RefCell::new(None);
    let mut parser = serde_json::Deserializer::from_slice(body);
    let value = Part { place: Place::Root, repeated: &repeated }
        .deserialize(&mut parser)
        .and_then(|value| parser.end().map(|()| value))
        .map_err(JsonFault::Malformed)?;
    match repeated.into_inner() {
        None => Ok(value),
        Some(pointer) => Err(JsonFault::Repeated(pointer)),
    }
}

/// Where a value stands. Written out only when there is something to say about it: a body may nest many long names around
/// very many values.
#[derive(Clone, Copy)]
enum Place<'a> {
    Root,
    Element(&'a Place<'a>, usize),
    Member(&'a Place<'a>, &'a str),
}

impl fmt::Display for Place<'_> {
    /// As a pointer (RFC 6901). The depth is bounded by the parser's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Element(parent, index) => write!(f, "{parent}/{index}"),
            Self::Member(parent, name) => write!(f, "{parent}/{}", escape_pointer(name)),
        }
    }
}

/// One value, the place at which it stands, and the first repeated member of the whole document.
struct Part<'a> {
    place: Place<'a>,
    repeated: &'a RefCell<Option<String>>,
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
        Ok(Json::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Json, E> {
        Number::from_f64(number).map(Json::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(value) =
            elements.next_element_seed(self.inner(Place::Element(&self.place, values.len())))?
        {
            values.push(value);
        }
        Ok(Json::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut members = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let place = Place::Member(&self.place, &name);
            if members.contains_key(&name) {
                self.repeated.borrow_mut().get_or_insert_with(|| place.to_string());
            }
            let value = entries.next_value_seed(self.inner(place))?;
            members.insert(name, value);
        }
        Ok(Json::Object(members))
    }
}

impl<'a> Part<'a> {
    /// A value within this one.
    fn inner<'b>(&self, place: Place<'b>) -> Part<'b>
    where
        'a: 'b,
    {
        Part { place, repeated: self.repeated }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn repeated(text: &str) -> Option<String> {
        match parse(text.as_bytes()) {
            Err(JsonFault::Repeated(pointer)) => Some(pointer),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_repeated_member_is_found_at_any_depth() {
        assert_eq!(repeated(r#"{"a":1,"a":1}"#).as_deref(), Some("/a"));
        assert_eq!(
            repeated(r#"{"items":[{},{"x/y":[{"b":1,"b":2}]}]}"#).as_deref(),
            Some("/items/1/x~1y/0/b")
        );
        assert_eq!(repeated(r#"{"a":1,"\u0061":2}"#).as_deref(), Some("/a"));
        assert!(parse(br#"[{"a":1},{"a":1}]"#).is_ok());
        assert_eq!(
            repeated(r#"[[0,1,[{"a":{"b":1,"b":1},"a":1}]]]"#).as_deref(),
            Some("/0/2/0/a/b"),
            "the first"
        );
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for bad in ["", "{", "{\"a\":1}x", "{\"a\":1,\"a\":}", "1e999", "\u{feff}1", &deep] {
            assert!(matches!(parse(bad.as_bytes()), Err(JsonFault::Malformed(_))), "{bad}");
        }
        assert!(matches!(parse(b"\"\xff\""), Err(JsonFault::Malformed(_))));
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let value = json!({"a": [null, true, -1, 18446744073709551615_u64, 0.5, "t\u{0}é"], "b": {}});
        assert_eq!(parse(value.to_string().as_bytes()).unwrap(), value);
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_lenient_reader_where_nothing_is_repeated(text in "[\\[\\]{}:,\"a-c0-2.e \\-]{0,24}") {
            match (parse(text.as_bytes()), serde_json::from_str::<Json>(&text)) {
                (Ok(strict), Ok(lenient)) => prop_assert_eq!(strict, lenient),
                (Err(JsonFault::Malformed(_)), Err(_)) | (Err(JsonFault::Repeated(_)), Ok(_)) => {}
                (strict, lenient) => prop_assert!(false, "{strict:?} but {lenient:?}"),
            }
        }
    }
}
