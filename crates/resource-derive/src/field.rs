//! One field: its attributes, checked against its type, and its descriptor.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{GenericArgument, PathArguments, Type};

use crate::options::{Faults, Located, count, doc, integer, is_snake_case, scalar, set, text, words};

/// Members that every record has; a declaration may not use them.
const RESERVED: [&str; 7] =
    ["id", "version", "created_at", "updated_at", "deleted", "deleted_at", "client_mutation_id"];

/// Text column names in Postgres are at most this long.
const LONGEST_NAME: usize = 40;

/// Attributes as written, before they are held against the field's type.
#[derive(Default)]
struct FieldOptions {
    unique: Option<Located<()>>,
    filter: Option<Located<()>>,
    sort: Option<Located<()>>,
    search: Option<Located<()>>,
    facet: Option<Located<()>>,
    private: Option<Located<()>>,
    write_only: Option<Located<()>>,
    not_future: Option<Located<()>>,
    email: Option<Located<()>>,
    phone: Option<Located<()>>,
    min_len: Option<Located<u32>>,
    max_len: Option<Located<u32>>,
    min: Option<Located<i64>>,
    max: Option<Located<i64>>,
    values: Option<Located<Vec<Located<String>>>>,
    default: Option<Located<String>>,
    references: Option<Located<String>>,
    relation: Option<Located<String>>,
    write_role: Option<Located<String>>,
}

/// What a field's Rust type allows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scalar {
    Text,
    Long,
    Int,
    Boolean,
    Date,
    Uuid,
}

/// Type and bounds, as the descriptor shows them.
enum Kind {
    Text { min_len: u32, max_len: u32, format: &'static str },
    Integer { min: i64, max: i64 },
    Boolean,
    Date { not_future: bool },
    Choice(Vec<String>),
    Uuid,
}

/// A checked field.
pub(crate) struct FieldDeclaration {
    pub(crate) name: String,
    pub(crate) ident: syn::Ident,
    /// The field's own id column: a `Uuid`.
    pub(crate) is_uuid: bool,
    pub(crate) relation: Option<Located<String>>,
    descriptor: FieldDescriptor,
}

struct FieldDescriptor {
    doc: String,
    kind: Kind,
    nullable: bool,
    options: FieldOptions,
}

impl FieldOptions {
    fn read(field: &syn::Field, faults: &mut Faults) -> Self {
        let mut options = Self::default();
        for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("field")) {
            let read = attribute.parse_nested_meta(|meta| {
                let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
                match name.as_str() {
                    "unique" => set(&mut options.unique, &meta, ()),
                    "filter" => set(&mut options.filter, &meta, ()),
                    "sort" => set(&mut options.sort, &meta, ()),
                    "search" => set(&mut options.search, &meta, ()),
                    "facet" => set(&mut options.facet, &meta, ()),
                    "private" => set(&mut options.private, &meta, ()),
                    "write_only" => set(&mut options.write_only, &meta, ()),
                    "not_future" => set(&mut options.not_future, &meta, ()),
                    "email" => set(&mut options.email, &meta, ()),
                    "phone" => set(&mut options.phone, &meta, ()),
                    "min_len" => set(&mut options.min_len, &meta, count(&meta)?),
                    "max_len" => set(&mut options.max_len, &meta, count(&meta)?),
                    "min" => set(&mut options.min, &meta, integer(&meta)?),
                    "max" => set(&mut options.max, &meta, integer(&meta)?),
                    "values" => set(&mut options.values, &meta, words(&meta)?),
                    "default" => set(&mut options.default, &meta, scalar(&meta)?),
                    "references" => set(&mut options.references, &meta, text(&meta)?),
                    "relation" => set(&mut options.relation, &meta, text(&meta)?),
                    "write_role" => set(&mut options.write_role, &meta, text(&meta)?),
                    _ => Err(meta.error(
                        "unknown field option; known are unique, filter, sort, search, facet, private, write_only, \
                         not_future, email, phone, min_len, max_len, min, max, values, default, references, \
                         relation, write_role",
                    )),
                }
            });
            faults.take(read);
        }
        options
    }

