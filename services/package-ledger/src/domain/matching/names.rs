//! Whether two names can be one person's. That they can never says that they are.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// What is looked at of a name; columns hold no longer ones.
const MAX_CHARS: usize = 200;
const MAX_WORDS: usize = 12;
/// Words that come and go between two spellings of one name.
const SKIPPED: &[&str] =
    &["de", "del", "la", "las", "los", "y", "sr", "sra", "senor", "senora", "don", "dona", "dr", "dra"];
/// From these lengths on, words may differ by one and by two letters.
const ONE_SLIP_CHARS: usize = 4;
const TWO_SLIPS_CHARS: usize = 8;
/// Labels cut long words; this much has to be left.
const MIN_CUT_CHARS: usize = 5;

/// How two names compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameAgreement {
    /// The same words in any order, but for accents and case.
    Same,
    /// All words of the shorter name stand in the other, give or take a letter.
    Similar,
    /// No word in common.
    Differs,
    /// Some words in common, as in a family; or too little to tell.
    Unclear,
}

pub(super) fn compare(left: &str, right: &str) -> NameAgreement {
    let (left, right) = (words(left), words(right));
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    if short.is_empty() {
        return NameAgreement::Unclear;
    }
    if is_same(&short, &long) {
        // One word is a first name, and many have it.
        return if long.len() > 1 { NameAgreement::Same } else { NameAgreement::Similar };
    }
    let mut unused: Vec<&String> = long.iter().collect();
    let mut found = 0;
    let mut found_whole = 0;
    for word in &short {
        if let Some(place) = unused.iter().position(|other| is_alike(word, other)) {
            let other = unused.swap_remove(place);
            found += 1;
            found_whole += usize::from(word.len() > 1 && other.len() > 1);
        }
    }
    match (found, found_whole) {
        (0, _) => NameAgreement::Differs,
        (found, 2..) if found == short.len() => NameAgreement::Similar,
        _ => NameAgreement::Unclear,
    }
}

fn is_same(short: &[String], long: &[String]) -> bool {
    let sorted = |words: &[String]| {
        let mut words = words.to_vec();
        words.sort_unstable();
        words
    };
    sorted(short) == sorted(long) || short.concat() == long.concat()
}

fn words(name: &str) -> Vec<String> {
    let plain: String = name
        .chars()
        .take(MAX_CHARS)
        .nfd()
        .filter(|letter| !is_combining_mark(*letter))
        .flat_map(char::to_lowercase)
        .collect();
    plain
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty() && !SKIPPED.contains(word))
        .take(MAX_WORDS)
        .map(str::to_owned)
        .collect()
}

fn is_alike(left: &str, right: &str) -> bool {
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    let chars = short.chars().count();
    let slips = match chars {
        0..ONE_SLIP_CHARS => 0,
        ONE_SLIP_CHARS..TWO_SLIPS_CHARS => 1,
        _ => 2,
    };
    let is_cut = (chars == 1 || chars >= MIN_CUT_CHARS) && long.starts_with(short);
    is_cut || strsim::osa_distance(short, long) <= slips
}
