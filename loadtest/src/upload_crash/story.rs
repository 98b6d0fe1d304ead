//! One upload as its client knows it: what was sent, what was acknowledged, and everything that was said on the way.

use std::time::Instant;

use super::judge::Breach;

/// How an upload is begun. Resumable ones may be continued in the other dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dialect {
    Put,
    Tus,
    Draft,
}

impl Dialect {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Put => "PUT with a key",
            Self::Tus => "tus",
            Self::Draft => "resumable draft",
        }
    }
}

/// What its client has in mind with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It becomes an asset and is processed.
    Kept,
    /// It becomes an asset, which is read back and deleted.
    Deleted,
    /// It is given up when most of it is there.
    GivenUp,
}

/// How it ended for its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With an asset: its id.
    Finished(String),
    /// With an asset of this id, whose original was read back well before it was deleted.
    Deleted(String),
    /// The client gave it up, and was told that it is gone.
    Cancelled,
    /// Something is wrong with it, which is among the breaches already.
    Broken,
}

/// The upload.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) number: usize,
    pub(crate) dialect: Dialect,
    /// What its file was made from.
    pub(crate) media: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    /// Whose it is, among the clients.
    pub(crate) owner: usize,
    /// Of the asset to be; no other upload has it.
    pub(crate) title: String,
    pub(crate) fate: Fate,
    /// Furthest offset that any answer has named.
    pub(crate) acknowledged: u64,
    /// Furthest byte that was ever sent.
    pub(crate) sent: u64,
    pub(crate) ended: Option<Ended>,
    /// Seconds from the beginning of the run, and what happened.
    pub(crate) events: Vec<(f64, String)>,
    began: Instant,
}

impl Story {
    /// `began` is when the run did.
    pub(crate) fn new(
        number: usize,
        dialect: Dialect,
        media: &str,
        bytes: u64,
        sha256: String,
        owner: usize,
        began: Instant,
    ) -> Self {
        Self {
            number,
            dialect,
            media: media.to_owned(),
            bytes,
            sha256,
            owner,
            title: format!("upload {number}"),
            fate: Fate::Kept,
            acknowledged: 0,
            sent: 0,
            ended: None,
            events: Vec::new(),
            began,
        }
    }

    pub(crate) fn note(&mut self, what: impl Into<String>) {
        self.events.push((self.began.elapsed().as_secs_f64(), what.into()));
    }

    /// Bytes up to here are on their way.
    pub(crate) fn sends(&mut self, to: u64) {
        self.sent = self.sent.max(to);
    }

    /// An answer has named an offset: from now on it is acknowledged, and less must never be named again.
    ///
    /// # Errors
    /// When it is less than was acknowledged, or more than was sent.
    pub(crate) fn told(&mut self, offset: u64) -> Result<(), Breach> {
        if offset < self.acknowledged {
            return Err(Breach::WentBack { acknowledged: self.acknowledged, told: offset });
        }
        if offset > self.sent {
            return Err(Breach::NeverSent { sent: self.sent, told: offset });
        }
        self.acknowledged = offset;
        Ok(())
    }

    /// Everything that was acknowledged is void: another upload of the same file begins, under another title.
    pub(crate) fn begin_again(&mut self, attempt: usize) {
        (self.acknowledged, self.sent) = (0, 0);
        self.title = format!("upload {}.{attempt}", self.number);
    }

    /// When it began and when it was last heard of, in seconds.
    pub(crate) fn span(&self) -> (f64, f64) {
        let times = || self.events.iter().map(|(at, _)| *at);
        (times().fold(f64::INFINITY, f64::min), times().fold(0.0, f64::max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story() -> Story {
        Story::new(7, Dialect::Tus, "a.mp4", 100, String::new(), 0, Instant::now())
    }

    #[test]
    fn an_offset_that_was_named_once_is_never_undercut() {
        let mut story = story();
        story.sends(60);
        assert_eq!(story.told(40), Ok(()));
        assert_eq!(story.told(40), Ok(()));
        assert_eq!(story.told(39), Err(Breach::WentBack { acknowledged: 40, told: 39 }));
        assert_eq!(story.told(60), Ok(()));
    }

    #[test]
    fn nobody_may_name_bytes_that_were_never_sent() {
        let mut story = story();
        story.sends(10);
        assert_eq!(story.told(11), Err(Breach::NeverSent { sent: 10, told: 11 }));
    }

    #[test]
    fn one_that_begins_again_owes_nothing_to_the_first() {
        let mut story = story();
        story.sends(50);
        story.told(50).unwrap();
        story.begin_again(2);
        assert_eq!(story.told(0), Ok(()));
        assert_eq!(story.title, "upload 7.2");
    }
}