    /// Refuses options that mean nothing on this type.
    fn refuse_foreign(&self, scalar: Scalar, faults: &mut Faults) {
        let is_choice = self.values.is_some();
        let free_text = scalar == Scalar::Text && !is_choice;
        let integer = matches!(scalar, Scalar::Long | Scalar::Int);
        let mut only = |allowed: bool, span: Option<Span>, message: &str| {
            if let (false, Some(span)) = (allowed, span) {
                faults.at(span, message);
            }
        };
        only(scalar == Scalar::Text, span(&self.values), "`values` is for a String");
        only(free_text, span(&self.min_len), "`min_len` is for a free text");
        only(free_text, span(&self.max_len), "`max_len` is for a free text");
        only(free_text, span(&self.search), "`search` is for a free text");
        only(free_text, span(&self.email), "`email` is for a free text");
        only(free_text, span(&self.phone), "`phone` is for a free text");
        only(integer, span(&self.min), "`min` is for a whole number");
        only(integer, span(&self.max), "`max` is for a whole number");
        only(scalar == Scalar::Date, span(&self.not_future), "`not_future` is for a NaiveDate");
        only(scalar == Scalar::Uuid, span(&self.references), "`references` is for a Uuid");
        only(is_choice || scalar == Scalar::Boolean, span(&self.facet), "`facet` is for `values` or a bool");
        only(scalar != Scalar::Uuid, span(&self.default), "a Uuid has no default");
        for shown in [&self.search, &self.filter, &self.sort, &self.facet, &self.unique] {
            only(self.write_only.is_none(), span(shown), "would reveal a `write_only` field");
        }
    }
}

fn span<T>(option: &Option<Located<T>>) -> Option<Span> {
    option.as_ref().map(|located| located.span)
}

impl FieldDeclaration {
    /// Reads and checks one field; `None` when it is too broken to go on with (the fault is noted).
    pub(crate) fn read(field: &syn::Field, faults: &mut Faults) -> Option<Self> {
        let ident = field.ident.clone()?;
        let name = ident.unraw().to_string();
        if !is_snake_case(&name) || name.len() > LONGEST_NAME {
            faults.at(
                ident.span(),
                format!("a field's name is snake_case, of at most {LONGEST_NAME} characters"),
            );
        }
        if RESERVED.contains(&name.as_str()) {
            faults.at(ident.span(), format!("every record has `{name}`; it cannot be declared"));
        }
        let doc = doc(&field.attrs);
        if doc.is_empty() {
            faults.at(ident.span(), "describe the field in a doc comment: it is shown in the API's document");
        }
        let options = FieldOptions::read(field, faults);
        let (scalar, nullable) = faults.take(scalar_of(&field.ty))?;
        options.refuse_foreign(scalar, faults);
        if let (true, Some(sort)) = (nullable, &options.sort) {
            faults.at(sort.span, "a field that may be null is never sorted by: keyset pages would lose rows");
        }
        match (&options.references, &options.relation) {
            (Some(one), None) => {
                faults.at(one.span, "`references` needs `relation`, its word in `?include=`")
            }
            (None, Some(one)) => faults.at(one.span, "`relation` needs `references`, the model it points at"),
            _ => {}
        }
        let kind = kind_of(scalar, &options, ident.span(), faults)?;
        if let Some(default) = &options.default {
            check_default(&kind, default, faults);
        }
        let relation = options.relation.clone();
        let is_uuid = scalar == Scalar::Uuid;
        let descriptor = FieldDescriptor { doc, kind, nullable, options };
        Some(Self { name, ident, is_uuid, relation, descriptor })
    }

    /// The `Field { … }` expression.
    pub(crate) fn emit(&self, root: &syn::Path) -> TokenStream {
        let name = &self.name;
        let FieldDescriptor { doc, kind, nullable, options } = &self.descriptor;
        let kind_tokens = kind.emit(root);
        let default = optional(options.default.as_ref().map(|default| default.value.clone()));
        let write_role = optional(options.write_role.as_ref().map(|role| role.value.clone()));
        let reference = match (&options.references, &options.relation) {
            (Some(Located { value: model, .. }), Some(Located { value: relation, .. })) => quote! {
                ::core::option::Option::Some(#root::Reference { model: #model, relation: #relation })
            },
            _ => quote!(::core::option::Option::None),
        };
        let (unique, filter, sort) =
            (options.unique.is_some(), options.filter.is_some(), options.sort.is_some());
        let (search, facet) = (options.search.is_some(), options.facet.is_some());
        let private = options.private.is_some();
        let write_only = options.write_only.is_some();
        quote! {
            #root::Field {
                name: #name,
                doc: #doc,
                kind: #kind_tokens,
                nullable: #nullable,
                default: #default,
                unique: #unique,
                filter: #filter,
                sort: #sort,
                search: #search,
                facet: #facet,
                private: #private,
                write_only: #write_only,
                write_role: #write_role,
                reference: #reference,
            }
        }
    }
}

