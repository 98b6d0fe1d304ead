//! The problem types of GraphQL, beside the common ones of the `problem` crate. An answer carries their codes in `extensions.code` of its
//! errors; the status of the answer is what the edition of the specification says.

use problem::ProblemType;

macro_rules! problem_types {
    ($($(#[$meta:meta])* $name:ident = $code:literal, $status:literal, $title:literal, $doc:literal;)*) => {
        $($(#[$meta])* pub static $name: ProblemType = ProblemType { code: $code, status: $status, title: $title, doc: $doc };)*
        /// All of them.
        pub static GRAPHQL_PROBLEMS: &[&ProblemType] = &[$(&$name),*];
    };
}

problem_types! {
    /// The grammar of GraphQL is broken.
    GRAPHQL_UNPARSABLE = "graphql_unparsable", 400, "The GraphQL document cannot be parsed",
        "`query` does not follow the grammar of GraphQL at the place that `locations` names. It was not executed. The code stands in `extensions.code`; a client that takes only `application/json` may see it under the status 200.";
    /// A parameter is missing or of the wrong type.
    GRAPHQL_NOT_WELL_FORMED = "graphql_not_well_formed", 422, "The request is not a GraphQL request",
        "A request has `query`, a string, and may have `operationName`, a string, `variables` and `extensions`, objects; in an address the latter two are JSON. One of them is missing, stands there twice or is of another type; the message says which. The status is 400 or 422, depending on the edition of GraphQL over HTTP.";
    /// The document cannot be valid for the schema.
    GRAPHQL_INVALID = "graphql_invalid", 422, "The GraphQL document is not valid",
        "The document asks for what the schema does not have, or breaks another rule of validation; each error names one. It was not executed. The status is 400 or 422, and 200 for a client that takes only `application/json`, depending on the edition of GraphQL over HTTP.";
    /// More than is allowed to be asked for at once.
    GRAPHQL_LIMIT_EXCEEDED = "graphql_limit_exceeded", 422, "The GraphQL document asks for too much at once",
        "The document is nested deeper, holds more or costs more than is allowed; the message gives the bound and what was found. It was not executed. Ask for fewer at a time, and page. The status is that of a document that is not valid.";
    /// Which operation is meant cannot be told.
    GRAPHQL_OPERATION_UNDETERMINED = "graphql_operation_undetermined", 422, "The operation cannot be determined",
        "A document with several operations needs `operationName`, and an `operationName` must be that of an operation in the document. Nothing was executed.";
    /// Values that do not fit the variables.
    GRAPHQL_VARIABLES_INVALID = "graphql_variables_invalid", 422, "The variables do not fit the operation",
        "A variable that must have a value has none, or a value is not of the type that the operation declares for it; the message says which. Nothing was executed.";
}
