//! A chunked body, byte by byte (RFC 9112 §7.1). No whitespace is taken in a chunk's first line: the grammar allows
//! some around an extension's `;` and `=` for recipients only, and no sender makes it.

use super::bytes::{fault_of, is_field_byte, is_quoted, is_token};
use super::trailer::Trailers;
use super::{FramingLimits, Refusal};

/// Hexadecimal digits of a chunk size, leading zeros counted.
const SIZE_DIGITS: u8 = 16;
/// Bytes of extensions in a whole body. Without a bound a body of one-byte chunks costs hundreds of bytes each.
const EXTENSION_BYTES: usize = 8 * 1024;

/// What came of the bytes shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// All are good and the body goes on.
    More,
    /// The body has ended.
    Ended,
    /// The byte behind those that passed breaks a rule.
    Refused(Refusal),
}

/// Where in a chunked body the connection is.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    place: Place,
    /// The chunk's size while its line is read, then the bytes of its data that are to come.
    size: u64,
    digits: u8,
    line_bytes: usize,
    extension_bytes: usize,
    trailers: Trailers,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Size,
    ExtensionNameStart,
    ExtensionName,
    ExtensionValueStart,
    ExtensionValue,
    Quoted,
    QuotedPair,
    QuotedEnd,
    SizeLineFeed,
    Data,
    DataReturn,
    DataLineFeed,
    Trailers,
}

impl Chunked {
    /// Reads on; the first number is how many of the bytes belong to this body and are good.
    pub(super) fn read(&mut self, bytes: &[u8], limits: &FramingLimits) -> (usize, Progress) {
        let mut passed = 0;
        while let Some(&byte) = bytes.get(passed) {
            if self.place == Place::Data {
                passed += self.skip_data(bytes.len() - passed);
                continue;
            }
            match self.step(byte, limits) {
                Ok(Progress::More) => passed += 1,
                Ok(progress) => return (passed + 1, progress),
                Err(refusal) => return (passed, Progress::Refused(refusal)),
            }
        }
        (passed, Progress::More)
    }

    fn skip_data(&mut self, shown: usize) -> usize {
        let skipped = usize::try_from(self.size).map_or(shown, |size| size.min(shown));
        self.size -= u64::try_from(skipped).map_or(self.size, |skipped| skipped.min(self.size));
        if self.size == 0 {
            self.place = Place::DataReturn;
        }
        skipped
    }

    fn step(&mut self, byte: u8, limits: &FramingLimits) -> Result<Progress, Refusal> {
        self.place = match self.place {
            Place::Trailers => return self.trailers.step(byte, limits),
            Place::SizeLineFeed => match (byte, self.size) {
                (b'\n', 0) => Place::Trailers,
                (b'\n', _) => Place::Data,
                _ => return Err(Refusal::BareCarriageReturn),
            },
            // Every size but 0 has data, which `skip_data` reads.
            Place::Data | Place::DataReturn => match byte {
                b'\r' => Place::DataLineFeed,
                b'\n' => return Err(Refusal::BareLineFeed),
                _ => return Err(Refusal::ChunkUnterminated),
            },
            Place::DataLineFeed => match byte {
                b'\n' => {
                    (self.size, self.digits, self.line_bytes) = (0, 0, 0);
                    Place::Size
                }
                _ => return Err(Refusal::BareCarriageReturn),
            },
            Place::Size => {
                self.count(byte, limits.chunk_line_bytes, false)?;
                self.step_size(byte)?
            }
            extension => {
                self.count(byte, limits.chunk_line_bytes, true)?;
                step_extension(extension, byte)?
            }
        };
        Ok(Progress::More)
    }

    /// Counts a byte of a chunk's first line without its CRLF.
    fn count(&mut self, byte: u8, line_bound: usize, in_extension: bool) -> Result<(), Refusal> {
        if byte == b'\r' {
            return Ok(());
        }
        self.line_bytes += 1;
        self.extension_bytes += usize::from(in_extension);
        if self.line_bytes > line_bound {
            return Err(Refusal::ChunkLineTooLong);
        }
        if self.extension_bytes > EXTENSION_BYTES {
            return Err(Refusal::ChunkExtensionsTooLarge);
        }
        Ok(())
    }

    fn step_size(&mut self, byte: u8) -> Result<Place, Refusal> {
        match byte {
            b'\r' if self.digits > 0 => Ok(Place::SizeLineFeed),
            b';' if self.digits > 0 => Ok(Place::ExtensionNameStart),
            b'\n' => Err(Refusal::BareLineFeed),
            _ => {
                let digit = char::from(byte).to_digit(16).ok_or(Refusal::ChunkSizeMalformed)?;
                let size = self.size.checked_mul(16).ok_or(Refusal::ChunkSizeTooLarge)? | u64::from(digit);
                if self.digits == SIZE_DIGITS || i64::try_from(size).is_err() {
                    return Err(Refusal::ChunkSizeTooLarge);
                }
                self.size = size;
                self.digits += 1;
                Ok(Place::Size)
            }
        }
    }
}

/// `*( ";" token [ "=" ( token / quoted-string ) ] )` (RFC 9112 §7.1.1, RFC 9110 §5.6.4).
fn step_extension(place: Place, byte: u8) -> Result<Place, Refusal> {
    let next = match (place, byte) {
        (Place::ExtensionNameStart | Place::ExtensionName, _) if is_token(byte) => Place::ExtensionName,
        (Place::ExtensionName, b'=') => Place::ExtensionValueStart,
        (Place::ExtensionValueStart, b'"') => Place::Quoted,
        (Place::ExtensionValueStart | Place::ExtensionValue, _) if is_token(byte) => Place::ExtensionValue,
        (Place::Quoted, b'"') => Place::QuotedEnd,
        (Place::Quoted, b'\\') => Place::QuotedPair,
        (Place::Quoted, _) if is_quoted(byte) => Place::Quoted,
        (Place::QuotedPair, _) if is_field_byte(byte) => Place::Quoted,
        (Place::ExtensionName | Place::ExtensionValue | Place::QuotedEnd, b';') => Place::ExtensionNameStart,
        (Place::ExtensionName | Place::ExtensionValue | Place::QuotedEnd, b'\r') => Place::SizeLineFeed,
        (_, b'\r') => return Err(Refusal::ChunkExtensionMalformed),
        _ => return Err(fault_of(byte, Refusal::ChunkExtensionMalformed)),
    };
    Ok(next)
}
