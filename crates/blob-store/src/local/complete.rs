//! From segments to an object.
//!
//! An object never changes. So no descriptor that could write to it may be open anywhere when a segment becomes one, which
//! a paused writer of an older epoch may well have. Two rules see to that, either of which would do on one machine:
//!
//! - A writer holds an exclusive lock (`flock`) on its segment as long as its descriptor is open, calls that were
//!   abandoned but still run included; a segment is only renamed while the completing call holds that lock. Who opens a
//!   segment takes the lock first and then looks whether it still is where it was: after a rename it is not.
//! - Only a segment of the state's own epoch is renamed. Where locks do not reach other machines (some network file
//!   systems), a writer of an older epoch can therefore not have the object open either.
//!
//! Where a rule does not hold, or there are several segments, the bytes that count are copied by the kernel; old writers
//! keep descriptors of files that nobody reads and that are deleted.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};

use uuid::Uuid;

use super::{Layout, durable, look_up};
use crate::error::StorageError;
use crate::key::ObjectKey;
use crate::meta::ObjectMeta;
use crate::state::{PartialState, Segment};

/// Makes the object, or finds that an earlier call which was cut short has made it.
pub(super) fn complete(
    layout: &Layout,
    upload: Uuid,
    state: &PartialState,
    key: &ObjectKey,
) -> Result<ObjectMeta, StorageError> {
    let target = layout.object(key);
    match open_segments(layout, upload, state) {
        Ok(segments) => match own_and_only(layout, upload, state)? {
            Some((segment, file)) => {
                // What was written after the state was taken does not count. The state's own bytes are durable already.
                if file.metadata()?.len() != segment.bytes {
                    file.set_len(segment.bytes)?;
                    file.sync_data()?;
                }
                durable::rename(layout, &layout.partial(upload).join(segment.name()), &target)?;
            }
            None => copy(layout, segments, state.offset(), &target)?,
        },
        Err(StorageError::NotFound(missing)) => {
            // After the rename, before the return: the entry may not be durable yet.
            let made = look_up(layout, key)?.filter(|object| object.bytes == state.offset());
            if made.is_none() {
                return Err(StorageError::NotFound(missing));
            }
            durable::sync_folders(target.parent().unwrap_or(&target), &layout.objects())?;
        }
        Err(other) => return Err(other),
    }
    if let Err(error) = durable::remove_partial(layout, upload) {
        // The object is there; what is left over is listed, and removed by whoever looks after leftovers.
        tracing::warn!(%upload, error = %error, "segments of a completed upload are left");
    }
    confirm(layout, key, state.offset())
}

/// Opens what has content, and checks that at least the bytes that count are there.
pub(super) fn open_segments(
    layout: &Layout,
    upload: Uuid,
    state: &PartialState,
) -> Result<Vec<(File, u64)>, StorageError> {
    let folder = layout.partial(upload);
    let open = |segment: &Segment| {
        let file = File::open(folder.join(segment.name()))?;
        check_length(segment, &file)?;
        Ok((file, segment.bytes))
    };
    state.filled().map(open).collect()
}

pub(super) fn check_length(segment: &Segment, file: &File) -> Result<(), StorageError> {
    let found = file.metadata()?.len();
    if found < segment.bytes {
        let detail = format!("segment {} has {found} of {} bytes", segment.name(), segment.bytes);
        return Err(StorageError::Corrupt { detail });
    }
    Ok(())
}

/// The one segment that may become the object as it is, locked.
fn own_and_only<'a>(
    layout: &Layout,
    upload: Uuid,
    state: &'a PartialState,
) -> Result<Option<(&'a Segment, File)>, StorageError> {
    let mut filled = state.filled();
    let (Some(segment), None) = (filled.next(), filled.next()) else { return Ok(None) };
    if segment.epoch != state.epoch {
        return Ok(None);
    }
    let file = OpenOptions::new().write(true).open(layout.partial(upload).join(segment.name()))?;
    Ok(file.try_lock().is_ok().then_some((segment, file)))
}

fn copy(
    layout: &Layout,
    segments: Vec<(File, u64)>,
    bytes: u64,
    target: &std::path::Path,
) -> Result<(), StorageError> {
    let mut made = layout.temporary_file()?;
    let mut copied: u64 = 0;
    for (file, counts) in segments {
        // From file to file: the kernel copies, through no buffer of ours.
        copied = copied.saturating_add(io::copy(&mut file.take(counts), made.as_file_mut())?);
    }
    if copied != bytes {
        return Err(StorageError::Corrupt { detail: format!("{copied} of {bytes} bytes could be copied") });
    }
    durable::place(layout, made, target)
}

/// The object as it is now, which must have the length that was acknowledged (U-C1).
fn confirm(layout: &Layout, key: &ObjectKey, bytes: u64) -> Result<ObjectMeta, StorageError> {
    match look_up(layout, key)? {
        Some(object) if object.bytes == bytes => Ok(object),
        Some(object) => {
            Err(StorageError::Corrupt { detail: format!("{key} has {} of {bytes} bytes", object.bytes) })
        }
        None => Err(StorageError::Corrupt { detail: format!("{key} is missing after it was made") }),
    }
}
