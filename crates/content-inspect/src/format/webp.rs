//! WebP (RFC 9649): one RIFF of known length, and chunks that fill it.

use serde::{Deserialize, Serialize};

use super::{Ending, Step};
use crate::refusal::Fault;

/// Where the walk through the chunks stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Webp {
    /// Offset in bytes where the RIFF ends; zero before it is known.
    end: u64,
    description: bool,
    content: bool,
}

impl Webp {
    pub(super) fn step(&mut self, header: &[u8], start: u64) -> Result<Step, Fault> {
        if start == 0 {
            return self.riff(header);
        }
        if start >= self.end {
            return Err(Fault::TrailingData);
        }
        let Some(&[ref name @ .., s0, s1, s2, s3]) = header.first_chunk::<8>() else {
            return Ok(Step::Need(8));
        };
        let length = u64::from(u32::from_le_bytes([s0, s1, s2, s3]));
        // Chunks begin at even offsets.
        let content = length + length % 2;
        match name {
            b"VP8X" | b"VP8 " | b"VP8L" if !self.description => self.description = true,
            b"VP8X" => return Err(Fault::Repeated),
            _ if !self.description => return Err(Fault::NoDescription),
            name if !name.iter().all(|&byte| byte == b' ' || byte.is_ascii_graphic()) => {
                return Err(Fault::Name);
            }
            _ => {}
        }
        self.content |= matches!(name, b"VP8 " | b"VP8L" | b"ANMF");
        if start.saturating_add(8).saturating_add(content) > self.end {
            return Err(Fault::Overrun);
        }
        Ok(Step::Over(content))
    }

    pub(super) fn end(&self, at: u64) -> Result<(), Ending> {
        if at < self.end {
            return Err(Ending::Early { expected_at_least: self.end });
        }
        if self.content { Ok(()) } else { Err(Ending::Without(Fault::NoContent)) }
    }

    fn riff(&mut self, header: &[u8]) -> Result<Step, Fault> {
        let Some(&[b'R', b'I', b'F', b'F', s0, s1, s2, s3, b'W', b'E', b'B', b'P']) =
            header.first_chunk::<12>()
        else {
            return if header.len() < 12 { Ok(Step::Need(12)) } else { Err(Fault::Name) };
        };
        let size = u32::from_le_bytes([s0, s1, s2, s3]);
        // What holds a name and one chunk, and is filled by chunks of even length.
        if size < 12 || size % 2 != 0 {
            return Err(Fault::Size);
        }
        self.end = u64::from(size) + 8;
        Ok(Step::Over(0))
    }
}
