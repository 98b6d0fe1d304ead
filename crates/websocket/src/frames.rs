//! How much a client may send over a WebSocket at once. The parser behind this looks at the size of a frame only when all of
//! it has come, so whoever announces a terabyte would be held to nothing; here the head of each frame is read before its
//! body is let through (RFC 6455 §5.2).

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_util::Stream;

/// Most bytes of one frame. Clients have nothing to say but that they are there or leave.
pub const MAX_FRAME: u64 = 1024;

/// Reads the heads of frames out of a stream of bytes that is cut anywhere.
#[derive(Debug, Default)]
struct Heads {
    /// What has come of a head.
    head: Vec<u8>,
    /// Bytes of the body that are still to come.
    body: u64,
}

impl Heads {
    /// Takes the next bytes. False once a frame is announced that is too large; what follows is of no interest.
    fn take(&mut self, mut bytes: &[u8]) -> bool {
        while let Some((&first, rest)) = bytes.split_first() {
            if self.body > 0 {
                let len = usize::try_from(self.body).unwrap_or(usize::MAX).min(bytes.len());
                self.body -= len as u64;
                bytes = bytes.get(len..).unwrap_or_default();
                continue;
            }
            self.head.push(first);
            bytes = rest;
            if let Some(len) = body_length(&self.head) {
                if len > MAX_FRAME {
                    return false;
                }
                self.head.clear();
                self.body = len;
            }
        }
        true
    }
}

/// The length that a head announces, once all of the head is there; the mask counts to the head.
fn body_length(head: &[u8]) -> Option<u64> {
    const MASKED: u8 = 0x80;
    let second = *head.get(1)?;
    let extended = match second & !MASKED {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mask = if second & MASKED == 0 { 0 } else { 4 };
    if head.len() < 2 + extended + mask {
        return None;
    }
    let digits = head.get(2..2 + extended).unwrap_or_default();
    Some(match extended {
        0 => u64::from(second & !MASKED),
        _ => digits.iter().fold(0, |length, digit| length << 8 | u64::from(*digit)),
    })
}

/// A request's body that ends with an error before a frame that is too large.
pub(crate) struct Bounded<S> {
    bytes: S,
    heads: Heads,
    refused: bool,
}

impl<S> Bounded<S> {
    pub(crate) fn new(bytes: S) -> Self {
        Self { bytes, heads: Heads::default(), refused: false }
    }
}

impl<S: Stream<Item = Result<Bytes, PayloadError>> + Unpin> Stream for Bounded<S> {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.refused {
            return Poll::Ready(None);
        }
        let next = std::task::ready!(Pin::new(&mut self.bytes).poll_next(context));
        if let Some(Ok(bytes)) = &next
            && !self.heads.take(bytes)
        {
            self.refused = true;
            return Poll::Ready(Some(Err(PayloadError::Overflow)));
        }
        Poll::Ready(next)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A masked frame, as clients send them.
    fn frame(len: u64) -> Vec<u8> {
        let mut frame = vec![0x82];
        match len {
            0..126 => frame.push(0x80 | u8::try_from(len).unwrap()),
            126..65536 => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(len).unwrap().to_be_bytes());
            }
            _ => {
                frame.push(0x80 | 127);
                frame.extend(len.to_be_bytes());
            }
        }
        frame.extend([1, 2, 3, 4]);
        frame.extend(std::iter::repeat_n(0xff, usize::try_from(len.min(MAX_FRAME)).unwrap()));
        frame
    }

    #[test]
    fn a_frame_is_refused_by_its_head() {
        for fine in [0, 1, 125, 126, MAX_FRAME] {
            assert!(Heads::default().take(&frame(fine)), "{fine}");
        }
        for large in [MAX_FRAME + 1, 65_536, 1 << 40, u64::MAX] {
            assert!(!Heads::default().take(&frame(large)), "{large}");
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_bytes_are_cut(
            lens in prop::collection::vec(0..=MAX_FRAME, 0..6), cut in 1..40_usize, large: bool
        ) {
            let mut bytes: Vec<u8> = lens.iter().flat_map(|len| frame(*len)).collect();
            if large {
                bytes.extend(frame(MAX_FRAME + 1));
            }
            let mut heads = Heads::default();
            prop_assert_eq!(bytes.chunks(cut).all(|chunk| heads.take(chunk)), !large);
            if !large {
                prop_assert!(heads.body == 0 && heads.head.is_empty());
            }
        }
    }
}
