//! How many pixels are decoded at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::ImageError;
use crate::header::Header;

/// What is counted: a hundredth of a megapixel, begun ones whole. Finer than the smallest picture matters.
const UNIT_PIXELS: u64 = 10_000;
const UNITS_PER_MEGAPIXEL: u32 = 100;

/// Bounds the megapixels that are decoded at once, and with them the memory.
///
/// First come, first served: a large picture is not passed by smaller ones for ever, and who gives up leaves the queue.
/// Clones share one budget.
#[derive(Clone, Debug)]
pub struct DecodeAdmission {
    budget: Arc<Semaphore>,
    units: u32,
}

/// Leave to decode one picture. Gives its megapixels back when dropped: hold it until the [`Picture`](crate::Picture) is
/// decoded, or also while variants are made if those should be bounded too.
#[derive(Debug)]
#[must_use = "the megapixels are given back when this is dropped"]
pub struct Admitted {
    permit: OwnedSemaphorePermit,
}

impl Admitted {
    /// The pixels that are held, rounded up to what is counted.
    #[must_use]
    pub fn pixels(&self) -> u64 {
        self.permit.num_permits() as u64 * UNIT_PIXELS
    }
}

impl DecodeAdmission {
    /// A budget of so many megapixels at once. The memory to expect for it is
    /// [`PEAK_BYTES_PER_PIXEL`](crate::PEAK_BYTES_PER_PIXEL) for each pixel, and
    /// [`PEAK_FIXED_BYTES`](crate::PEAK_FIXED_BYTES) for each picture under way. Give it at least what
    /// [`Limits`](crate::Limits) let through.
    #[must_use]
    pub fn new(max_megapixels: u32) -> Self {
        let units = max_megapixels.saturating_mul(UNITS_PER_MEGAPIXEL);
        Self { budget: Arc::new(Semaphore::new(units as usize)), units }
    }

    /// Waits until the picture's pixels are free. May be dropped at any time.
    ///
    /// # Errors
    /// [`ImageError::TooManyPixels`] at once when the picture is larger than the whole budget: it would break the bound
    /// even alone. [`ImageError::Closed`] after [`close`](Self::close).
    pub async fn admit(&self, header: &Header) -> Result<Admitted, ImageError> {
        let units = u32::try_from(header.pixels().div_ceil(UNIT_PIXELS)).unwrap_or(u32::MAX);
        if units > self.units {
            return Err(ImageError::TooManyPixels { width: header.width, height: header.height });
        }
        let permit = Arc::clone(&self.budget).acquire_many_owned(units).await;
        permit.map(|permit| Admitted { permit }).map_err(|_| ImageError::Closed)
    }

    /// Admits nobody more: who waits is refused, who was admitted goes on. For a process that is about to stop.
    pub fn close(&self) {
        self.budget.close();
    }

    /// The pixels that are free now.
    #[must_use]
    pub fn free_pixels(&self) -> u64 {
        self.budget.available_permits() as u64 * UNIT_PIXELS
    }
}
