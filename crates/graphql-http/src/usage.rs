//! Rules of validation that the engine has and does not apply: whether each variable may stand where it is used, and whether what is
//! asked for under one name is one thing.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::VariableDefinition;
use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, OperationType, Selection, SelectionSet,
};
use async_graphql::registry::{MetaInputValue, MetaType, MetaTypeName, Registry};
use async_graphql::{Name, Pos, Positioned, ServerError};
use async_graphql_value::Value;

use crate::problems;
use crate::refusal::coded;

/// What breaks these rules. The document must have passed all other rules: what they know of it is not asked again.
pub(crate) fn faults(registry: &Registry, document: &ExecutableDocument) -> Vec<ServerError> {
    let mut faults = Vec::new();
    for (_, operation) in document.operations.iter() {
        let root = match operation.node.ty {
            OperationType::Query => Some(&registry.query_type),
            OperationType::Mutation => registry.mutation_type.as_ref(),
            OperationType::Subscription => registry.subscription_type.as_ref(),
        };
        let Some(root) = root else { continue };
        let mut walk =
            Walk { registry, document, variables: HashMap::new(), seen: HashSet::new(), faults: Vec::new() };
        for definition in &operation.node.variable_definitions {
            walk.variables.insert(definition.node.name.node.as_str(), &definition.node);
        }
        walk.directives(&operation.node.directives);
        walk.selections(root, &operation.node.selection_set.node);
        faults.append(&mut walk.faults);
        merge(document, &[(root.as_str(), &operation.node.selection_set.node)], registry, &mut faults);
    }
    faults
}

struct Walk<'a> {
    registry: &'a Registry,
    document: &'a ExecutableDocument,
    variables: HashMap<&'a str, &'a VariableDefinition>,
    /// Fragments that were walked for this operation.
    seen: HashSet<&'a str>,
    faults: Vec<ServerError>,
}

impl<'a> Walk<'a> {
    fn selections(&mut self, parent: &str, selections: &'a SelectionSet) {
        for selection in &selections.items {
            match &selection.node {
                Selection::Field(field) => self.field(parent, &field.node),
                Selection::InlineFragment(inline) => {
                    self.directives(&inline.node.directives);
                    let on =
                        inline.node.type_condition.as_ref().map_or(parent, |on| on.node.on.node.as_str());
                    self.selections(on, &inline.node.selection_set.node);
                }
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.node.directives);
                    let name = spread.node.fragment_name.node.as_str();
                    let Some(fragment) = self.document.fragments.get(name) else { continue };
                    if self.seen.insert(name) {
                        let on = fragment.node.type_condition.node.on.node.as_str();
                        self.selections(on, &fragment.node.selection_set.node);
                    }
                }
            }
        }
    }

    fn field(&mut self, parent: &str, field: &'a Field) {
        self.directives(&field.directives);
        let registry = self.registry;
        let Some(known) = field_type(registry, parent, field.name.node.as_str()) else { return };
        self.arguments(|name| known.args.get(name), &field.arguments);
        self.selections(MetaTypeName::concrete_typename(&known.ty), &field.selection_set.node);
    }

    fn directives(&mut self, directives: &'a [Positioned<Directive>]) {
        for directive in directives {
            let registry = self.registry;
            if let Some(known) = registry.directives.get(directive.node.name.node.as_str()) {
                self.arguments(|name| known.args.get(name), &directive.node.arguments);
            }
        }
    }

    fn arguments(
        &mut self,
        known: impl Fn(&str) -> Option<&'a MetaInputValue>,
        arguments: &'a [(Positioned<Name>, Positioned<Value>)],
    ) {
        for (name, value) in arguments {
            if let Some(known) = known(name.node.as_str()) {
                self.value(&known.ty, known.default_value.is_some(), &value.node, value.pos);
            }
        }
    }

    fn value(&mut self, ty: &str, has_default: bool, value: &'a Value, position: Pos) {
        match value {
            Value::Variable(name) => {
                let Some(variable) = self.variables.get(name.as_str()) else { return };
                let declared = variable.var_type.node.to_string();
                let is_given = variable
                    .default_value
                    .as_ref()
                    .is_some_and(|value| !matches!(value.node, async_graphql::Value::Null));
                if !may_stand(&declared, is_given, ty, has_default) {
                    let message = format!("${name} of type {declared} cannot stand where {ty} is expected");
                    self.faults.push(coded(&problems::GRAPHQL_INVALID, message, Some(position)));
                }
            }
            Value::List(items) => {
                let item = match MetaTypeName::create(ty).unwrap_non_null() {
                    MetaTypeName::List(item) => item,
                    _ => return,
                };
                for value in items {
                    self.value(item, false, value, position);
                }
            }
            Value::Object(fields) => {
                let registry = self.registry;
                let Some(MetaType::InputObject { input_fields, .. }) =
                    registry.types.get(MetaTypeName::concrete_typename(ty))
                else {
                    return;
                };
                for (name, value) in fields {
                    if let Some(known) = input_fields.get(name.as_str()) {
                        self.value(&known.ty, known.default_value.is_some(), value, position);
                    }
                }
            }
            _ => {}
        }
    }
}

