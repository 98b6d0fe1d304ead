//! Writing an upload.

use bytes::Bytes;

use crate::error::StorageError;
use crate::local::LocalWriter;
use crate::s3::S3Writer;
use crate::state::PartialState;

/// Writes one upload from where it was begun or resumed. One at a time is the writer in charge; the caller's database says
/// which, by its epoch. One that is not any more does no harm.
///
/// Every call is to be awaited to its end. After one that was dropped in between, or failed in a way that leaves unknown
/// what is written, each call fails: resume from the last state. A writer that is dropped loses what is not durable.
#[derive(Debug)]
pub struct PartialWriter(Inner);

#[derive(Debug)]
enum Inner {
    Local(LocalWriter),
    S3(Box<S3Writer>),
}

impl PartialWriter {
    pub(crate) fn local(writer: LocalWriter) -> Self {
        Self(Inner::Local(writer))
    }

    pub(crate) fn s3(writer: S3Writer) -> Self {
        Self(Inner::S3(Box::new(writer)))
    }

    /// Appends `chunk`. One hop to a blocking thread, so chunks of 256 KiB to 1 MiB are best (T17).
    ///
    /// It waits when the storage is slower than the sender. On S3 the call that fills a part waits for room in memory.
    ///
    /// # Errors
    /// [`StorageError::Full`]: nothing of the chunk counts; the writer may be closed, or the chunk tried again.
    /// Others as they come.
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), StorageError> {
        match &mut self.0 {
            Inner::Local(writer) => writer.write(chunk).await,
            Inner::S3(writer) => writer.write(chunk).await,
        }
    }

    /// The offset after the last byte written, durable or not.
    pub fn written(&self) -> u64 {
        match &self.0 {
            Inner::Local(writer) => writer.written(),
            Inner::S3(writer) => writer.written(),
        }
    }

    /// Makes durable what can be: on disk everything (`fdatasync`), on S3 the whole parts. The state's offset is never more
    /// than [`PartialWriter::written`], and never less than that of a state before (U-D3).
    ///
    /// # Errors
    /// What the storage reports; no state before is touched by it.
    pub async fn sync(&mut self) -> Result<PartialState, StorageError> {
        match &mut self.0 {
            Inner::Local(writer) => writer.sync().await,
            Inner::S3(writer) => writer.sync().await,
        }
    }

    /// Ends the writer; everything written is durable. On S3 what is less than a part becomes an object of its own.
    ///
    /// # Errors
    /// What the storage reports; no state before is touched by it.
    pub async fn close(self) -> Result<PartialState, StorageError> {
        match self.0 {
            Inner::Local(mut writer) => writer.sync().await,
            Inner::S3(writer) => writer.close().await,
        }
    }
}
