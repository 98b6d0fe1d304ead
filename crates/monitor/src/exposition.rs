//! The text of `/metrics`: Prometheus's format and OpenMetrics.
//!
//! Strict, because a line that is read wrongly is a figure that is wrong. What exemplars and timestamps say is checked and dropped.

/// One line: a series and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The name, with `_total`, `_bucket` and the like.
    pub name: String,
    /// Its labels, sorted by name.
    pub labels: Labels,
    /// May be infinite or not a number.
    pub value: f64,
}

/// Labels, sorted by name.
pub type Labels = Vec<(String, String)>;

/// A text that is not what it claims to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the metrics: {reason}")]
pub struct ParseError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Which of the two formats a text is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `text/plain`: ends anywhere.
    Prometheus,
    /// `application/openmetrics-text`: ends with `# EOF`, so that half an answer is noticed.
    OpenMetrics,
}

/// Reads all samples of a text.
///
/// # Errors
/// With the first line that is not well-formed, with lines after `# EOF`, and with OpenMetrics that lacks it.
pub fn parse(text: &str, format: Format) -> Result<Vec<Sample>, ParseError> {
    let mut samples = Vec::new();
    let mut ended = false;
    let mut count = 0;
    for (index, line) in text.lines().enumerate() {
        let at = |reason| ParseError { line: index + 1, reason };
        count = index + 1;
        if ended {
            return Err(at("something follows the end"));
        }
        if let Some(comment) = line.strip_prefix('#') {
            ended = comment.trim() == "EOF";
        } else if !line.trim().is_empty() {
            samples.push(sample(line).map_err(at)?);
        }
    }
    if format == Format::OpenMetrics && !ended {
        return Err(ParseError { line: count + 1, reason: "the end is missing: the answer was cut off" });
    }
    Ok(samples)
}

fn sample(line: &str) -> Result<Sample, &'static str> {
    let (name, rest) = take_name(line, true)?;
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => take_labels(rest)?,
        None => (Vec::new(), rest),
    };
    let rest = rest.strip_prefix([' ', '\t']).ok_or("no blank before the value")?;
    let (figures, exemplar) = match rest.split_once(" # ") {
        Some((figures, exemplar)) => (figures, Some(exemplar)),
        None => (rest, None),
    };
    let value = take_figures(figures)?;
    if let Some(exemplar) = exemplar {
        let (_, rest) = take_labels(exemplar.strip_prefix('{').ok_or("an exemplar without labels")?)?;
        take_figures(rest)?;
    }
    Ok(Sample { name: name.to_owned(), labels, value })
}

/// A value, and perhaps a time after it.
fn take_figures(text: &str) -> Result<f64, &'static str> {
    let mut words = text.split_ascii_whitespace();
    let value = number(words.next().ok_or("no value")?)?;
    if let Some(time) = words.next() {
        number(time).map_err(|_| "a time that is no number")?;
    }
    if words.next().is_some() {
        return Err("something follows the value");
    }
    Ok(value)
}

/// Rust takes more spellings than the formats have, so the letters are looked at first.
fn number(text: &str) -> Result<f64, &'static str> {
    match text {
        "+Inf" | "Inf" => Ok(f64::INFINITY),
        "-Inf" => Ok(f64::NEG_INFINITY),
        "NaN" => Ok(f64::NAN),
        _ if text.chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c)) => {
            text.parse().map_err(|_| "a value that is no number")
        }
        _ => Err("a value that is no number"),
    }
}

fn take_name(text: &str, colons: bool) -> Result<(&str, &str), &'static str> {
    let belongs = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colons && c == ':');
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("a name is missing or malformed");
    }
    Ok((name, rest))
}

/// Labels behind the opening brace, up to and with the closing one.
fn take_labels(mut text: &str) -> Result<(Labels, &str), &'static str> {
    let mut labels = Labels::new();
    loop {
        if let Some(rest) = text.strip_prefix('}') {
            break finish(labels).map(|labels| (labels, rest));
        }
        let (name, rest) = take_name(text.trim_start(), false)?;
        let rest = rest.strip_prefix("=\"").ok_or("a label without a quoted value")?;
        let (value, rest) = take_quoted(rest)?;
        labels.push((name.to_owned(), value));
        text = match rest.strip_prefix(',') {
            Some(rest) => rest,
            None if rest.starts_with('}') => rest,
            None => return Err("labels are not separated by commas"),
        };
    }
}

