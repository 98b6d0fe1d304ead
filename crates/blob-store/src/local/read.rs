//! Files as streams.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use bytes::Bytes;
use futures_util::stream;

use crate::blocking::blocking;
use crate::error::StorageError;
use crate::stream::{CHUNK, ObjectStream};

/// The ranges of the files, one after the other; one hop to a blocking thread per chunk.
pub(super) fn stream(pieces: Vec<(File, Range<u64>)>) -> ObjectStream {
    let bytes = pieces.iter().map(|(_, range)| range.end.saturating_sub(range.start)).sum();
    let mut pieces = pieces.into_iter();
    let first = pieces.next();
    ObjectStream::new(
        bytes,
        stream::try_unfold((first, pieces), |(mut current, mut pieces)| async move {
            while let Some((file, range)) = current {
                if range.is_empty() {
                    current = pieces.next();
                    continue;
                }
                let (chunk, file, at) = next_chunk(file, range.clone()).await?;
                return Ok(Some((chunk, (Some((file, at..range.end)), pieces))));
            }
            Ok(None)
        }),
    )
}

async fn next_chunk(file: File, range: Range<u64>) -> Result<(Bytes, File, u64), StorageError> {
    blocking(move || {
        let wanted = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(CHUNK).min(CHUNK);
        let mut buffer = vec![0; wanted];
        let read = read_at(&file, &mut buffer, range.start)?;
        if read == 0 {
            return Err(StorageError::corrupt(format!("the file ends at {} of {}", range.start, range.end)));
        }
        buffer.truncate(read);
        Ok((Bytes::from(buffer), file, range.start.saturating_add(read as u64)))
    })
    .await
}

fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match file.read_at(buffer, offset) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}
