//! What is known of a document before any schema looks at it: whether it can be parsed, which operation is meant, and how much work it
//! would be. Whoever validates walks fragments wherever they are spread, which a few lines can make endless; here each is measured once.

use std::collections::HashMap;

use async_graphql::ServerError;
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::parser::{self, Error, parse_query};

use crate::refusal::set_code;
use crate::{Kind, Limits, Refusal};

/// Deepest nesting of brackets: the parser is given nothing deeper, since it goes a level down its stack with each.
const MAX_BRACKETS: usize = 64;

/// Most lists of introspection within one another: each multiplies what comes out by the size of the schema.
const MAX_INTROSPECTION_LISTS: usize = 2;

/// Deepest nesting of selection sets, those of fragments and introspection counted.
pub(crate) const MAX_LEVELS: usize = 40;

/// Parses a document within bounds.
///
/// # Errors
/// [`Kind::Unparsable`], [`Kind::Invalid`], [`Kind::OperationUndetermined`].
pub(crate) fn parse(text: &str, limits: &Limits) -> Result<ExecutableDocument, Refusal> {
    let longest = limits.max_document_bytes;
    if text.len() > longest {
        return Err(Refusal::beyond(format!(
            "the document has {} bytes, at most {longest} are read",
            text.len()
        )));
    }
    if deepest_brackets(text) > MAX_BRACKETS {
        return Err(Refusal::beyond(format!("brackets are nested deeper than {MAX_BRACKETS}")));
    }
    let document = parse_query(text).map_err(refused)?;
    measure(&document, limits)?;
    Ok(document)
}

/// The operation that is meant, if that can be told.
pub(crate) fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Option<&'a OperationDefinition> {
    let found = match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(operation),
        (DocumentOperations::Single(_), Some(_)) => None,
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) => {
            operations.values().next().filter(|_| operations.len() == 1)
        }
    };
    found.map(|operation| &operation.node)
}

/// What the parser says is not always about the grammar.
fn refused(error: Error) -> Refusal {
    let kind = match &error {
        Error::OperationDuplicated { .. }
        | Error::FragmentDuplicated { .. }
        | Error::MultipleOperations { .. } => Kind::Invalid,
        Error::MissingOperation => Kind::OperationUndetermined,
        Error::RecursionLimitExceeded => {
            return Refusal::beyond("selections are nested too deep".to_owned());
        }
        _ => Kind::Unparsable,
    };
    let mut error = ServerError::from(error);
    set_code(&mut error, kind.problem());
    Refusal { kind, errors: vec![error] }
}

/// The deepest nesting of brackets outside of strings and comments.
fn deepest_brackets(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'{' | b'[' | b'(' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            b'#' => rest = after_comment(after),
            b'"' => {
                rest = match after.strip_prefix(b"\"\"") {
                    Some(block) => after_string(block, b"\"\"\"", true),
                    None => after_string(after, b"\"", false),
                }
            }
            _ => {}
        }
    }
    deepest
}

fn after_comment(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(text.len());
    text.get(end..).unwrap_or_default()
}

/// What follows a string. One that does not end on its line ends there: it is no string, and the parser will say so.
fn after_string<'a>(mut text: &'a [u8], end: &[u8], is_block: bool) -> &'a [u8] {
    loop {
        if let Some(after) = text.strip_prefix(end) {
            return after;
        }
        let skipped = match text {
            [] => return text,
            [b'\n' | b'\r', ..] if !is_block => return text,
            [b'\\', b'"', b'"', b'"', ..] if is_block => 4,
            [b'\\', _, ..] if !is_block => 2,
            _ => 1,
        };
        text = text.get(skipped..).unwrap_or_default();
    }
}

/// How much there is below a selection set.
#[derive(Clone, Copy, Default)]
struct Measure {
    selections: u64,
    /// Nesting of fields, those of introspection not counted.
    depth: usize,
    /// Fields within one another that are lists if this is introspection.
    maybe_lists: usize,
    /// Lists of introspection within one another.
    lists: usize,
    /// Nesting of selection sets.
    levels: usize,
}

