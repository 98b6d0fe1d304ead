//! The encoder of BlurHash: a few cosine waves in linear light, quantised and written in base 83.
//!
//! Written out here because the crate of that name rounds the mean twice, so that black is not black in its hashes; it is
//! the second opinion in the tests.

use std::f64::consts::PI;

const DIGITS: &[u8; 83] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";

/// `rgb` are rows of `width` pixels; `across` and `down` count the waves, 1 to 9 each.
pub(crate) fn encode(rgb: &[u8], width: u32, height: u32, across: u32, down: u32) -> String {
    let linear: Vec<[f64; 3]> = rgb.as_chunks().0.iter().map(|pixel| pixel.map(to_linear)).collect();
    let columns: Vec<Vec<f64>> = (0..across).map(|wave| cosines(wave, width)).collect();
    let rows: Vec<Vec<f64>> = (0..down).map(|wave| cosines(wave, height)).collect();
    let mut factors = rows.iter().flat_map(|row| columns.iter().map(|column| factor(&linear, column, row)));
    let mean = factors.next().unwrap_or_default();
    let waves: Vec<[f64; 3]> = factors.map(|sums| sums.map(|sum| 2.0 * sum)).collect();

    let mut hash = String::with_capacity(4 + 2 * rows.len() * columns.len());
    push(&mut hash, across.saturating_sub(1) + down.saturating_sub(1) * 9, 1);
    let largest = waves.iter().flatten().fold(0.0_f64, |largest, wave| largest.max(wave.abs()));
    let step = whole(largest * 166.0 - 0.5, 82);
    push(&mut hash, step, 1);
    let [red, green, blue] = mean.map(to_srgb);
    push(&mut hash, red << 16 | green << 8 | blue, 4);
    let maximum = f64::from(step + 1) / 166.0;
    for wave in waves {
        let [red, green, blue] = wave.map(|value| quantised(value / maximum));
        push(&mut hash, (red * 19 + green) * 19 + blue, 2);
    }
    hash
}

/// Half a period for each `wave` over the whole length.
fn cosines(wave: u32, length: u32) -> Vec<f64> {
    let step = PI * f64::from(wave) / f64::from(length.max(1));
    (0..length).map(|at| (step * f64::from(at)).cos()).collect()
}

/// How much of one wave is in the picture: the mean of all pixels weighted with it.
fn factor(linear: &[[f64; 3]], column: &[f64], row: &[f64]) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for (pixels, down) in linear.chunks(column.len().max(1)).zip(row) {
        for (pixel, across) in pixels.iter().zip(column) {
            for (sum, sample) in sums.iter_mut().zip(pixel) {
                *sum += across * down * sample;
            }
        }
    }
    let count = f64::from(u32::try_from(linear.len().max(1)).unwrap_or(u32::MAX));
    sums.map(|sum| sum / count)
}

/// A wave from -1 to 1 in 19 steps that are finer around nothing.
fn quantised(value: f64) -> u32 {
    whole(value.abs().sqrt().copysign(value) * 9.0 + 9.5, 18)
}

fn to_linear(sample: u8) -> f64 {
    let value = f64::from(sample) / 255.0;
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

fn to_srgb(value: f64) -> u32 {
    let value = value.clamp(0.0, 1.0);
    let curved = if value <= 0.003_130_8 { value * 12.92 } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 };
    whole(curved * 255.0 + 0.5, 255)
}

/// The whole part, from 0 to `max`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped, and the fraction is to go"
)]
fn whole(value: f64, max: u32) -> u32 {
    value.clamp(0.0, f64::from(max)) as u32
}

fn push(hash: &mut String, value: u32, digits: u32) {
    for place in (0..digits).rev() {
        let digit = value / 83_u32.pow(place) % 83;
        hash.extend(DIGITS.get(digit as usize).copied().map(char::from));
    }
}
