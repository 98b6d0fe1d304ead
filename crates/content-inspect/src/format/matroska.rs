//! Matroska and WebM (RFC 9559): elements of the segment, and those of clusters that do not say how long they are.

use serde::{Deserialize, Serialize};

use super::{Ending, Step};
use crate::refusal::Fault;

/// What every such file begins with.
pub(crate) const EBML: [u8; 4] = [0x1a, 0x45, 0xdf, 0xa3];

const EBML_HEADER: u32 = 0x1a45_dfa3;
const DOCUMENT_TYPE: u32 = 0x4282;
const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1f43_b675;
const TRACKS: u32 = 0x1654_ae6b;
const VOID: u32 = 0xec;
const CRC_32: u32 = 0xbf;
/// Seek head, info, cues, attachments, chapters, tags.
const OTHERS_OF_SEGMENT: [u32; 6] =
    [0x114d_9b74, 0x1549_a966, 0x1c53_bb6b, 0x1941_a469, 0x1043_a770, 0x1254_c367];
/// Timestamp, silent tracks, position, size of the one before, simple block, block group, encrypted block.
const IN_CLUSTER: [u32; 7] = [0xe7, 0x5854, 0xa7, 0xab, 0xa3, 0xa0, 0xaf];

/// Where the walk through the elements stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Matroska {
    stage: Stage,
    /// Offset in bytes where the segment ends, if it says so: a live recording does not.
    segment_end: Option<u64>,
    /// Inside of a cluster that does not say how long it is.
    open_cluster: bool,
    description: bool,
    content: bool,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    #[default]
    Header,
    Segment,
    Inside,
}

/// The header of one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) id: u32,
    /// Bytes after the header; `None` if it does not say.
    pub(crate) size: Option<u64>,
    /// Length of the header in bytes.
    pub(crate) bytes: usize,
}

impl Matroska {
    pub(super) fn step(&mut self, header: &[u8], start: u64) -> Result<Step, Fault> {
        if self.segment_end.is_some_and(|end| start >= end) {
            return Err(Fault::TrailingData);
        }
        let Some(found) = element(header)? else { return Ok(Step::Need(header.len().saturating_add(1))) };
        let content = start.saturating_add(found.bytes as u64);
        match self.stage {
            Stage::Header if found.id == EBML_HEADER => self.stage = Stage::Segment,
            Stage::Segment if found.id == SEGMENT => {
                self.stage = Stage::Inside;
                self.segment_end =
                    found.size.map(|size| content.checked_add(size).ok_or(Fault::Size)).transpose()?;
                return Ok(Step::Over(0));
            }
            Stage::Segment if found.id == VOID => {}
            Stage::Inside => self.note(found)?,
            Stage::Header | Stage::Segment => return Err(Fault::Name),
        }
        let Some(size) = found.size else {
            // Its elements are walked through like those of the segment.
            return if self.open_cluster && found.id == CLUSTER {
                Ok(Step::Over(0))
            } else {
                Err(Fault::Size)
            };
        };
        let end = content.checked_add(size).ok_or(Fault::Size)?;
        if self.segment_end.is_some_and(|segment_end| end > segment_end) {
            return Err(Fault::Overrun);
        }
        Ok(Step::Over(size))
    }

    pub(super) fn end(&self, at: u64) -> Result<(), Ending> {
        match self.segment_end {
            Some(expected_at_least) if at < expected_at_least => Err(Ending::Early { expected_at_least }),
            _ if !matches!(self.stage, Stage::Inside) => {
                Err(Ending::Early { expected_at_least: at.saturating_add(1) })
            }
            _ if !self.description => Err(Ending::Without(Fault::NoDescription)),
            _ if !self.content => Err(Ending::Without(Fault::NoContent)),
            _ => Ok(()),
        }
    }

    fn note(&mut self, found: Element) -> Result<(), Fault> {
        match found.id {
            CLUSTER => {
                self.content = true;
                self.open_cluster = found.size.is_none();
            }
            TRACKS => {
                self.description = true;
                self.open_cluster = false;
            }
            VOID | CRC_32 => {}
            id if OTHERS_OF_SEGMENT.contains(&id) => self.open_cluster = false,
            id if self.open_cluster && IN_CLUSTER.contains(&id) => {}
            _ => return Err(Fault::Name),
        }
        Ok(())
    }
}

/// Reads an element's header off the front of `bytes`; `None` if it is longer than they are.
pub(crate) fn element(bytes: &[u8]) -> Result<Option<Element>, Fault> {
    let Some(&first) = bytes.first() else { return Ok(None) };
    let id_length = width(first);
    if id_length > 4 {
        return Err(Fault::Name);
    }
    let Some((id, rest)) = bytes.split_at_checked(id_length) else { return Ok(None) };
    let Some(&first) = rest.first() else { return Ok(None) };
    let size_length = width(first);
    if size_length > 8 {
        return Err(Fault::Size);
    }
    let Some(size) = rest.get(..size_length) else { return Ok(None) };
    // The bit that says how long the number is does not belong to it.
    let marker = 1_u64 << (7 * size_length);
    let value = number(size) ^ marker;
    let size = (value != marker - 1).then_some(value);
    let id = u32::try_from(number(id)).map_err(|_| Fault::Name)?;
    Ok(Some(Element { id, size, bytes: id_length + size_length }))
}

/// The document type in the body of an EBML header.
pub(crate) fn document_type(mut header: &[u8]) -> Option<&[u8]> {
    while let Ok(Some(found)) = element(header) {
        let (_, rest) = header.split_at_checked(found.bytes)?;
        let (value, rest) = rest.split_at_checked(usize::try_from(found.size?).ok()?)?;
        if found.id == DOCUMENT_TYPE {
            // May be padded with zeros.
            return value.split(|&byte| byte == 0).next();
        }
        header = rest;
    }
    None
}

/// How many bytes a number has that begins with `first`; nine if it is none.
const fn width(first: u8) -> usize {
    first.leading_zeros() as usize + 1
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}