impl Measure {
    fn and(self, other: Self) -> Self {
        Self {
            selections: self.selections.saturating_add(other.selections),
            depth: self.depth.max(other.depth),
            maybe_lists: self.maybe_lists.max(other.maybe_lists),
            lists: self.lists.max(other.lists),
            levels: self.levels.max(other.levels),
        }
    }
}

/// Holds a document against the bounds.
fn measure(document: &ExecutableDocument, limits: &Limits) -> Result<(), Refusal> {
    let mut measures = Measures { document, fragments: HashMap::new() };
    let mut whole = Measure::default();
    for (_, operation) in document.operations.iter() {
        whole = whole.and(measures.of(&operation.node.selection_set.node, 0)?);
    }
    // Those that are not spread are walked once by whoever validates, and not executed.
    for name in document.fragments.keys() {
        measures.of_fragment(name, 0)?;
    }
    let Measure { selections, depth, lists, .. } = whole;
    if selections > limits.max_selections {
        let most = limits.max_selections;
        return Err(Refusal::beyond(format!(
            "the document selects {selections} fields, at most {most} are allowed"
        )));
    }
    if depth > limits.max_depth {
        let deepest = limits.max_depth;
        return Err(Refusal::beyond(format!(
            "fields are nested {depth} deep, at most {deepest} are allowed"
        )));
    }
    if lists > MAX_INTROSPECTION_LISTS {
        let message = format!(
            "lists of introspection are nested {lists} deep, at most {MAX_INTROSPECTION_LISTS} are allowed"
        );
        return Err(Refusal::beyond(message));
    }
    Ok(())
}

struct Measures<'a> {
    document: &'a ExecutableDocument,
    /// Of each fragment that was seen; nothing while it is being measured.
    fragments: HashMap<&'a str, Option<Measure>>,
}

impl<'a> Measures<'a> {
    fn of(&mut self, selections: &'a SelectionSet, level: usize) -> Result<Measure, Refusal> {
        if selections.items.is_empty() {
            return Ok(Measure::default());
        }
        // Checked on the way down for the sake of the stack, and on the way up for what was measured before.
        check_level(level)?;
        let mut whole = Measure::default();
        for selection in &selections.items {
            let mut one = match &selection.node {
                Selection::Field(field) => {
                    let mut below = self.of(&field.node.selection_set.node, level + 1)?;
                    match field.node.name.node.as_str() {
                        // What lies below is of introspection, whose depth is bounded otherwise.
                        "__schema" | "__type" => {
                            below.depth = 0;
                            below.lists = below.maybe_lists;
                        }
                        "fields" | "interfaces" | "possibleTypes" | "inputFields" => below.maybe_lists += 1,
                        _ => {}
                    }
                    below.depth += 1;
                    below
                }
                Selection::InlineFragment(inline) => self.of(&inline.node.selection_set.node, level + 1)?,
                Selection::FragmentSpread(spread) => {
                    self.of_fragment(spread.node.fragment_name.node.as_str(), level + 1)?
                }
            };
            one.selections = one.selections.saturating_add(1);
            whole = whole.and(one);
        }
        check_level(level + whole.levels)?;
        whole.levels += 1;
        Ok(whole)
    }

    fn of_fragment(&mut self, name: &str, level: usize) -> Result<Measure, Refusal> {
        // One that is not there is for validation to tell.
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else {
            return Ok(Measure::default());
        };
        match self.fragments.get(name.as_str()) {
            Some(Some(known)) => return Ok(*known),
            Some(None) => {
                return Err(Refusal::new(Kind::Invalid, format!("the fragment {name} contains itself")));
            }
            None => {}
        }
        self.fragments.insert(name.as_str(), None);
        let measure = self.of(&fragment.node.selection_set.node, level)?;
        self.fragments.insert(name.as_str(), Some(measure));
        Ok(measure)
    }
}

fn check_level(level: usize) -> Result<(), Refusal> {
    if level < MAX_LEVELS {
        return Ok(());
    }
    Err(Refusal::beyond(format!("selections are nested deeper than {MAX_LEVELS}")))
}

/// Whether an operation is not for a safe method.
pub(crate) fn changes(operation: &OperationDefinition) -> bool {
    operation.ty == parser::types::OperationType::Mutation
}
