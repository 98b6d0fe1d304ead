//! The struct: its attributes, checks across fields, and the `impl Resource`.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Fields, Ident, LitStr};

use crate::field::{FieldDeclaration, optional};
use crate::options::{Faults, Located, count, doc, is_snake_case, set, text, words};

/// The written word and the variant it stands for.
type Vocabulary = &'static [(&'static str, &'static str)];

const READ: Vocabulary = &[
    ("anyone", "Anyone"),
    ("authenticated", "Authenticated"),
    ("own_or_administrator", "OwnOrAdministrator"),
];
const AUDIENCE: Vocabulary = &[("shared", "Shared"), ("principal", "Principal")];

/// Cache policy where the declaration says nothing (C-A18), kept apart for each principal: the safe side.
const DEFAULT_CACHE: CacheDeclaration =
    CacheDeclaration { audience: "Principal", ttl_secs: 120, swr_secs: 60 };

struct CacheDeclaration {
    audience: &'static str,
    ttl_secs: u32,
    swr_secs: u32,
}

/// Struct attributes as written.
#[derive(Default)]
struct ModelOptions {
    root: Option<Located<syn::Path>>,
    name: Option<Located<String>>,
    path: Option<Located<String>>,
    table: Option<Located<String>>,
    read: Option<Located<&'static str>>,
    write: Option<Located<String>>,
    delete: Option<Located<String>>,
    owner: Option<Located<String>>,
    rules: Option<Located<Ident>>,
    cache: Option<Located<CacheDeclaration>>,
    unique_together: Vec<Vec<Located<String>>>,
    indexes: Vec<Vec<Located<String>>>,
}

impl ModelOptions {
    fn read(input: &DeriveInput, faults: &mut Faults) -> Self {
        let mut options = Self::default();
        for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("resource")) {
            let read = attribute.parse_nested_meta(|meta| options.read_one(&meta));
            faults.take(read);
        }
        options
    }

    fn read_one(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        match name.as_str() {
            "crate" => set(&mut self.root, meta, meta.value()?.parse::<LitStr>()?.parse()?),
            "name" => set(&mut self.name, meta, text(meta)?),
            "path" => set(&mut self.path, meta, text(meta)?),
            "table" => set(&mut self.table, meta, text(meta)?),
            "read" => set(&mut self.read, meta, word_of(meta, READ)?),
            "write" => set(&mut self.write, meta, text(meta)?),
            "delete" => set(&mut self.delete, meta, text(meta)?),
            "owner" => set(&mut self.owner, meta, text(meta)?),
            "rules" => set(&mut self.rules, meta, variant_of(meta)?),
            "cache" => set(&mut self.cache, meta, read_cache(meta)?),
            "unique_together" => {
                self.unique_together.push(words(meta)?);
                Ok(())
            }
            "index" => {
                self.indexes.push(words(meta)?);
                Ok(())
            }
            _ => Err(meta.error(
                "unknown resource option; known are crate, name, path, table, read, write, delete, owner, rules, \
                 cache, unique_together, index",
            )),
        }
    }
}

fn read_cache(meta: &ParseNestedMeta<'_>) -> syn::Result<CacheDeclaration> {
    let (mut audience, mut ttl_secs, mut swr_secs) = (None, None, None);
    meta.parse_nested_meta(|inner| {
        if inner.path.is_ident("audience") {
            set(&mut audience, &inner, word_of(&inner, AUDIENCE)?)
        } else if inner.path.is_ident("ttl_secs") {
            set(&mut ttl_secs, &inner, count(&inner)?)
        } else if inner.path.is_ident("swr_secs") {
            set(&mut swr_secs, &inner, count(&inner)?)
        } else {
            Err(inner.error("unknown cache option; known are audience, ttl_secs, swr_secs"))
        }
    })?;
    Ok(CacheDeclaration {
        audience: audience.map_or(DEFAULT_CACHE.audience, |chosen| chosen.value),
        ttl_secs: ttl_secs.map_or(DEFAULT_CACHE.ttl_secs, |chosen| chosen.value),
        swr_secs: swr_secs.map_or(DEFAULT_CACHE.swr_secs, |chosen| chosen.value),
    })
}

