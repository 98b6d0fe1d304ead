//! Rust source with everything blanked that is not code.

/// Replaces comments, string and character literals by blanks. Line ends stay, so line numbers do.
pub(crate) fn code_only(text: &str) -> String {
    Masker { chars: text.chars().collect(), at: 0, out: String::with_capacity(text.len()) }.run()
}

/// Additionally blanks modules marked `#[cfg(test)]`. Expects the result of [`code_only`].
pub(crate) fn without_tests(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some((before, after)) = rest.split_once("#[cfg(test)]") {
        out.push_str(before);
        let end = end_of_item(after);
        let (item, following) = after.split_at(end);
        out.extend("#[cfg(test)]".chars().chain(item.chars()).map(blank));
        rest = following;
    }
    out.push_str(rest);
    out
}

/// The length of the item that starts here: up to its closing brace, or its semicolon when that comes first.
fn end_of_item(text: &str) -> usize {
    let mut depth = 0_usize;
    for (index, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return index + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return index + 1,
            _ => {}
        }
    }
    text.len()
}

fn blank(c: char) -> char {
    if c == '\n' { '\n' } else { ' ' }
}

struct Masker {
    chars: Vec<char>,
    at: usize,
    out: String,
}

impl Masker {
    fn run(mut self) -> String {
        while let Some(c) = self.peek(0) {
            match c {
                '/' if self.peek(1) == Some('/') => self.blank_while(|c| c != '\n'),
                '/' if self.peek(1) == Some('*') => self.block_comment(),
                '"' => self.string(),
                'r' | 'b' | 'c' if !self.after_word() => self.prefixed(),
                '\'' => self.quote(),
                _ => self.keep(),
            }
        }
        self.out
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn after_word(&self) -> bool {
        self.out.ends_with(|c: char| c.is_alphanumeric() || c == '_')
    }

    fn keep(&mut self) {
        if let Some(c) = self.peek(0) {
            self.out.push(c);
            self.at += 1;
        }
    }

    fn blank(&mut self) {
        if let Some(c) = self.peek(0) {
            self.out.push(blank(c));
            self.at += 1;
        }
    }

    fn blank_while(&mut self, goes_on: impl Fn(char) -> bool) {
        while self.peek(0).is_some_and(&goes_on) {
            self.blank();
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        while let Some(c) = self.peek(0) {
            match (c, self.peek(1)) {
                ('/', Some('*')) => depth += 1,
                ('*', Some('/')) => depth -= 1,
                _ => {
                    self.blank();
                    continue;
                }
            }
            self.blank();
            self.blank();
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.blank();
        while let Some(c) = self.peek(0) {
            self.blank();
            match c {
                '\\' => self.blank(),
                '"' => return,
                _ => {}
            }
        }
    }

    /// `r"…"`, `br#"…"#`, `b'…'` and words that merely begin so.
    fn prefixed(&mut self) {
        let letters = (0..3).take_while(|&n| matches!(self.peek(n), Some('r' | 'b' | 'c'))).count();
        let hashes = (letters..).take_while(|&n| self.peek(n) == Some('#')).count();
        let raw = (0..letters).any(|n| self.peek(n) == Some('r'));
        match self.peek(letters + hashes) {
            Some('"') if raw => self.raw_string(letters + hashes, hashes),
            Some('"') if hashes == 0 => {
                (0..letters).for_each(|_| self.blank());
                self.string();
            }
            Some('\'') if hashes == 0 && letters == 1 && self.peek(0) == Some('b') => {
                self.blank();
                self.quote();
            }
            _ => (0..letters.max(1)).for_each(|_| self.keep()),
        }
    }

    fn raw_string(&mut self, prefix: usize, hashes: usize) {
        (0..=prefix).for_each(|_| self.blank());
        while let Some(c) = self.peek(0) {
            let closes = c == '"' && (1..=hashes).all(|n| self.peek(n) == Some('#'));
            self.blank();
            if closes {
                (0..hashes).for_each(|_| self.blank());
                return;
            }
        }
    }

    /// A character literal, or the mark of a lifetime.
    fn quote(&mut self) {
        let is_literal = self.peek(1) == Some('\\') || self.peek(2) == Some('\'');
        if !is_literal {
            self.keep();
            return;
        }
        self.blank();
        while let Some(c) = self.peek(0) {
            self.blank();
            match c {
                '\\' => self.blank(),
                '\'' => return,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        code_only(text).split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn comments_and_literals_are_blanked_and_lines_kept() {
        assert_eq!(words("a // b\n/* c /* d */ e */ f"), ["a", "f"]);
        assert_eq!(words(r#"x("a \" b", 'c', '\'', b'd', b"e") y"#), ["x(", ",", ",", ",", ",", ")", "y"]);
        assert_eq!(words(r##"r#"a " b"# r"c" br"d" rest break cr"e""##), ["rest", "break"]);
        assert_eq!(words("fn f<'a>(x: &'a str) {}"), ["fn", "f<'a>(x:", "&'a", "str)", "{}"]);
        assert_eq!(code_only("a\n/*\n*/\n\"\n\"\nb").matches('\n').count(), 5);
    }

    #[test]
    fn test_modules_are_blanked() {
        let code = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() { c() }\n}\nfn d() {}\n#[cfg(test)]\nmod e;\nfn f() {}";
        let rest = without_tests(code);
        assert!(!rest.contains('b') && !rest.contains("mod"), "{rest}");
        assert!(rest.contains("fn a") && rest.contains("fn d") && rest.contains("fn f"));
        assert_eq!(rest.lines().count(), code.lines().count());
    }
}
