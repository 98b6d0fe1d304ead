//! Drawings: lines, bars and axes as inline SVG, coloured by classes so that a page can be dark or light.

use std::fmt::Write as _;

pub(super) const WIDTH: f64 = 640.0;
pub(super) const HEIGHT: f64 = 260.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 28.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 40.0;

/// Where values of one direction lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    is_log: bool,
}

impl Axis {
    /// From zero to this, or a little more than nothing.
    pub(super) fn linear(high: f64) -> Self {
        Self { low: 0.0, high: high.max(1e-9), is_log: false }
    }

    /// Between these, each a factor from the next; both positive.
    pub(super) fn log(low: f64, high: f64) -> Self {
        let low = low.max(1e-12);
        Self { low, high: high.max(low * 1.01), is_log: true }
    }

    /// From 0 to 1, values outside drawn at the edge.
    fn place(&self, value: f64) -> f64 {
        let place = if self.is_log {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        place.clamp(0.0, 1.0)
    }

    /// Values to write at the axis: powers of ten and their halves, or five even steps.
    fn marks(&self) -> Vec<f64> {
        if !self.is_log {
            return (0..=5).map(|step| self.high * f64::from(step) / 5.0).collect();
        }
        let (first, last) = (self.low.log10().floor(), self.high.log10().ceil());
        let few = last - first <= 2.0;
        let mut marks = Vec::new();
        let mut power = first;
        while power <= last {
            let ten = 10_f64.powf(power);
            marks.extend(if few { vec![ten, 2.0 * ten, 5.0 * ten] } else { vec![ten] });
            power += 1.0;
        }
        marks.retain(|mark| (self.low * 0.999..=self.high * 1.001).contains(mark));
        marks
    }
}

/// A drawing with two axes.
pub(super) struct Drawing {
    x: Axis,
    y: Axis,
    text: String,
}

impl Drawing {
    /// Empty, with marks and names at both axes; `label` is what the drawing shows, for who cannot see it.
    pub(super) fn new(
        label: &str,
        x: (Axis, &str, &dyn Fn(f64) -> String),
        y: (Axis, &str, &dyn Fn(f64) -> String),
    ) -> Self {
        let mut text =
            format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">\n", escape(label));
        let mut drawing = Self { x: x.0, y: y.0, text: String::new() };
        for mark in x.0.marks() {
            let at = drawing.right(mark);
            put(
                &mut text,
                format_args!(
                    "<line class=\"grid\" x1=\"{at:.1}\" y1=\"{TOP}\" x2=\"{at:.1}\" y2=\"{:.1}\"/>",
                    HEIGHT - BOTTOM
                ),
            );
            put(
                &mut text,
                format_args!(
                    "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                    HEIGHT - BOTTOM + 14.0,
                    escape(&x.2(mark))
                ),
            );
        }
        for mark in y.0.marks() {
            let at = drawing.down(mark);
            put(
                &mut text,
                format_args!(
                    "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{:.1}\" y2=\"{at:.1}\"/>",
                    WIDTH - RIGHT
                ),
            );
            put(
                &mut text,
                format_args!(
                    "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                    LEFT - 6.0,
                    at + 4.0,
                    escape(&y.2(mark))
                ),
            );
        }
        put(
            &mut text,
            format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                (LEFT + WIDTH - RIGHT) / 2.0,
                HEIGHT - 6.0,
                escape(x.1)
            ),
        );
        put(
            &mut text,
            format_args!(
                "<text transform=\"translate(12 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
                (TOP + HEIGHT - BOTTOM) / 2.0,
                escape(y.1)
            ),
        );
        drawing.text = text;
        drawing
    }

    fn right(&self, value: f64) -> f64 {
        LEFT + self.x.place(value) * (WIDTH - LEFT - RIGHT)
    }

    fn down(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.place(value) * (HEIGHT - TOP - BOTTOM)
    }

    /// A line in the colour of this number.
    pub(super) fn line(&mut self, colour: usize, is_dashed: bool, name: &str, points: &[(f64, f64)]) {
        let places: Vec<String> =
            points.iter().map(|(x, y)| format!("{:.1},{:.1}", self.right(*x), self.down(*y))).collect();
        let dashed = if is_dashed { " dashed" } else { "" };
        put(
            &mut self.text,
            format_args!(
                "<polyline class=\"line c{}{dashed}\" points=\"{}\"><title>{}</title></polyline>",
                colour % COLOURS,
                places.join(" "),
                escape(name)
            ),
        );
    }

    pub(super) fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }
}