/// The variant that the written word stands for.
fn word_of(meta: &ParseNestedMeta<'_>, vocabulary: Vocabulary) -> syn::Result<&'static str> {
    let written: LitStr = meta.value()?.parse()?;
    let found = vocabulary.iter().find(|(word, _)| *word == written.value());
    found.map(|(_, variant)| *variant).ok_or_else(|| {
        let known: Vec<&str> = vocabulary.iter().map(|(word, _)| *word).collect();
        syn::Error::new(written.span(), format!("expected one of {}", known.join(", ")))
    })
}

/// The variant that a word of the service's own vocabulary names: `snake_case` as `PascalCase`. A word that the
/// service does not know is found by the compiler, at the word.
fn variant_of(meta: &ParseNestedMeta<'_>) -> syn::Result<Ident> {
    let written: LitStr = meta.value()?.parse()?;
    let word = written.value();
    if !is_snake_case(&word) {
        return Err(syn::Error::new(written.span(), format!("`{word}` is not snake_case")));
    }
    let variant: String = word
        .split('_')
        .flat_map(|part| {
            let mut letters = part.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters)
        })
        .collect();
    Ok(Ident::new(&variant, written.span()))
}

/// The implementation of `Resource` for the declared struct.
pub(crate) fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let mut faults = Faults::default();
    let declared = named_fields(input)?;
    let options = ModelOptions::read(input, &mut faults);
    let fields: Vec<FieldDeclaration> =
        declared.iter().filter_map(|field| FieldDeclaration::read(field, &mut faults)).collect();
    let whole = fields.len() == declared.len();
    if whole {
        check_sets(&options, &fields, &mut faults);
        check_relations(&fields, &mut faults);
    }
    let place = input.ident.span();
    let doc = doc(&input.attrs);
    if doc.is_empty() {
        faults.at(place, "describe the model in a doc comment: it is shown in the API's document");
    }
    let name = required(&options.name, "name", place, &mut faults);
    let path = required(&options.path, "path", place, &mut faults);
    let read = required(&options.read, "read", place, &mut faults);
    let write = required(&options.write, "write", place, &mut faults);
    let delete = required(&options.delete, "delete", place, &mut faults);
    check_names(&options, &mut faults);
    faults.finish()?;
    // Present, or a fault has ended the expansion above.
    let (Some(name), Some(path), Some(read), Some(write), Some(delete)) = (name, path, read, write, delete)
    else {
        return Err(syn::Error::new(place, "incomplete declaration"));
    };
    let root = match &options.root {
        Some(root) => root.value.clone(),
        None => syn::parse_quote!(crate::model),
    };
    let ident = &input.ident;
    let table = options.table.as_ref().map_or(&name, |table| &table.value);
    let access = emit_access(&root, read, &write, &delete, options.owner.map(|owner| owner.value));
    let cache = emit_cache(&root, options.cache.as_ref().map_or(&DEFAULT_CACHE, |cache| &cache.value));
    let rules = options.rules.map_or_else(|| Ident::new("None", Span::call_site()), |rules| rules.value);
    let unique_together = emit_sets(&options.unique_together);
    let indexes = emit_sets(&options.indexes);
    let descriptors = fields.iter().map(|field| field.emit(&root));
    let members = fields.iter().map(|field| &field.ident);
    Ok(quote! {
        #[automatically_derived]
        impl #root::Resource for #ident {
            const MODEL: #root::Model = #root::Model {
                name: #name,
                path: #path,
                table: #table,
                doc: #doc,
                fields: &[#(#descriptors),*],
                unique_together: #unique_together,
                indexes: #indexes,
                access: #access,
                cache: #cache,
                rules: #root::Rules::#rules,
            };
        }
        // A declaration is read here and nowhere else; without this its fields would count as never read.
        const _: fn(&#ident) = |record| {
            #( let _ = &record.#members; )*
        };
    })
}