impl Kind {
    fn emit(&self, root: &syn::Path) -> TokenStream {
        match self {
            Self::Text { min_len, max_len, format } => {
                let format = syn::Ident::new(format, Span::call_site());
                quote!(#root::FieldKind::Text {
                    min_len: #min_len, max_len: #max_len, format: #root::TextFormat::#format
                })
            }
            Self::Integer { min, max } => quote!(#root::FieldKind::Integer { min: #min, max: #max }),
            Self::Boolean => quote!(#root::FieldKind::Boolean),
            Self::Date { not_future } => quote!(#root::FieldKind::Date { not_future: #not_future }),
            Self::Choice(words) => quote!(#root::FieldKind::Choice(&[#(#words),*])),
            Self::Uuid => quote!(#root::FieldKind::Uuid),
        }
    }
}

/// `Some("…")` or `None`, as tokens.
pub(crate) fn optional(text: Option<String>) -> TokenStream {
    match text {
        Some(text) => quote!(::core::option::Option::Some(#text)),
        None => quote!(::core::option::Option::None),
    }
}

fn kind_of(scalar: Scalar, options: &FieldOptions, place: Span, faults: &mut Faults) -> Option<Kind> {
    Some(match scalar {
        Scalar::Text => match &options.values {
            Some(values) => Kind::Choice(values.value.iter().map(|word| word.value.clone()).collect()),
            None => text_kind(options, place, faults)?,
        },
        Scalar::Long => integer_kind(options, i64::MIN, i64::MAX, faults),
        Scalar::Int => integer_kind(options, i64::from(i32::MIN), i64::from(i32::MAX), faults),
        Scalar::Boolean => Kind::Boolean,
        Scalar::Date => Kind::Date { not_future: options.not_future.is_some() },
        Scalar::Uuid => Kind::Uuid,
    })
}

fn text_kind(options: &FieldOptions, place: Span, faults: &mut Faults) -> Option<Kind> {
    let Some(max_len) = &options.max_len else {
        faults.at(place, "a text needs `max_len` (or `values`): nothing unbounded is stored");
        return None;
    };
    let min_len = options.min_len.as_ref().map_or(0, |least| least.value);
    if min_len > max_len.value {
        faults.at(max_len.span, "`max_len` is less than `min_len`");
    }
    let format = match (&options.email, &options.phone) {
        (Some(_), Some(phone)) => {
            faults.at(phone.span, "a text is an e-mail address or a telephone number, not both");
            "Phone"
        }
        (Some(_), None) => "Email",
        (None, Some(_)) => "Phone",
        (None, None) => "Plain",
    };
    Some(Kind::Text { min_len, max_len: max_len.value, format })
}

fn integer_kind(options: &FieldOptions, least: i64, greatest: i64, faults: &mut Faults) -> Kind {
    for bound in [&options.min, &options.max].into_iter().flatten() {
        if bound.value < least || bound.value > greatest {
            faults.at(bound.span, format!("does not fit the field's type ({least} to {greatest})"));
        }
    }
    let min = options.min.as_ref().map_or(least, |bound| bound.value);
    let max = options.max.as_ref().map_or(greatest, |bound| bound.value);
    if let (true, Some(bound)) = (min > max, options.max.as_ref().or(options.min.as_ref())) {
        faults.at(bound.span, "`max` is less than `min`");
    }
    Kind::Integer { min, max }
}

fn check_default(kind: &Kind, default: &Located<String>, faults: &mut Faults) {
    let value = default.value.as_str();
    let fits = match kind {
        Kind::Text { min_len, max_len, .. } => {
            u32::try_from(value.chars().count()).is_ok_and(|length| (*min_len..=*max_len).contains(&length))
        }
        Kind::Integer { min, max } => {
            value.parse::<i64>().is_ok_and(|number| (*min..=*max).contains(&number))
        }
        Kind::Boolean => matches!(value, "true" | "false"),
        Kind::Date { .. } => is_date_shaped(value),
        Kind::Choice(words) => words.iter().any(|word| word == value),
        Kind::Uuid => true,
    };
    if !fits {
        faults.at(default.span, format!("the default `{value}` is not a value that the field accepts"));
    }
}

/// `2025-01-31`: the shape only; the calendar is checked where the value is used.
fn is_date_shaped(value: &str) -> bool {
    value.len() == 10
        && value.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

fn scalar_of(ty: &Type) -> syn::Result<(Scalar, bool)> {
    let unsupported = || {
        syn::Error::new(
            ty.span(),
            "unsupported type; a field is String, i64, i32, bool, NaiveDate, Uuid or an Option of one of them",
        )
    };
    let Type::Path(path) = ty else { return Err(unsupported()) };
    let last = path.path.segments.last().ok_or_else(unsupported)?;
    let scalar = match last.ident.to_string().as_str() {
        "String" => Scalar::Text,
        "i64" => Scalar::Long,
        "i32" => Scalar::Int,
        "bool" => Scalar::Boolean,
        "NaiveDate" => Scalar::Date,
        "Uuid" => Scalar::Uuid,
        "Option" => {
            let PathArguments::AngleBracketed(arguments) = &last.arguments else { return Err(unsupported()) };
            return match arguments.args.first() {
                Some(GenericArgument::Type(inner)) => match scalar_of(inner)? {
                    (scalar, false) => Ok((scalar, true)),
                    (_, true) => Err(unsupported()),
                },
                _ => Err(unsupported()),
            };
        }
        _ => return Err(unsupported()),
    };
    if last.arguments.is_empty() { Ok((scalar, false)) } else { Err(unsupported()) }
}
