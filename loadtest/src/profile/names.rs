//! Names of functions as people read them: without hashes, parameters of types and the glue between the functions that somebody wrote.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Functions that only pass on to another one; what they do themselves is counted to their caller. The last parts of their names.
const GLUE: [&str; 24] = [
    "call",
    "call_mut",
    "call_once",
    "call_once_force",
    "call_once{{vtable.shim}}",
    "catch_unwind",
    "do_call",
    "__rust_try",
    "__rust_begin_short_backtrace",
    "__rust_alloc",
    "__rust_alloc_zeroed",
    "__rust_realloc",
    "__rust_dealloc",
    "budget",
    "deref",
    "deref_mut",
    "enter",
    "in_scope",
    "map_unchecked_mut",
    "try_with",
    "with",
    "with_budget",
    "with_mut",
    "with_scheduler",
];
/// The crates whose functions of such names are glue.
const GLUED: [&str; 8] =
    ["__rustc", "core", "std", "alloc", "tokio", "tracing", "pin_project_lite", "futures_util"];
/// Types of the language that have methods.
const PRIMITIVES: [&str; 17] = [
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "str", "u8", "u16", "u32",
    "u64", "u128", "usize",
];
/// Crates of the language: a future there polls that of somebody else.
const LANGUAGE: [&str; 3] = ["core", "std", "alloc"];

/// What a function is called, by its name in the symbols.
pub(super) fn readable(raw: &str) -> String {
    let name = format!("{:#}", rustc_demangle::demangle(raw));
    // Versions of the C library's, and what compilers add to parts of a function.
    let end = name.find('@').or_else(|| name.find(".llvm.")).or_else(|| name.find(".cold"));
    short(end.and_then(|end| name.get(..end)).unwrap_or(&name))
}

/// Without what stands in angle brackets: `<a::B<C> as d::E>::f` is `a::B::f`, and `core::ptr::drop_in_place<a::B>` is `drop a::B`.
fn short(name: &str) -> String {
    for glue in ["core::ptr::drop_in_place::<", "core::ptr::drop_in_place<"] {
        if let Some(dropped) = name.strip_prefix(glue).and_then(|rest| rest.strip_suffix('>')) {
            return format!("drop {}", short(dropped));
        }
    }
    if let Some((own, rest)) = name.strip_prefix('<').and_then(bracketed) {
        let (own, of) = own.split_once(" as ").filter(|(own, _)| is_balanced(own)).unwrap_or((own, ""));
        let own = short(bare(own));
        // A parameter or a type of the language says nothing; the trait does.
        let own = if own.contains("::") || of.is_empty() { own } else { short(of) };
        return format!("{own}{}", without_brackets(rest));
    }
    without_brackets(bare(name))
}

/// Without references and the like before it.
fn bare(name: &str) -> &str {
    let mut name = name;
    while let Some(rest) =
        ["&", "mut ", "dyn ", "*const ", "*mut "].iter().find_map(|word| name.strip_prefix(word))
    {
        name = rest;
    }
    name
}

/// What stands before the `>` that closes the `<` before `text`, and what behind it.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    let mut depth = 1_u32;
    let mut before = ' ';
    for (at, letter) in text.char_indices() {
        match letter {
            '<' => depth += 1,
            // Not that of an arrow.
            '>' if before != '-' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((text.get(..at)?, text.get(at + 1..)?));
        }
        before = letter;
    }
    None
}

fn is_balanced(text: &str) -> bool {
    text.matches('<').count() == text.matches('>').count() - text.matches("->").count()
}

fn without_brackets(text: &str) -> String {
    let (mut kept, mut depth, mut before) = (String::with_capacity(text.len()), 0_u32, ' ');
    for letter in text.chars() {
        match letter {
            '<' => depth += 1,
            '>' if before != '-' => depth = depth.saturating_sub(1),
            _ if depth == 0 => kept.push(letter),
            _ => {}
        }
        before = letter;
    }
    // A turbofish leaves its colons; a semicolon would part frames.
    kept.replace("::::", "::").trim_end_matches("::").replace(';', ",")
}

