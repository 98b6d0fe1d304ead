//! What was trained or reached: an exercise and what was measured of it, in a unit that is named (S-D12).

use serde::{Deserialize, Serialize};

use super::draft::{self, Faults};

/// Longest name of an exercise, in characters.
const MAX_EXERCISE_CHARS: usize = 100;
/// Largest value in any unit: a marathon in metres and a day in seconds are below it.
const MAX_VALUE: f64 = 1_000_000.0;
/// Most sets, and most repetitions in one.
const COUNT: (i32, i32) = (1, 10_000);

/// What a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    /// Kilograms.
    Kg,
    /// Pounds.
    Lb,
    /// Metres.
    M,
    /// Kilometres.
    Km,
    /// Miles.
    Mi,
    /// Seconds.
    S,
    /// Minutes.
    Min,
    /// Repetitions.
    Reps,
    /// Kilocalories.
    Kcal,
}

/// A workout as it is sent and stored.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Workout {
    /// What was done.
    pub(crate) exercise: String,
    /// How much of it.
    pub(crate) value: f64,
    /// Of what.
    pub(crate) unit: Unit,
    /// In how many sets.
    #[serde(default)]
    pub(crate) sets: Option<i32>,
    /// With how many repetitions each.
    #[serde(default)]
    pub(crate) reps: Option<i32>,
}

impl Workout {
    /// The same with its text as it is stored; `faults` gets what is wrong with it.
    pub(crate) fn checked(mut self, faults: &mut Faults) -> Self {
        match draft::line("/workout/exercise", &self.exercise, MAX_EXERCISE_CHARS, faults) {
            Some(exercise) => self.exercise = exercise,
            None => draft::fault("/workout/exercise", "required", "must not be empty", faults),
        }
        // Not a number is above nothing.
        let is_above_zero = self.value > 0.0;
        if !is_above_zero || self.value > MAX_VALUE {
            draft::fault("/workout/value", "out_of_range", "must be above 0 and at most 1000000", faults);
        }
        for (pointer, count) in [("/workout/sets", self.sets), ("/workout/reps", self.reps)] {
            if let Some(count) = count {
                draft::range(pointer, count, COUNT, faults);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<Workout> {
        serde_json::from_str(json).ok()
    }

    fn faults(json: &str) -> Vec<String> {
        let mut faults = Faults::new();
        read(json).unwrap().checked(&mut faults);
        faults.into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn a_workout_names_an_exercise_and_a_measure() {
        let text = r#"{"exercise":" Squat ","value":102.5,"unit":"kg","sets":5,"reps":5}"#;
        let mut faults = Faults::new();
        let workout = read(text).unwrap().checked(&mut faults);
        assert_eq!((workout.exercise.as_str(), workout.unit, faults.len()), ("Squat", Unit::Kg, 0));
        for unit in ["kg", "lb", "m", "km", "mi", "s", "min", "reps", "kcal"] {
            assert!(read(&format!(r#"{{"exercise":"x","value":1,"unit":"{unit}"}}"#)).is_some(), "{unit}");
        }
        assert_eq!(read(r#"{"exercise":"x","value":1,"unit":"stone"}"#), None);
        assert_eq!(read(r#"{"exercise":"x","value":1,"unit":"kg","heart_rate":90}"#), None);
    }

    #[test]
    fn what_measures_nothing_is_refused() {
        for (json, pointer) in [
            (r#"{"exercise":" ","value":1,"unit":"kg"}"#, "/workout/exercise"),
            (r#"{"exercise":"x","value":0,"unit":"kg"}"#, "/workout/value"),
            (r#"{"exercise":"x","value":-3,"unit":"kg"}"#, "/workout/value"),
            (r#"{"exercise":"x","value":1e300,"unit":"kg"}"#, "/workout/value"),
            (r#"{"exercise":"x","value":1,"unit":"kg","sets":0}"#, "/workout/sets"),
            (r#"{"exercise":"x","value":1,"unit":"kg","reps":10001}"#, "/workout/reps"),
        ] {
            assert_eq!(faults(json), [pointer], "{json}");
        }
        let endless =
            Workout { value: f64::NAN, ..read(r#"{"exercise":"x","value":1,"unit":"s"}"#).unwrap() };
        let mut faults = Faults::new();
        endless.checked(&mut faults);
        assert_eq!(faults.len(), 1);
    }
}
