//! GIF (89a): a screen, then images and extensions in blocks of at most 255 bytes, then a trailer.

use serde::{Deserialize, Serialize};

use super::{Ending, Step};
use crate::refusal::Fault;

const IMAGE: u8 = 0x2c;
const EXTENSION: u8 = 0x21;
const TRAILER: u8 = 0x3b;

/// Where the walk through the blocks stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Gif {
    stage: Stage,
    content: bool,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    #[default]
    Screen,
    /// Before an image, an extension or the trailer.
    Block,
    /// Before a block of one of them, of which the last is empty.
    SubBlock,
    Ended,
}

impl Gif {
    pub(super) fn step(&mut self, header: &[u8]) -> Result<Step, Fault> {
        let Some(&first) = header.first() else { return Ok(Step::Need(1)) };
        match self.stage {
            Stage::Screen => {
                let Some(screen) = header.first_chunk::<13>() else { return Ok(Step::Need(13)) };
                self.stage = Stage::Block;
                Ok(Step::Over(colours(screen[10])))
            }
            Stage::Block => self.block(first, header),
            Stage::SubBlock => {
                if first == 0 {
                    self.stage = Stage::Block;
                }
                Ok(Step::Over(u64::from(first)))
            }
            Stage::Ended => Err(Fault::TrailingData),
        }
    }

    pub(super) fn end(&self, at: u64) -> Result<(), Ending> {
        match self.stage {
            Stage::Ended => Ok(()),
            _ => Err(Ending::Early { expected_at_least: at.saturating_add(1) }),
        }
    }

    fn block(&mut self, first: u8, header: &[u8]) -> Result<Step, Fault> {
        match first {
            IMAGE => {
                let Some(image) = header.first_chunk::<10>() else { return Ok(Step::Need(10)) };
                self.content = true;
                self.stage = Stage::SubBlock;
                // After the colours, one byte says how the image is encoded.
                Ok(Step::Over(colours(image[9]) + 1))
            }
            EXTENSION => {
                self.stage = Stage::SubBlock;
                Ok(Step::Over(1))
            }
            TRAILER if !self.content => Err(Fault::NoContent),
            TRAILER => {
                self.stage = Stage::Ended;
                Ok(Step::Rest { at_most: 0 })
            }
            _ => Err(Fault::Name),
        }
    }
}

/// Length in bytes of the table of colours that `flags` announce.
fn colours(flags: u8) -> u64 {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}
