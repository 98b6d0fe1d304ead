//! What a number may have been before an eye or a camera misread it.

use std::collections::BTreeMap;

use crate::carrier::Carrier;
use crate::check::CheckDigit;
use crate::number::TrackingNumber;
use crate::shapes::{Kind, SHAPES, Shape, may_stand};

/// Most readings that are made of one number.
pub const MAX_READINGS: usize = 64;
/// Most characters that a reading replaces: with more, it is another number.
pub const MAX_CHANGES: usize = 4;
/// Most places replaced where the character read could stand as it is.
const MAX_FREE_CHANGES: usize = 2;

/// A digit and the letters it is taken for.
const CONFUSED: &[(char, &str)] =
    &[('0', "ODQ"), ('1', "IL"), ('2', "Z"), ('5', "S"), ('6', "G"), ('8', "B")];

/// One way to read a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The number as read so.
    pub number: TrackingNumber,
    /// How many characters were replaced.
    pub changes: usize,
    /// How unlikely the replacements are together.
    cost: usize,
    /// The carrier whose pattern it fits.
    pub carrier: Carrier,
    /// The kind of number.
    pub kind: Kind,
    /// What the check digit says of this reading.
    pub check: CheckDigit,
}

/// The ways to read one number, the likeliest first; at most [`MAX_READINGS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readings {
    /// The readings. One with no changes is the number itself, where it fits a pattern.
    pub all: Vec<Reading>,
}

impl Readings {
    /// The reading that a check digit confirms: of those that pass the likeliest, unless two are equally likely.
    #[must_use]
    pub fn confirmed(&self) -> Option<&Reading> {
        let mut passing = self.all.iter().filter(|reading| reading.check == CheckDigit::Valid);
        let best = passing.next()?;
        let rival = |other: &Reading| other.cost == best.cost && other.number != best.number;
        (!passing.any(rival)).then_some(best)
    }
}

/// Reads `number` in every way in which digits stand where digits must, for each pattern of its length.
#[must_use]
pub fn readings(number: &TrackingNumber) -> Readings {
    let text = number.as_str();
    let mut all: Vec<Reading> = SHAPES.iter().flat_map(|shape| readings_as(shape, text)).collect();
    all.sort_by(|left, right| left.cost.cmp(&right.cost).then_with(|| left.number.cmp(&right.number)));
    all.truncate(MAX_READINGS);
    Readings { all }
}

fn readings_as(shape: &Shape, text: &str) -> Vec<Reading> {
    if text.len() != shape.pattern.len() {
        return Vec::new();
    }
    let mut found: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    if shape.fits(text) {
        found.insert(text.to_owned(), (0, 0));
    }
    for partial in spell(shape.strict, text) {
        found.entry(partial.text).or_insert((partial.changes, partial.cost));
    }
    let reading = |(text, (changes, cost)): (String, (usize, usize))| Reading {
        changes,
        cost,
        carrier: shape.carrier_of(&text),
        kind: shape.kind,
        check: shape.check(&text),
        number: TrackingNumber::of_normal(text),
    };
    found.into_iter().map(reading).collect()
}

#[derive(Clone)]
struct Partial {
    text: String,
    changes: usize,
    free_changes: usize,
    cost: usize,
}

/// Grows readings place by place. After each place only the nearest [`MAX_READINGS`] are kept, so the work is bounded.
fn spell(pattern: &str, text: &str) -> Vec<Partial> {
    let mut grown = vec![Partial { text: String::new(), changes: 0, free_changes: 0, cost: 0 }];
    for (read, place) in text.chars().zip(pattern.chars()) {
        let choices = choices(read, place);
        grown = grown
            .iter()
            .flat_map(|partial| choices.iter().filter_map(|choice| partial.with(choice)))
            .collect();
        grown.sort_by_key(|partial| partial.cost);
        grown.truncate(MAX_READINGS);
    }
    grown
}

struct Choice {
    character: char,
    change: Option<Change>,
}

/// Why a place is read as something else, the likeliest first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    /// What was read cannot stand there.
    Forced,
    /// It can, but numbers have more digits than letters.
    ToDigit,
    /// It can, and is the likelier one.
    ToLetter,
}

impl Change {
    fn cost(self) -> usize {
        match self {
            Self::Forced => 1,
            Self::ToDigit => 2,
            Self::ToLetter => 3,
        }
    }
}

fn choices(read: char, place: char) -> Vec<Choice> {
    let stands = may_stand(read, place);
    let itself = stands.then_some(Choice { character: read, change: None });
    // Where what was read fits and only one class of character may stand, there is nothing to doubt.
    let doubted = !stands || place == '?';
    let others = confused_with(read).filter(|other| doubted && may_stand(*other, place));
    let change = |character: char| match (stands, character.is_ascii_digit()) {
        (false, _) => Change::Forced,
        (true, true) => Change::ToDigit,
        (true, false) => Change::ToLetter,
    };
    let changed = others.map(|character| Choice { character, change: Some(change(character)) });
    itself.into_iter().chain(changed).collect()
}

fn confused_with(read: char) -> impl Iterator<Item = char> {
    let digit = CONFUSED.iter().find(|(_, letters)| letters.contains(read)).map(|(digit, _)| *digit);
    let letters = CONFUSED.iter().find(|(digit, _)| *digit == read).map_or("", |(_, letters)| letters);
    digit.into_iter().chain(letters.chars())
}

impl Partial {
    fn with(&self, choice: &Choice) -> Option<Self> {
        let mut next = self.clone();
        next.text.push(choice.character);
        if let Some(change) = choice.change {
            next.changes += 1;
            next.free_changes += usize::from(change != Change::Forced);
            next.cost += change.cost();
        }
        (next.changes <= MAX_CHANGES && next.free_changes <= MAX_FREE_CHANGES).then_some(next)
    }
}