fn finish(mut labels: Labels) -> Result<Labels, &'static str> {
    labels.sort();
    let twice = labels.windows(2).any(|two| matches!(two, [(one, _), (other, _)] if one == other));
    if twice { Err("a label stands twice") } else { Ok(labels) }
}

/// A value behind its opening quote, up to and with the closing one.
fn take_quoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut letters = text.chars();
    loop {
        match letters.next().ok_or("a label's value does not end")? {
            '"' => return Ok((value, letters.as_str())),
            '\\' => value.push(match letters.next() {
                Some('n') => '\n',
                Some(same @ ('\\' | '"')) => same,
                _ => return Err("an escape that does not exist"),
            }),
            other => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(line: &str) -> Sample {
        parse(line, Format::Prometheus).unwrap().remove(0)
    }

    fn refused(line: &str) -> &'static str {
        parse(line, Format::Prometheus).unwrap_err().reason
    }

    #[test]
    fn labels_are_read_with_their_escapes_and_sorted() {
        let sample = one(r#"a_total{z="1",path="C:\\x\"y\nz, }"} 3"#);
        let labels = [("path", "C:\\x\"y\nz, }"), ("z", "1")];
        assert_eq!(sample.labels, labels.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!((sample.name.as_str(), sample.value), ("a_total", 3.0));
    }

    #[test]
    fn values_may_be_infinite_or_not_a_number() {
        assert_eq!(one("a +Inf").value, f64::INFINITY);
        assert_eq!(one("a{} -Inf").value, f64::NEG_INFINITY);
        assert!(one("a NaN").value.is_nan());
        assert_eq!(one("a 1.5e-3 1700000000").value, 0.0015);
    }

    #[test]
    fn an_exemplar_is_checked_and_dropped() {
        let line = "a_bucket{le=\"0.5\"} 7 # {trace_id=\"ab # c\"} 0.4 1700000000.5";
        assert_eq!(one(line).value, 7.0);
        assert_eq!(refused("a_bucket{le=\"0.5\"} 7 # trace 0.4"), "an exemplar without labels");
    }

    #[test]
    fn what_is_not_well_formed_is_refused_by_its_line() {
        for line in [
            "1a 2",
            "a",
            "a x",
            "a infinity",
            "a 0x10",
            "a 1 2 3",
            "a{b} 1",
            "a{b=\"\\t\"} 1",
            "a{b=\"c} 1",
            "a{b=\"c\" d=\"e\"} 1",
            "a{b=\"c\"}1",
            "a{b=\"1\",b=\"2\"} 1",
            "{b=\"1\"} 1",
        ] {
            let error = parse(&format!("ok 1\n{line}"), Format::Prometheus).unwrap_err();
            assert_eq!(error.line, 2, "{line}");
        }
    }

    #[test]
    fn half_an_answer_is_no_answer() {
        assert!(parse("a 1\n# EOF\n", Format::OpenMetrics).is_ok());
        assert_eq!(parse("a 1\n", Format::OpenMetrics).unwrap_err().line, 2);
        assert_eq!(parse("# EOF\na 1\n", Format::OpenMetrics).unwrap_err().line, 2);
    }

    proptest! {
        #[test]
        fn any_value_of_a_label_survives_being_escaped(value in "\\PC*|[\\\\\"\n,{}=# ]*") {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let sample = one(&format!("a{{b=\"{escaped}\"}} 1 # {{c=\"{escaped}\"}} 1"));
            prop_assert_eq!(sample.labels, vec![("b".to_owned(), value)]);
        }

        #[test]
        fn no_text_makes_it_fall(text in ".*") {
            let _ = parse(&text, Format::OpenMetrics);
        }
    }
}
