//! Rows in the format that `COPY` takes.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Microseconds from the Unix epoch to that of Postgres.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;
const OID_BYTEA: i32 = 17;

/// Rows in Postgres' binary format. Fields are given in the order of the columns; how many there are is found out by itself.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    bytes: Vec<u8>,
    row: usize,
    fields: i16,
}

impl Rows {
    /// Begins a row.
    pub(crate) fn row(&mut self) -> &mut Self {
        self.close();
        if self.bytes.is_empty() {
            self.bytes.extend_from_slice(b"PGCOPY\n\xff\r\n\0");
            // Neither flags nor an extension of the header.
            self.bytes.extend_from_slice(&[0; 8]);
        }
        self.row = self.bytes.len();
        self.fields = 0;
        self.bytes.extend_from_slice(&[0; 2]);
        self
    }

    fn close(&mut self) {
        let fields = self.fields.to_be_bytes();
        if let Some(place) = self.bytes.get_mut(self.row..).and_then(|bytes| bytes.first_chunk_mut()) {
            *place = fields;
        }
    }

    fn field(&mut self, bytes: &[u8]) -> &mut Self {
        self.field_of(&[bytes])
    }

    fn field_of(&mut self, parts: &[&[u8]]) -> &mut Self {
        self.fields += 1;
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.bytes.extend_from_slice(&i32::try_from(length).unwrap_or(i32::MAX).to_be_bytes());
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        self
    }

    /// Nothing.
    pub(crate) fn null(&mut self) -> &mut Self {
        self.fields += 1;
        self.bytes.extend_from_slice(&(-1_i32).to_be_bytes());
        self
    }

    /// A value, or nothing.
    pub(crate) fn maybe<T>(
        &mut self,
        value: Option<T>,
        write: impl FnOnce(&mut Self, T) -> &mut Self,
    ) -> &mut Self {
        match value {
            Some(value) => write(self, value),
            None => self.null(),
        }
    }

    /// A text.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.field(text.as_bytes())
    }

    /// A text, or nothing.
    pub(crate) fn maybe_text(&mut self, text: Option<&str>) -> &mut Self {
        self.maybe(text, Self::text)
    }

    /// An id.
    pub(crate) fn id(&mut self, id: Uuid) -> &mut Self {
        self.field(id.as_bytes())
    }

    /// An id, or nothing.
    pub(crate) fn maybe_id(&mut self, id: Option<Uuid>) -> &mut Self {
        self.maybe(id, Self::id)
    }

    /// An integer.
    pub(crate) fn integer(&mut self, number: i32) -> &mut Self {
        self.field(&number.to_be_bytes())
    }

    /// A big integer.
    pub(crate) fn bigint(&mut self, number: i64) -> &mut Self {
        self.field(&number.to_be_bytes())
    }

    /// A truth.
    pub(crate) fn boolean(&mut self, truth: bool) -> &mut Self {
        self.field(&[u8::from(truth)])
    }

    /// An instant.
    pub(crate) fn at(&mut self, at: DateTime<Utc>) -> &mut Self {
        self.bigint(at.timestamp_micros().saturating_sub(POSTGRES_EPOCH_MICROS))
    }

    /// An instant, or nothing.
    pub(crate) fn maybe_at(&mut self, at: Option<DateTime<Utc>>) -> &mut Self {
        self.maybe(at, Self::at)
    }

    /// Bytes.
    pub(crate) fn binary(&mut self, bytes: &[u8]) -> &mut Self {
        self.field(bytes)
    }

    /// JSON, as text.
    pub(crate) fn json(&mut self, text: &str) -> &mut Self {
        self.field_of(&[&[1], text.as_bytes()])
    }

    /// An array of hashes.
    pub(crate) fn hashes(&mut self, hashes: &[[u8; 32]]) -> &mut Self {
        let count = i32::try_from(hashes.len()).unwrap_or(i32::MAX);
        let mut array = Vec::with_capacity(20 + hashes.len() * 36);
        for number in [i32::from(count > 0), 0, OID_BYTEA] {
            array.extend_from_slice(&number.to_be_bytes());
        }
        if count > 0 {
            array.extend_from_slice(&count.to_be_bytes());
            array.extend_from_slice(&1_i32.to_be_bytes());
        }
        for hash in hashes {
            array.extend_from_slice(&32_i32.to_be_bytes());
            array.extend_from_slice(hash);
        }
        self.field(&array)
    }

    /// All of it, as it is sent.
    pub(super) fn finish(mut self) -> Bytes {
        self.close();
        self.bytes.extend_from_slice(&(-1_i16).to_be_bytes());
        self.bytes.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_how_many_fields_it_has() {
        let mut rows = Rows::default();
        rows.row().integer(7).null().text("é");
        rows.row().boolean(true);
        let bytes = rows.finish();
        let expected: &[u8] = &[
            0, 3, 0, 0, 0, 4, 0, 0, 0, 7, 255, 255, 255, 255, 0, 0, 0, 2, 0xc3, 0xa9, 0, 1, 0, 0, 0, 1, 1,
            255, 255,
        ];
        assert_eq!(bytes.get(19..), Some(expected));
    }
}
