//! Whether two numbers are the same parcel's.

use tracking_number::{
    Candidate, Carrier, CheckDigit, Kind, Readings, Recognition, TrackingNumber, readings, recognise,
};

/// Shorter numbers are somebody's own count, and others count too.
const MIN_TELLING_CHARS: usize = 8;

/// A number with all that can be known of it alone.
pub(super) struct ScannedNumber {
    number: TrackingNumber,
    recognition: Recognition,
    readings: Readings,
}

/// How two numbers compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Agreement {
    /// They are the same.
    Same,
    /// They are the same, but short.
    Short,
    /// One lies within the other, or the same number within both.
    Embedded(TrackingNumber),
    /// They are the same once a misreading is undone; the number that is meant.
    Reading(TrackingNumber),
    /// One character was left out, added, replaced or exchanged with its neighbour.
    Near,
    /// They are two numbers.
    Differs,
}

/// A comparison, and whether a check digit supports it.
pub(super) struct Compared {
    pub(super) agreement: Agreement,
    pub(super) check_confirms: bool,
}

impl ScannedNumber {
    /// Nothing where the code is no number: then it says nothing.
    pub(super) fn read(code: &str) -> Option<Self> {
        let number = TrackingNumber::normalise(code).ok()?;
        Some(Self { recognition: recognise(&number), readings: readings(&number), number })
    }

    /// The only carrier that the number can belong to. A length that one carrier uses does not keep others from using it.
    pub(super) fn carrier(&self) -> Option<Carrier> {
        let by_length = |candidate: &Candidate| candidate.kind == Kind::ColombianLength;
        self.recognition.carrier().filter(|_| !self.recognition.plausible().any(by_length))
    }

    /// Numbers from 92 travel with two carriers in turn.
    pub(super) fn is_shared_by(&self, one: Carrier, other: Carrier) -> bool {
        let sharing = [Carrier::Fedex, Carrier::Usps, Carrier::DhlEcommerce];
        self.recognition.plausible().any(|candidate| candidate.kind == Kind::FedexGroundEconomy)
            && sharing.contains(&one)
            && sharing.contains(&other)
    }

    /// Compares it with an announced number; `None` where that is none. A check digit counts by the rule of `carrier`, where
    /// that is known: every seventh number of anybody passes DHL's.
    pub(super) fn compare(&self, guide: &str, carrier: Option<Carrier>) -> Option<Compared> {
        let announced = Self::read(guide)?;
        if self.number == announced.number {
            let agreement = if self.tells() { Agreement::Same } else { Agreement::Short };
            return Some(Compared { agreement, check_confirms: self.tells() && self.passes(carrier) });
        }
        if let Some((inside, check_confirms)) = self.shared_part(&announced) {
            return Some(Compared { agreement: Agreement::Embedded(inside), check_confirms });
        }
        // Two numbers that both pass are two numbers, however alike they look.
        let alike = !(self.passes(carrier) && announced.passes(carrier));
        if let Some((meant, check_confirms)) = self.reading_shared_with(&announced, carrier).filter(|_| alike)
        {
            return Some(Compared { agreement: Agreement::Reading(meant), check_confirms });
        }
        let near = alike
            && self.tells()
            && strsim::osa_distance(self.number.as_str(), announced.number.as_str()) == 1;
        let agreement = if near { Agreement::Near } else { Agreement::Differs };
        Some(Compared { agreement, check_confirms: false })
    }

    fn tells(&self) -> bool {
        self.number.as_str().len() >= MIN_TELLING_CHARS
    }

    fn passes(&self, carrier: Option<Carrier>) -> bool {
        let valid = |candidate: &Candidate| candidate.check == CheckDigit::Valid;
        self.recognition
            .candidates
            .iter()
            .any(|candidate| valid(candidate) && is_rule_of(candidate.carrier, carrier))
    }

    /// A number that is or lies in both, and whether its check digit agrees.
    fn shared_part(&self, other: &Self) -> Option<(TrackingNumber, bool)> {
        self.parts().find_map(|(part, passes)| {
            let (_, passes_there) = other.parts().find(|(there, _)| *there == part)?;
            Some((part.clone(), passes || passes_there))
        })
    }

    fn parts(&self) -> impl Iterator<Item = (&TrackingNumber, bool)> {
        let hidden = self.recognition.plausible();
        let hidden = hidden.map(|candidate| (&candidate.number, candidate.check == CheckDigit::Valid));
        hidden.chain([(&self.number, false)])
    }

    /// Either side may hold the misreading: a scan by camera, or what the customer typed.
    fn reading_shared_with(
        &self,
        announced: &Self,
        carrier: Option<Carrier>,
    ) -> Option<(TrackingNumber, bool)> {
        read_as(self, announced, carrier).or_else(|| read_as(announced, self, carrier))
    }
}

fn read_as(
    misread: &ScannedNumber,
    meant: &ScannedNumber,
    carrier: Option<Carrier>,
) -> Option<(TrackingNumber, bool)> {
    let reading = misread.readings.all.iter().find(|reading| reading.number == meant.number)?;
    let confirmed = misread
        .readings
        .confirmed()
        .is_some_and(|confirmed| confirmed.number == meant.number && is_rule_of(confirmed.carrier, carrier));
    Some((reading.number.clone(), confirmed))
}

fn is_rule_of(owner: Carrier, carrier: Option<Carrier>) -> bool {
    carrier.is_none_or(|carrier| owner.hands_over_to(carrier))
}