/// How many colours there are before they begin again.
pub(super) const COLOURS: usize = 8;

/// One bar of a chart of ratios.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) ratio: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// Bars from one, to the left where ours takes less and to the right where it takes more, each with its interval.
pub(super) fn bars(label: &str, bars: &[Bar]) -> String {
    const STEP: f64 = 20.0;
    const NAMES: f64 = 300.0;
    let reach = bars.iter().flat_map(|bar| [bar.ratio, 1.0 / bar.ratio]).fold(2.0, f64::max) * 1.3;
    let axis = Axis::log(1.0 / reach, reach);
    let right = |value: f64| NAMES + axis.place(value) * (WIDTH - NAMES - RIGHT);
    let height = STEP * bars.len() as f64 + 24.0;
    let mut text =
        format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">\n", escape(label));
    for mark in axis.marks() {
        let at = right(mark);
        put(
            &mut text,
            format_args!(
                "<line class=\"grid\" x1=\"{at:.1}\" y1=\"0\" x2=\"{at:.1}\" y2=\"{:.1}\"/>",
                height - 18.0
            ),
        );
        put(
            &mut text,
            format_args!(
                "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                height - 5.0,
                super::table::number(mark)
            ),
        );
    }
    let one = right(1.0);
    put(
        &mut text,
        format_args!(
            "<line class=\"one\" x1=\"{one:.1}\" y1=\"0\" x2=\"{one:.1}\" y2=\"{:.1}\"/>",
            height - 18.0
        ),
    );
    for (place, bar) in bars.iter().enumerate() {
        let top = STEP * place as f64 + 4.0;
        let (from, to) = (right(bar.ratio).min(one), right(bar.ratio).max(one));
        let class = if bar.ratio > 1.0 { "more" } else { "less" };
        put(
            &mut text,
            format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                NAMES - 8.0,
                top + 11.0,
                escape(&bar.name)
            ),
        );
        put(
            &mut text,
            format_args!(
                "<rect class=\"{class}\" x=\"{from:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"12\"><title>{}</title></rect>",
                (to - from).max(1.0),
                super::table::number(bar.ratio)
            ),
        );
        put(
            &mut text,
            format_args!(
                "<line class=\"whisker\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
                right(bar.low),
                top + 6.0,
                right(bar.high),
                top + 6.0
            ),
        );
    }
    text.push_str("</svg>\n");
    text
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

/// Text as it may stand in an element or an attribute.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_even_on_either_axis_and_stay_inside() {
        let log = Axis::log(1.0, 100.0);
        assert!((log.place(10.0) - 0.5).abs() < 1e-9 && log.place(1e9) <= 1.0 && log.place(0.0) >= 0.0);
        assert!((Axis::linear(4.0).place(1.0) - 0.25).abs() < 1e-9);
        assert_eq!(Axis::log(1.0, 100.0).marks(), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]);
        assert_eq!(Axis::log(1.0, 1e6).marks().len(), 7);
    }

    #[test]
    fn names_cannot_leave_their_place() {
        let drawn = bars("a <b>", &[Bar { name: "\"><script>".to_owned(), ratio: 2.0, low: 1.5, high: 2.5 }]);
        assert!(!drawn.contains("<script>") && drawn.contains("a &lt;b&gt;"));
        assert!(drawn.contains("class=\"more\""));
        assert_eq!(escape("a & b"), "a &amp; b");
    }
}
