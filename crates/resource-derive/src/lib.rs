#![doc = include_str!("../README.md")]

mod field;
mod model;
mod options;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Declares a model: implements `Resource` with the `Model` constant that the attributes describe.
///
/// # Errors
/// Every contradiction in the declaration is a compile error on the attribute that causes it.
#[proc_macro_derive(Resource, attributes(resource, field))]
pub fn derive_resource(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    model::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
