//! Sizes. Pure. All results are even, which 4:2:0 needs.

/// A size in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Size {
    pub(crate) const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// The largest size of the same shape in `room`, larger than itself if need be.
    pub(crate) fn filling(self, room: Self) -> Self {
        let (width, height) = (u64::from(self.width.max(1)), u64::from(self.height.max(1)));
        let (room_width, room_height) = (u64::from(room.width), u64::from(room.height));
        if width * room_height >= height * room_width {
            Self::new(room.width, even(room_width * height, width)).at_most(room)
        } else {
            Self::new(even(room_height * width, height), room.height).at_most(room)
        }
    }

    /// The same, but never larger than itself.
    pub(crate) fn shrunk_into(self, room: Self) -> Self {
        if self.width <= room.width && self.height <= room.height {
            Self::new(even(self.width.into(), 1), even(self.height.into(), 1))
        } else {
            self.filling(room)
        }
    }

    fn at_most(self, room: Self) -> Self {
        let cut = |side: u32, room: u32| side.min(room & !1).max(2);
        Self::new(cut(self.width, room.width), cut(self.height, room.height))
    }
}

/// The even number nearest to `above / below`, at least 2.
fn even(above: u64, below: u64) -> u32 {
    let halves = (above + below) / (2 * below.max(1));
    u32::try_from(halves.max(1) * 2).unwrap_or(u32::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HD: Size = Size::new(1280, 720);

    #[test]
    fn the_shape_is_kept_in_both_directions() {
        assert_eq!(Size::new(1920, 1080).filling(HD), HD);
        assert_eq!(Size::new(640, 360).filling(HD), HD);
        assert_eq!(Size::new(1080, 1920).filling(HD), Size::new(406, 720));
        assert_eq!(Size::new(2560, 1080).filling(HD), Size::new(1280, 540));
    }

    #[test]
    fn small_ones_are_not_made_larger_when_they_may_not_be() {
        assert_eq!(Size::new(641, 361).shrunk_into(HD), Size::new(642, 362));
        assert_eq!(Size::new(1920, 1080).shrunk_into(HD), HD);
    }

    #[test]
    fn the_strangest_shapes_have_a_size() {
        assert_eq!(Size::new(8192, 1).filling(HD), Size::new(1280, 2));
        assert_eq!(Size::new(1, 8192).filling(HD), Size::new(2, 720));
        assert_eq!(Size::new(0, 0).filling(HD).height, 720);
    }
}
