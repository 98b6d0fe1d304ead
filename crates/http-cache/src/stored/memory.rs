//! What a piece of memory truly costs.

use std::sync::Arc;

/// What the allocator sets aside for `bytes`: mimalloc has four sizes to each doubling, steps of 16 below 128 bytes.
/// glibc never needs more. Nothing for nothing.
pub(crate) const fn allocated(bytes: usize) -> usize {
    if bytes == 0 {
        return 0;
    }
    if bytes <= 128 {
        return bytes.next_multiple_of(16);
    }
    let step = 1_usize << ((bytes - 1).ilog2() - 2);
    bytes.next_multiple_of(step)
}

/// What an `Arc<T>` sets aside: the value and its two counts.
pub(crate) const fn shared<T>() -> usize {
    allocated(size_of::<Arc<()>>() * 2 + size_of::<T>())
}

/// What `Bytes` of its own sets aside: the octets, and the count that comes with the first clone.
pub(crate) const fn octets(len: usize) -> usize {
    if len == 0 { 0 } else { allocated(len) + allocated(3 * size_of::<usize>()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_allocator() {
        for (asked, got) in [
            (0, 0),
            (1, 16),
            (16, 16),
            (17, 32),
            (128, 128),
            (129, 160),
            (2048, 2048),
            (2049, 2560),
            (2560, 2560),
            (2561, 3072),
        ] {
            assert_eq!(allocated(asked), got, "{asked}");
        }
        for bytes in 1..10_000 {
            let got = allocated(bytes);
            assert!(got >= bytes && got <= bytes + bytes / 4 + 16, "{bytes}: {got}");
        }
    }
}
