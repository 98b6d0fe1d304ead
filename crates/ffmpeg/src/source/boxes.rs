//! The outermost boxes of an MP4: whether the file is as long as they say. ffmpeg decodes what is left of a video that was cut
//! off and reports success.

use std::io::{self, Read, Seek, SeekFrom};

use crate::error::MediaError;

/// Boxes that are looked at. Live recordings have two for every second or so.
const MAX_BOXES: usize = 200_000;

/// Walks over the boxes of a file of `length` bytes.
pub(super) fn check(file: &mut (impl Read + Seek), length: u64) -> Result<(), MediaError> {
    let mut at = 0;
    let mut has_index = false;
    for _ in 0..MAX_BOXES {
        let Some(found) = next(file, at, length)? else { break };
        if !is_name(found.kind) {
            // Some cameras put things of their own behind the last box.
            break;
        }
        has_index |= &found.kind == b"moov";
        at = match at.checked_add(found.size) {
            Some(end) if end <= length => end,
            _ => return Err(damaged(&format!("{} ends behind the file", name(found.kind)))),
        };
    }
    if has_index { Ok(()) } else { Err(damaged("it has no index (moov)")) }
}

struct Found {
    kind: [u8; 4],
    size: u64,
}

/// The box at `at`; `None` at the end.
fn next(file: &mut (impl Read + Seek), at: u64, length: u64) -> io::Result<Option<Found>> {
    let rest = length.saturating_sub(at);
    if rest < 8 {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(at))?;
    let mut size = [0; 4];
    let mut kind = [0; 4];
    file.read_exact(&mut size)?;
    file.read_exact(&mut kind)?;
    let size = match u32::from_be_bytes(size) {
        // To the end of the file.
        0 => rest,
        // The size follows in eight bytes.
        1 if rest >= 16 => {
            let mut size = [0; 8];
            file.read_exact(&mut size)?;
            u64::from_be_bytes(size).max(16)
        }
        // Never less than its own head, or the walk would not end.
        size => u64::from(size).max(8),
    };
    Ok(Some(Found { kind, size }))
}

fn is_name(kind: [u8; 4]) -> bool {
    kind.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ')
}

fn name(kind: [u8; 4]) -> String {
    String::from_utf8_lossy(&kind).into_owned()
}

fn damaged(detail: &str) -> MediaError {
    MediaError::Damaged { detail: detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn boxed(kind: &[u8; 4], content: usize) -> Vec<u8> {
        let size = u32::try_from(content + 8).unwrap();
        [&size.to_be_bytes()[..], kind, &vec![0; content]].concat()
    }

    fn checked(parts: &[&[u8]]) -> Result<(), MediaError> {
        let bytes = parts.concat();
        let length = bytes.len() as u64;
        check(&mut Cursor::new(bytes), length)
    }

    #[test]
    fn a_whole_file_passes_with_its_index_first_or_last() {
        checked(&[&boxed(b"ftyp", 8), &boxed(b"moov", 30), &boxed(b"mdat", 50)]).unwrap();
        checked(&[&boxed(b"ftyp", 8), &boxed(b"mdat", 50), &boxed(b"moov", 30)]).unwrap();
    }

    #[test]
    fn a_file_that_was_cut_off_does_not() {
        let content = boxed(b"mdat", 50);
        let cut = checked(&[&boxed(b"ftyp", 8), &boxed(b"moov", 30), &content[..40]]);
        assert!(matches!(cut, Err(MediaError::Damaged { detail }) if detail.contains("mdat")));
        let no_index = checked(&[&boxed(b"ftyp", 8), &content]);
        assert!(matches!(no_index, Err(MediaError::Damaged { detail }) if detail.contains("moov")));
    }

    #[test]
    fn sizes_that_lie_end_the_walk() {
        let huge = [&1_u32.to_be_bytes()[..], b"mdat", &u64::MAX.to_be_bytes()].concat();
        assert!(checked(&[&boxed(b"moov", 0), &huge]).is_err());
        let tiny = [&2_u32.to_be_bytes()[..], b"free"].concat();
        checked(&[&tiny, &boxed(b"moov", 0)]).unwrap();
    }

    #[test]
    fn a_last_box_without_a_size_and_things_behind_it_are_fine() {
        let open = [&0_u32.to_be_bytes()[..], b"mdat", &[0; 9]].concat();
        checked(&[&boxed(b"moov", 0), &open]).unwrap();
        checked(&[&boxed(b"moov", 0), &boxed(b"mdat", 3), &[0xff; 20]]).unwrap();
        checked(&[&boxed(b"moov", 0), &boxed(b"mdat", 3), &[0; 5]]).unwrap();
    }
}
