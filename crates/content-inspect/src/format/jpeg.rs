//! JPEG (ITU-T T.81): marker segments, and scans whose end is the next marker.

use serde::{Deserialize, Serialize};

use super::{Ending, Step};
use crate::refusal::Fault;

/// Bytes that may follow the end of the image: phones put a second picture, a depth map or a short film there.
const MAX_TRAILER: u64 = 16 << 20;

const START_OF_IMAGE: u8 = 0xd8;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;

/// Where the walk through the markers stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Jpeg {
    stage: Stage,
    /// The last segment began a scan.
    in_scan: bool,
    description: bool,
    content: bool,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    #[default]
    Start,
    /// Before the `ff` of a marker.
    Marker,
    /// Before the byte that says which marker it is.
    Code,
    /// In what a scan has encoded.
    Scan,
    Ended,
}

impl Jpeg {
    pub(super) fn step(&mut self, header: &[u8]) -> Result<Step, Fault> {
        let Some(&first) = header.first() else { return Ok(Step::Need(1)) };
        match self.stage {
            Stage::Start => match header {
                [_] => Ok(Step::Need(2)),
                [0xff, START_OF_IMAGE, ..] => Ok(self.next(Stage::Marker)),
                _ => Err(Fault::Name),
            },
            Stage::Marker | Stage::Scan if first == 0xff => Ok(self.next(Stage::Code)),
            Stage::Marker => Err(Fault::Name),
            Stage::Scan => Ok(Step::Until(0xff)),
            Stage::Code => self.marker(first, header),
            Stage::Ended => Err(Fault::TrailingData),
        }
    }

    pub(super) fn end(&self, at: u64) -> Result<(), Ending> {
        match self.stage {
            Stage::Ended => Ok(()),
            _ => Err(Ending::Early { expected_at_least: at.saturating_add(1) }),
        }
    }

    fn marker(&mut self, code: u8, header: &[u8]) -> Result<Step, Fault> {
        match code {
            // Any number of `ff` may stand before the code.
            0xff => Ok(Step::Over(0)),
            // An `ff` of the encoded data, or a restart in it.
            0x00 | 0xd0..=0xd7 if self.in_scan => Ok(self.next(Stage::Scan)),
            0x00..=0xbf | 0xd0..=START_OF_IMAGE => Err(Fault::Name),
            END_OF_IMAGE if !self.content => Err(Fault::NoContent),
            END_OF_IMAGE => {
                self.stage = Stage::Ended;
                Ok(Step::Rest { at_most: MAX_TRAILER })
            }
            _ => self.segment(code, header),
        }
    }

    fn segment(&mut self, code: u8, header: &[u8]) -> Result<Step, Fault> {
        let Some(&[_, high, low]) = header.first_chunk::<3>() else { return Ok(Step::Need(3)) };
        // The length counts its own two bytes.
        let content = u16::from_be_bytes([high, low]).checked_sub(2).ok_or(Fault::Size)?;
        match code {
            // Tables that have numbers among those of frames.
            0xc4 | 0xc8 | 0xcc => {}
            0xc0..=0xcf => self.description = true,
            START_OF_SCAN if !self.description => return Err(Fault::NoDescription),
            START_OF_SCAN => self.content = true,
            _ => {}
        }
        self.in_scan = code == START_OF_SCAN;
        self.stage = if self.in_scan { Stage::Scan } else { Stage::Marker };
        Ok(Step::Over(u64::from(content)))
    }

    fn next(&mut self, stage: Stage) -> Step {
        self.stage = stage;
        Step::Over(0)
    }
}