/// `IsVariableUsageAllowed` of the specification.
fn may_stand(declared: &str, is_given: bool, expected: &str, has_default: bool) -> bool {
    match (MetaTypeName::create(declared), MetaTypeName::create(expected)) {
        (MetaTypeName::NonNull(_), _) => is_compatible(declared, expected),
        (_, MetaTypeName::NonNull(inner)) => (is_given || has_default) && is_compatible(declared, inner),
        _ => is_compatible(declared, expected),
    }
}

/// `AreTypesCompatible` of the specification.
fn is_compatible(declared: &str, expected: &str) -> bool {
    match (MetaTypeName::create(declared), MetaTypeName::create(expected)) {
        (MetaTypeName::NonNull(declared), MetaTypeName::NonNull(expected)) => {
            is_compatible(declared, expected)
        }
        (_, MetaTypeName::NonNull(_)) => false,
        (MetaTypeName::NonNull(declared), _) => is_compatible(declared, expected),
        (MetaTypeName::List(declared), MetaTypeName::List(expected)) => is_compatible(declared, expected),
        (MetaTypeName::Named(declared), MetaTypeName::Named(expected)) => declared == expected,
        _ => false,
    }
}

/// `FieldsInSetCanMerge` of the specification for selections that are answered as one, except that fields of different objects, which
/// never meet in one answer, may have different shapes.
fn merge<'a>(
    document: &'a ExecutableDocument,
    sets: &[(&'a str, &'a SelectionSet)],
    registry: &'a Registry,
    faults: &mut Vec<ServerError>,
) {
    let mut found: Vec<(&str, &Positioned<Field>)> = Vec::new();
    for (parent, set) in sets {
        collect(document, parent, set, &mut HashSet::new(), &mut found);
    }
    let mut by_name: HashMap<&str, Vec<(&str, &Positioned<Field>)>> = HashMap::new();
    let mut names = Vec::new();
    for (parent, field) in found {
        let name = field.node.response_key().node.as_str();
        let same = by_name.entry(name).or_default();
        if same.is_empty() {
            names.push(name);
        }
        same.push((parent, field));
    }
    for name in names {
        let same = by_name.remove(name).unwrap_or_default();
        let Some(((first_parent, first), others)) = same.split_first() else { continue };
        let conflicting = others
            .iter()
            .find(|(parent, other)| parent == first_parent && !is_same(&first.node, &other.node));
        if let Some((_, other)) = conflicting {
            let message = format!("{name} would be two things: ask for one of them under another name");
            let mut fault = coded(&problems::GRAPHQL_INVALID, message, Some(first.pos));
            fault.locations.push(other.pos);
            faults.push(fault);
            continue;
        }
        let below: Vec<_> = same
            .iter()
            .filter(|(_, field)| !field.node.selection_set.node.items.is_empty())
            .filter_map(|(parent, field)| {
                let known = field_type(registry, parent, field.node.name.node.as_str())?;
                Some((MetaTypeName::concrete_typename(&known.ty), &field.node.selection_set.node))
            })
            .collect();
        if !below.is_empty() {
            merge(document, &below, registry, faults);
        }
    }
}

/// The fields of a selection set, those of its fragments among them.
fn collect<'a>(
    document: &'a ExecutableDocument,
    parent: &'a str,
    selections: &'a SelectionSet,
    seen: &mut HashSet<&'a str>,
    found: &mut Vec<(&'a str, &'a Positioned<Field>)>,
) {
    for selection in &selections.items {
        match &selection.node {
            Selection::Field(field) => found.push((parent, field)),
            Selection::InlineFragment(inline) => {
                let on = inline.node.type_condition.as_ref().map_or(parent, |on| on.node.on.node.as_str());
                collect(document, on, &inline.node.selection_set.node, seen, found);
            }
            Selection::FragmentSpread(spread) => {
                let name = spread.node.fragment_name.node.as_str();
                if let Some(fragment) = document.fragments.get(name).filter(|_| seen.insert(name)) {
                    let on = fragment.node.type_condition.node.on.node.as_str();
                    collect(document, on, &fragment.node.selection_set.node, seen, found);
                }
            }
        }
    }
}

/// Whether two fields of one type have the same value.
fn is_same(one: &Field, other: &Field) -> bool {
    one.name.node == other.name.node
        && one.arguments.len() == other.arguments.len()
        && one
            .arguments
            .iter()
            .all(|(name, value)| other.get_argument(&name.node).is_some_and(|other| other.node == value.node))
}

fn field_type<'a>(
    registry: &'a Registry,
    parent: &str,
    name: &str,
) -> Option<&'a async_graphql::registry::MetaField> {
    registry.types.get(parent)?.field_by_name(name)
}
