//! What a catalog model is: one declaration from which REST, OpenAPI, the table, delta sync, cache policy and the
//! conformance tests follow (C-D12).
//!
//! A model is declared by deriving [`resource_derive::Resource`] on a struct of its writable fields (see `declared.rs`);
//! the derive emits a [`Model`] constant. Everything else in this service reads that constant; nothing knows a
//! model by name except the herd rules, which are named by [`Rules`].

pub(crate) mod declared;
pub mod registry;

/// Implemented by `#[derive(Resource)]`.
pub trait Resource {
    /// The declaration, usable in constants.
    const MODEL: Model;
}

/// One declared model.
#[derive(Debug)]
pub struct Model {
    /// Singular name, as in events and groups: `animal`.
    pub name: &'static str,
    /// Path segment under `/v1/`: `animals`.
    pub path: &'static str,
    /// Table name: `animal`.
    pub table: &'static str,
    /// What the model stands for; shown in the API's document.
    pub doc: &'static str,
    /// The writable fields, in the order in which they are shown.
    pub fields: &'static [Field],
    /// Sets of fields that no two live records may share.
    pub unique_together: &'static [&'static [&'static str]],
    /// Further indexes, each a list of fields.
    pub indexes: &'static [&'static [&'static str]],
    /// Who may do what.
    pub access: Access,
    /// How long which caches may keep it, in the absence of a write.
    pub cache: CachePolicy,
    /// Rules that span several records.
    pub rules: Rules,
}

/// One field of a model.
#[derive(Debug)]
pub struct Field {
    /// Name in JSON and in the table.
    pub name: &'static str,
    /// Shown in the API's document and as the column's comment.
    pub doc: &'static str,
    /// Type and bounds.
    pub kind: FieldKind,
    /// May be `null` or left out.
    pub nullable: bool,
    /// Value taken when it is left out (as a plain word: `alive`, `true`, `3`).
    pub default: Option<&'static str>,
    /// No two live records share a value.
    pub unique: bool,
    /// `?field=value` (and `[gte]`, `[lte]` on ordered kinds) is offered, and indexed.
    pub filter: bool,
    /// `?sort_by=field` is offered, and indexed. Never on a nullable field.
    pub sort: bool,
    /// Found by `?search=`. Text only.
    pub search: bool,
    /// Counted per value in `/stats`. Choice and boolean only.
    pub facet: bool,
    /// Accepted, never shown (a password).
    pub write_only: bool,
    /// Never leaves by events: whoever may know it reads it here.
    pub private: bool,
    /// The least role that may change it, where it is more than the model's own.
    pub write_role: Option<&'static str>,
    /// The record that it points at.
    pub reference: Option<Reference>,
}

/// A field that points at a record of another (or the same) model.
#[derive(Debug)]
pub struct Reference {
    /// The model's name: `breed`.
    pub model: &'static str,
    /// The word for `?include=`, and the member under which the record is shown: `breed`.
    pub relation: &'static str,
}

/// Type and bounds of a field.
#[derive(Debug, Clone, Copy)]
pub enum FieldKind {
    /// Text with its length in characters.
    Text {
        /// Fewest characters.
        min_len: u32,
        /// Most characters.
        max_len: u32,
        /// Further shape.
        format: TextFormat,
    },
    /// A whole number between two bounds, both included.
    Integer {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// `true` or `false`.
    Boolean,
    /// A calendar date (RFC 3339 full-date).
    Date {
        /// Refused when after today (UTC).
        not_future: bool,
    },
    /// One of a closed list of words; stored as text, never reused for another meaning (X-B13).
    Choice(&'static [&'static str]),
    /// The id of another record.
    Uuid,
}

/// A shape that a text must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFormat {
    /// Any printable text.
    Plain,
    /// An e-mail address.
    Email,
    /// A telephone number: digits, spaces and `+()-.`.
    Phone,
}

/// Who may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadAccess {
    /// Anyone, with or without a token (reviewed public list).
    Anyone,
    /// Any signed-in principal.
    Authenticated,
    /// The record whose id is the principal's subject, or an administrator.
    OwnOrAdministrator,
}

/// Who may do what with a model.
#[derive(Debug, Clone, Copy)]
pub struct Access {
    /// Reading, in every form.
    pub read: ReadAccess,
    /// The least role that creates and changes records.
    pub write: &'static str,
    /// The least role that deletes records.
    pub delete: &'static str,
    /// The field that holds its owner's id: below an administrator only the owner changes or deletes the record,
    /// and it is set to the creator where it is left out.
    pub owner: Option<&'static str>,
}

/// For whom a response may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// One copy serves everyone who may read it.
    Shared,
    /// One copy for each principal.
    Principal,
}

/// Cache policy of a model (C-A18).
#[derive(Debug, Clone, Copy)]
pub struct CachePolicy {
    /// For whom.
    pub audience: Audience,
    /// Lifetime in seconds, in the absence of a write.
    pub ttl_secs: u32,
    /// Stale-while-revalidate window in seconds, used only where the freshness contract permits.
    pub swr_secs: u32,
}

/// Rules that span several records or models, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// None beyond the fields' own.
    None,
    /// The species of a breed is fixed while animals are of that breed.
    Breed,
    /// Pedigree, status and species rules of animals (C-D11).
    Animal,
    /// A diagnosis is not before birth; a closed case keeps its dates.
    Case,
    /// A treatment is not before birth.
    Treatment,
    /// Passwords are hashed; a user may change only some of its own fields.
    User,
}

impl Model {
    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Fields that are shown, in order.
    pub fn shown(&self) -> impl Iterator<Item = &'static Field> {
        self.fields.iter().filter(|field| !field.write_only)
    }

    /// The field behind a word of `?include=`.
    pub fn relation(&self, relation: &str) -> Option<(&'static Field, &'static Reference)> {
        self.fields.iter().find_map(|field| {
            field
                .reference
                .as_ref()
                .filter(|reference| reference.relation == relation)
                .map(|reference| (field, reference))
        })
    }

    /// Whether `?search=` is offered.
    pub fn searchable(&self) -> bool {
        self.fields.iter().any(|field| field.search)
    }
}

impl Field {
    /// Must be present in a new record.
    pub fn required(&self) -> bool {
        !self.nullable && self.default.is_none()
    }
}