fn named_fields(input: &DeriveInput) -> syn::Result<Vec<syn::Field>> {
    if !input.generics.params.is_empty() {
        return Err(syn::Error::new(input.generics.span(), "a model has no type parameters or lifetimes"));
    }
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(named) if !named.named.is_empty() => Ok(named.named.iter().cloned().collect()),
            _ => {
                Err(syn::Error::new(input.ident.span(), "a model is a struct with at least one named field"))
            }
        },
        _ => Err(syn::Error::new(input.ident.span(), "a model is a struct")),
    }
}

fn required<T: Clone>(
    option: &Option<Located<T>>,
    name: &str,
    place: Span,
    faults: &mut Faults,
) -> Option<T> {
    if option.is_none() {
        faults.at(place, format!("`#[resource({name} = \"…\")]` is missing"));
    }
    option.as_ref().map(|located| located.value.clone())
}

fn check_names(options: &ModelOptions, faults: &mut Faults) {
    for name in [&options.name, &options.table].into_iter().flatten() {
        if !is_snake_case(&name.value) {
            faults.at(name.span, format!("`{}` is not snake_case", name.value));
        }
    }
    if let Some(path) = &options.path
        && (!is_snake_case(&path.value.replace('-', "_")) || path.value.contains('_'))
    {
        faults.at(path.span, format!("`{}` is not kebab-case", path.value));
    }
    for role in [&options.write, &options.delete].into_iter().flatten() {
        if role.value.is_empty() {
            faults.at(role.span, "names the least role; it must not be empty");
        }
    }
}

fn check_sets(options: &ModelOptions, fields: &[FieldDeclaration], faults: &mut Faults) {
    let find = |name: &str| fields.iter().find(|field| field.name == name);
    for member in options.unique_together.iter().chain(&options.indexes).flatten() {
        if find(&member.value).is_none() {
            faults.at(member.span, format!("there is no field `{}`", member.value));
        }
    }
    for set in &options.unique_together {
        if let [only] = set.as_slice() {
            faults.at(only.span, "a single field is made `unique` on the field itself");
        }
    }
    if let Some(owner) = &options.owner
        && !find(&owner.value).is_some_and(|field| field.is_uuid)
    {
        faults.at(owner.span, format!("there is no Uuid field `{}` to hold the owner's id", owner.value));
    }
}

/// A relation is shown as a member beside the fields: their names may not meet.
fn check_relations(fields: &[FieldDeclaration], faults: &mut Faults) {
    for (place, field) in fields.iter().enumerate() {
        let Some(relation) = &field.relation else { continue };
        if !is_snake_case(&relation.value) {
            faults.at(relation.span, format!("`{}` is not snake_case", relation.value));
        }
        let taken = fields.iter().any(|other| other.name == relation.value)
            || fields
                .iter()
                .take(place)
                .any(|other| other.relation.as_ref().is_some_and(|earlier| earlier.value == relation.value));
        if taken {
            faults.at(
                relation.span,
                format!("`{}` is already the name of a field or relation", relation.value),
            );
        }
    }
}

fn emit_access(
    root: &syn::Path,
    read: &str,
    write: &str,
    delete: &str,
    owner: Option<String>,
) -> TokenStream {
    let read = Ident::new(read, Span::call_site());
    let owner = optional(owner);
    quote!(#root::Access { read: #root::ReadAccess::#read, write: #write, delete: #delete, owner: #owner })
}

fn emit_cache(root: &syn::Path, cache: &CacheDeclaration) -> TokenStream {
    let CacheDeclaration { audience, ttl_secs, swr_secs } = cache;
    let audience = Ident::new(audience, Span::call_site());
    quote!(#root::CachePolicy {
        audience: #root::Audience::#audience, ttl_secs: #ttl_secs, swr_secs: #swr_secs
    })
}

fn emit_sets(sets: &[Vec<Located<String>>]) -> TokenStream {
    let sets = sets.iter().map(|set| {
        let members = set.iter().map(|member| &member.value);
        quote!(&[#(#members),*])
    });
    quote!(&[#(#sets),*])
}
