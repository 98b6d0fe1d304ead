//! PNG (ISO/IEC 15948): a signature, and chunks from `IHDR` to `IEND`.

use serde::{Deserialize, Serialize};

use super::{Ending, Step};
use crate::refusal::Fault;

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// The last chunk is always the same: no content, its name, and their checksum.
const END: [u8; 12] = *b"\0\0\0\0IEND\xae\x42\x60\x82";

/// Largest length of a chunk in bytes, by the standard.
const MAX_CHUNK: u32 = (1 << 31) - 1;

/// Where the walk through the chunks stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Png {
    description: bool,
    content: bool,
    ended: bool,
}

impl Png {
    pub(super) fn step(&mut self, header: &[u8], start: u64) -> Result<Step, Fault> {
        let Some(found) = header.first_chunk::<8>() else { return Ok(Step::Need(8)) };
        if start == 0 {
            return if *found == SIGNATURE { Ok(Step::Over(0)) } else { Err(Fault::Name) };
        }
        let [s0, s1, s2, s3, ref name @ ..] = *found;
        if !name.iter().all(u8::is_ascii_alphabetic) {
            return Err(Fault::Name);
        }
        let length = u32::from_be_bytes([s0, s1, s2, s3]);
        if length > MAX_CHUNK {
            return Err(Fault::Size);
        }
        match name {
            b"IHDR" if self.description => return Err(Fault::Repeated),
            b"IHDR" if length == 13 => self.description = true,
            b"IHDR" => return Err(Fault::Size),
            _ if !self.description => return Err(Fault::NoDescription),
            b"IDAT" => self.content = true,
            b"IEND" => return self.last(header),
            _ => {}
        }
        // A checksum of four bytes follows the content.
        Ok(Step::Over(u64::from(length) + 4))
    }

    pub(super) fn end(&self, at: u64) -> Result<(), Ending> {
        let expected_at_least = at.saturating_add(END.len() as u64);
        if self.ended { Ok(()) } else { Err(Ending::Early { expected_at_least }) }
    }

    fn last(&mut self, header: &[u8]) -> Result<Step, Fault> {
        let Some(chunk) = header.first_chunk::<12>() else { return Ok(Step::Need(12)) };
        if *chunk != END {
            return Err(Fault::Size);
        }
        if !self.content {
            return Err(Fault::NoContent);
        }
        self.ended = true;
        Ok(Step::Rest { at_most: 0 })
    }
}
