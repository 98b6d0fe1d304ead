//! Reading attribute values, and gathering faults so that all of them are reported together.

use proc_macro2::Span;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, ExprLit, ExprUnary, Lit, LitStr, Token, UnOp, punctuated::Punctuated};

/// A value and where it was written.
#[derive(Clone)]
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// All faults found so far.
#[derive(Default)]
pub(crate) struct Faults(Option<syn::Error>);

impl Faults {
    /// Notes a fault at a place.
    pub(crate) fn at(&mut self, span: Span, message: impl std::fmt::Display) {
        self.push(syn::Error::new(span, message));
    }

    /// Notes a fault that is already an error.
    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            none => *none = Some(error),
        }
    }

    /// The value, or a noted fault.
    pub(crate) fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// Ends the gathering.
    pub(crate) fn finish(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// Stores an option; a second one of the same name is a fault.
pub(crate) fn set<T>(slot: &mut Option<Located<T>>, meta: &ParseNestedMeta<'_>, value: T) -> syn::Result<()> {
    if slot.is_some() {
        return Err(meta.error("given twice"));
    }
    *slot = Some(Located { value, span: meta.path.span() });
    Ok(())
}

/// `key = "text"`.
pub(crate) fn text(meta: &ParseNestedMeta<'_>) -> syn::Result<String> {
    Ok(meta.value()?.parse::<LitStr>()?.value())
}

/// `key = 3` or `key = -3`.
pub(crate) fn integer(meta: &ParseNestedMeta<'_>) -> syn::Result<i64> {
    let place = meta.input.span();
    scalar(meta)?.parse().map_err(|_| syn::Error::new(place, "expected a whole number"))
}

/// `key = 3`, within what a count can be.
pub(crate) fn count(meta: &ParseNestedMeta<'_>) -> syn::Result<u32> {
    let value = integer(meta)?;
    u32::try_from(value).map_err(|_| meta.error("must lie between 0 and 4294967295"))
}

/// `key = "text"`, `key = 3`, `key = -3` or `key = true`, as text.
pub(crate) fn scalar(meta: &ParseNestedMeta<'_>) -> syn::Result<String> {
    let value: Expr = meta.value()?.parse()?;
    let (negative, value) = match value {
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => (true, *expr),
        other => (false, other),
    };
    match (negative, value) {
        (false, Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => Ok(text.value()),
        (false, Expr::Lit(ExprLit { lit: Lit::Bool(flag), .. })) => Ok(flag.value.to_string()),
        (false, Expr::Lit(ExprLit { lit: Lit::Int(digits), .. })) => Ok(digits.base10_digits().to_owned()),
        (true, Expr::Lit(ExprLit { lit: Lit::Int(digits), .. })) => {
            Ok(format!("-{}", digits.base10_digits()))
        }
        (_, other) => Err(syn::Error::new(other.span(), "expected a text, a whole number, true or false")),
    }
}

/// `key("a", "b")`: at least one, none twice.
pub(crate) fn words(meta: &ParseNestedMeta<'_>) -> syn::Result<Vec<Located<String>>> {
    let inside;
    syn::parenthesized!(inside in meta.input);
    let listed = Punctuated::<LitStr, Token![,]>::parse_terminated(&inside)?;
    let mut found: Vec<Located<String>> = Vec::new();
    for word in &listed {
        if word.value().is_empty() {
            return Err(syn::Error::new(word.span(), "must not be empty"));
        }
        if found.iter().any(|earlier| earlier.value == word.value()) {
            return Err(syn::Error::new(word.span(), format!("`{}` is listed twice", word.value())));
        }
        found.push(Located { value: word.value(), span: word.span() });
    }
    if found.is_empty() {
        return Err(meta.error("expected at least one word in quotes"));
    }
    Ok(found)
}

/// The doc comment, its lines joined; paragraphs stay apart.
pub(crate) fn doc(attributes: &[Attribute]) -> String {
    let mut text = String::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        let syn::Meta::NameValue(pair) = &attribute.meta else { continue };
        let Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) = &pair.value else { continue };
        let line = line.value();
        let line = line.trim();
        if line.is_empty() {
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            continue;
        }
        if !text.is_empty() && !text.ends_with('\n') {
            text.push(' ');
        }
        text.push_str(line);
    }
    text.truncate(text.trim_end().len());
    text
}

/// Whether the text can name a column and a JSON member: `snake_case` ASCII.
pub(crate) fn is_snake_case(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_')
}