/// The crate that a readable name begins with.
pub(super) fn crate_of(name: &str) -> &str {
    let name = name.strip_prefix("drop ").unwrap_or(name);
    let first = name.split_once("::").map_or("", |(first, _)| first);
    // Methods of slices, numbers and text.
    if first.starts_with('[') || PRIMITIVES.contains(&first) { "core" } else { first }
}

/// Whether a function only passes on to another one.
pub(super) fn is_glue(name: &str) -> bool {
    // An inlined closure or future without a path: of the function that stands before it.
    if name.starts_with('{') {
        return true;
    }
    let first = crate_of(name);
    // Closures are what they are passed to; the last part that has a name says what it is.
    let last =
        name.rsplit("::").find(|part| !part.starts_with("{{closure}}") && !part.starts_with("{closure"));
    let last = last.unwrap_or(name);
    (GLUED.contains(&first) && GLUE.contains(&last))
        || ((first.is_empty() || LANGUAGE.contains(&first)) && last == "poll")
        || (first.is_empty() && GLUE.contains(&last))
}

/// The crates that are ours, as they are named in symbols.
#[derive(Clone, Debug, Default)]
pub(super) struct Ours(BTreeSet<String>);

impl Ours {
    /// All of the workspace below `root`.
    pub(super) fn of(root: &Path) -> Self {
        let folders = ["crates", "services"]
            .into_iter()
            .filter_map(|name| fs::read_dir(root.join(name)).ok())
            .flatten();
        let names = folders.flatten().map(|entry| entry.file_name().to_string_lossy().replace('-', "_"));
        Self(names.collect())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(crate_of(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_hashes_and_parameters_and_keep_what_tells_them_apart() {
        for (raw, expected) in [
            ("_ZN7gateway6worker6Worker6handle17h0123456789abcdefE", "gateway::worker::Worker::handle"),
            ("<gateway::worker::Worker as http_edge::Handler>::handle", "gateway::worker::Worker::handle"),
            ("<&mut alloc::vec::Vec<T,A> as core::fmt::Debug>::fmt", "alloc::vec::Vec::fmt"),
            (
                "tokio::runtime::task::core::Core<T,S>::poll::{{closure}}",
                "tokio::runtime::task::core::Core::poll::{{closure}}",
            ),
            ("core::iter::Iterator::map::<fn(u8) -> u8, X<Y>>", "core::iter::Iterator::map"),
            ("core::ptr::drop_in_place<core::option::Option<bytes::Bytes>>", "drop core::option::Option"),
            ("<core::iter::Map<I,fn(u8) -> u8> as core::iter::Iterator>::next", "core::iter::Map::next"),
            ("__memmove_avx_unaligned_erms", "__memmove_avx_unaligned_erms"),
            ("clock_nanosleep@GLIBC_2.2.5", "clock_nanosleep"),
            ("<[T] as core::slice::Concat<T>>::concat", "core::slice::Concat::concat"),
            ("<T as core::convert::Into<U>>::into", "core::convert::Into::into"),
        ] {
            assert_eq!(readable(raw), expected);
        }
    }

    #[test]
    fn glue_is_what_passes_on() {
        assert!(is_glue("core::ops::function::FnOnce::call_once"));
        assert!(is_glue("std::thread::local::LocalKey::with"));
        assert!(is_glue("core::pin::Pin::poll") && is_glue("__rust_try"));
        assert!(is_glue("tokio::task::coop::budget::{{closure}}"));
        assert!(is_glue("{async_fn#0}") && is_glue("__rustc::__rust_alloc"));
        assert!(!is_glue("gateway::cache::with") && !is_glue("core::fmt::write") && !is_glue("write"));
    }

    #[test]
    fn what_the_language_has_built_in_is_of_its_core() {
        for name in
            ["u64::_fmt", "[T]::concat", "str::parse", "core::fmt::write", "drop core::option::Option"]
        {
            assert_eq!(crate_of(name), "core", "{name}");
        }
        assert_eq!((crate_of("hyper::proto::h1"), crate_of("memcpy")), ("hyper", ""));
    }

    #[test]
    fn our_crates_are_those_of_the_workspace() {
        let ours = Ours::of(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap());
        assert!(ours.has("http_edge::serve") && ours.has("drop gateway::worker::Worker"));
        assert!(!ours.has("hyper::proto::h1") && !ours.has("memcpy"));
    }
}
