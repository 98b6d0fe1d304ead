//! The parts of a `Server-Timing` add up to what they are parts of (`H-D7`).

use reqwest::header::HeaderMap;

/// How far the parts may be from the whole.
const TOLERANCE: f64 = 0.05;
/// Parts are cut to microseconds, each by itself; in milliseconds.
const ROUNDING: f64 = 0.001;
/// What is said of a part that is within another one.
const WITHIN: &str = "within another";

/// One line: what one server says of one request.
#[derive(Debug)]
struct Line {
    total: f64,
    parts: Vec<f64>,
}

/// Checks every line that names a `total`, and that the last one says what `X-Process-Time` says.
///
/// # Errors
/// What does not fit, in a sentence.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), String> {
    let texts = headers.get_all("server-timing").iter().filter_map(|line| line.to_str().ok());
    let mut last = None;
    for text in texts {
        let Some(line) = Line::read(text)? else { continue };
        let sum: f64 = line.parts.iter().sum();
        // Counts of parts are small.
        let rounding = ROUNDING * (line.parts.len() + 1) as f64;
        if (sum - line.total).abs() > line.total * TOLERANCE + rounding {
            return Err(format!("the parts add up to {sum:.3}: {text}"));
        }
        last = Some(line.total);
    }
    let Some(seconds) = headers.get("x-process-time") else { return Ok(()) };
    let seconds: Option<f64> = seconds.to_str().ok().and_then(|seconds| seconds.parse().ok());
    let seconds = seconds.ok_or("X-Process-Time is no number")?;
    match last {
        None => Err("X-Process-Time without a Server-Timing that has a total".to_owned()),
        Some(total) if (total - seconds * 1000.0).abs() > total * TOLERANCE + ROUNDING => {
            Err(format!("X-Process-Time is {seconds} s, and Server-Timing has {total} ms"))
        }
        Some(_) => Ok(()),
    }
}

impl Line {
    /// `None` for one without a `total`, which is not a server's of ours.
    fn read(text: &str) -> Result<Option<Self>, String> {
        let (mut total, mut parts) = (None, Vec::new());
        for metric in text.split(", ") {
            let (name, rest) = metric.split_once(';').unwrap_or((metric, ""));
            if rest.contains(WITHIN) {
                continue;
            }
            let took = rest.split(';').find_map(|word| word.strip_prefix("dur="));
            let took: f64 =
                took.and_then(|took| took.parse().ok()).ok_or(format!("no duration: {metric}"))?;
            if name == "total" { total = Some(took) } else { parts.push(took) }
        }
        Ok(total.map(|total| Self { total, parts }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&'static str], seconds: Option<&'static str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("server-timing", line.parse().unwrap());
        }
        if let Some(seconds) = seconds {
            headers.insert("x-process-time", seconds.parse().unwrap());
        }
        headers
    }

    #[test]
    fn parts_that_add_up_pass() {
        let service = "total;dur=10.000, db;dur=6.000;desc=\"2 statements\", pool;dur=0.000, outbox;dur=5.000;desc=\"within another\", app;dur=4.000";
        let gateway = "total;dur=12.000, upstream;dur=11.500, app;dur=0.500";
        assert_eq!(check(&headers(&[service], Some("0.010000"))), Ok(()));
        assert_eq!(check(&headers(&[service, gateway], Some("0.012000"))), Ok(()));
        assert_eq!(check(&headers(&["cache;dur=1"], None)), Ok(()));
        assert_eq!(check(&headers(&["total;dur=0.003, db;dur=0.001, app;dur=0.000"], None)), Ok(()));
    }

    #[test]
    fn parts_that_do_not_add_up_are_found() {
        let overlapping = "total;dur=10.000, db;dur=8.000, upstream;dur=7.000, app;dur=0.000";
        assert!(check(&headers(&[overlapping], None)).unwrap_err().contains("add up to 15.000"));
        let missing = "total;dur=10.000, db;dur=8.000, app;dur=1.000";
        assert!(check(&headers(&["total;dur=1.000, app;dur=1.000", missing], None)).is_err());
    }

    #[test]
    fn another_time_in_the_other_field_is_found() {
        let line = "total;dur=10.000, app;dur=10.000";
        assert!(check(&headers(&[line], Some("0.011000"))).is_err());
        assert!(check(&headers(&[line], Some("soon"))).is_err());
        assert!(check(&headers(&[], Some("0.010000"))).is_err());
        assert!(check(&headers(&["total;dur=x"], None)).is_err());
    }
}
