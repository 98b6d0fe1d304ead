//! Whether the values of variables fit what an operation declares (`CoerceVariableValues` of the GraphQL specification), all of them and
//! before anything is executed. The engine itself looks at a variable where it is used, and that late.

use async_graphql::parser::types::VariableDefinition;
use async_graphql::registry::{MetaType, MetaTypeName, Registry};
use async_graphql::{Positioned, ServerError, Value, Variables};

use crate::problems;
use crate::refusal::coded;

/// Deepest nesting of a value.
const MAX_NESTING: usize = 64;

/// What does not fit, of each variable the first fault.
pub(crate) fn faults(
    registry: &Registry,
    definitions: &[Positioned<VariableDefinition>],
    variables: &Variables,
) -> Vec<ServerError> {
    definitions
        .iter()
        .filter_map(|definition| {
            let Positioned { pos, node } = definition;
            let name = node.name.node.as_str();
            let ty = node.var_type.node.to_string();
            let fault = match variables.get(name) {
                Some(value) => fault(registry, &ty, value, &format!("${name}"), 0)?,
                None if node.var_type.node.nullable || node.default_value.is_some() => return None,
                None => format!("${name} of type {ty} must have a value"),
            };
            Some(coded(&problems::GRAPHQL_VARIABLES_INVALID, fault, Some(*pos)))
        })
        .collect()
}

/// The first fault of a value for a type.
fn fault(registry: &Registry, ty: &str, value: &Value, path: &str, level: usize) -> Option<String> {
    if level > MAX_NESTING {
        return Some(format!("{path} is nested deeper than {MAX_NESTING}"));
    }
    match (MetaTypeName::create(ty), value) {
        (MetaTypeName::NonNull(_), Value::Null) => Some(format!("{path} of type {ty} must not be null")),
        (_, Value::Null) => None,
        (MetaTypeName::NonNull(inner), _) => fault(registry, inner, value, path, level + 1),
        (MetaTypeName::List(inner), Value::List(items)) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| fault(registry, inner, item, &format!("{path}[{index}]"), level + 1)),
        // A single value stands for a list of it.
        (MetaTypeName::List(inner), _) => fault(registry, inner, value, path, level + 1),
        (MetaTypeName::Named(name), _) => named_fault(registry, name, value, path, level),
    }
}

fn named_fault(registry: &Registry, name: &str, value: &Value, path: &str, level: usize) -> Option<String> {
    let of_other_type = || Some(format!("{path} is not of type {name}"));
    match registry.types.get(name) {
        Some(MetaType::Scalar { is_valid, .. }) => {
            let is_good = is_valid.as_ref().is_none_or(|is_valid| is_valid(value));
            if is_good && (name != "Int" || is_int(value)) { None } else { of_other_type() }
        }
        Some(MetaType::Enum { enum_values, .. }) => match value {
            Value::String(text) if enum_values.contains_key(text.as_str()) => None,
            Value::Enum(text) if enum_values.contains_key(text.as_str()) => None,
            _ => of_other_type(),
        },
        Some(MetaType::InputObject { input_fields, oneof, .. }) => {
            let Value::Object(found) = value else { return of_other_type() };
            if let Some(unknown) = found.keys().find(|key| !input_fields.contains_key(key.as_str())) {
                return Some(format!("{path}.{unknown} is not known to {name}"));
            }
            if *oneof && (found.len() != 1 || found.values().any(|value| matches!(value, Value::Null))) {
                return Some(format!("{path} of type {name} must have exactly one field, which is not null"));
            }
            input_fields.values().find_map(|field| {
                let path = format!("{path}.{}", field.name);
                match found.get(field.name.as_str()) {
                    Some(value) => fault(registry, &field.ty, value, &path, level + 1),
                    None if field.ty.ends_with('!') && field.default_value.is_none() => {
                        Some(format!("{path} of type {} must have a value", field.ty))
                    }
                    None => None,
                }
            })
        }
        // That no variable can have such a type is for validation to tell.
        Some(_) | None => None,
    }
}

/// An `Int` of GraphQL has 32 bits, whatever the engine would take.
fn is_int(value: &Value) -> bool {
    matches!(value, Value::Number(number) if number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()))
}
