//! The expansion, read as tokens: what a declaration becomes, and which declarations are refused.

use crate::model::expand;

const STRUCT: &str =
    r#"name = "breed", path = "breeds", read = "anyone", write = "instructor", delete = "administrator""#;

fn try_expand(source: &str) -> Result<String, Vec<String>> {
    let input: syn::DeriveInput = syn::parse_str(source).expect("the test's own Rust parses");
    expand(&input)
        .map(|tokens| {
            let file: syn::File = syn::parse2(tokens.clone()).expect("the expansion is a list of items");
            assert_eq!(file.items.len(), 2);
            tokens.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
        })
        .map_err(|faults| faults.into_iter().map(|fault| fault.to_string()).collect())
}

fn with_field(attribute: &str, ty: &str) -> Result<String, Vec<String>> {
    try_expand(&format!(
        "/// A model.\n#[resource({STRUCT})] struct T {{ /// A field.\n #[field({attribute})] value: {ty} }}"
    ))
}

fn with_struct(attribute: &str) -> Result<String, Vec<String>> {
    try_expand(&format!(
        "/// A model.\n#[resource({attribute})] struct T {{ /// Name.\n #[field(max_len = 9)] name: String, \
         /// Owner.\n owner_id: Uuid }}"
    ))
}

#[track_caller]
fn assert_has(expansion: Result<String, Vec<String>>, part: &str) {
    let expansion = expansion.expect("the declaration is accepted");
    let squeeze = |text: &str| text.replace(char::is_whitespace, "");
    assert!(squeeze(&expansion).contains(&squeeze(part)), "`{part}` not in:\n{expansion}");
}

#[track_caller]
fn assert_refused(expansion: Result<String, Vec<String>>, message: &str) {
    let faults = expansion.expect_err("the declaration is refused");
    assert!(faults.iter().any(|fault| fault.contains(message)), "`{message}` not in {faults:?}");
}

#[test]
fn a_full_declaration_becomes_one_constant() {
    let expansion = try_expand(
        r#"
        /// A breed within
        /// a species.
        #[resource(name = "breed", path = "breeds", unique_together("species_id", "name"), index("name"),
            cache(audience = "shared", ttl_secs = 1800, swr_secs = 600), read = "own_or_administrator",
            write = "instructor", delete = "administrator", owner = "species_id", rules = "case")]
        pub(crate) struct Breed {
            /// Its name.
            #[field(unique, min_len = 2, max_len = 120, search, sort, write_role = "administrator")]
            name: String,
            /// Its species.
            #[field(references = "species", relation = "species", filter)]
            species_id: Option<uuid::Uuid>,
        }"#,
    )
    .expect("accepted");
    let expected = r#"
        impl crate::model::Resource for Breed {
            const MODEL: crate::model::Model = crate::model::Model {
                name: "breed", path: "breeds", table: "breed", doc: "A breed within a species.",
                fields: &[
                    crate::model::Field { name: "name", doc: "Its name.",
                        kind: crate::model::FieldKind::Text {
                            min_len: 2u32, max_len: 120u32, format: crate::model::TextFormat::Plain },
                        nullable: false, default: ::core::option::Option::None,
                        unique: true, filter: false, sort: true, search: true, facet: false, private: false, write_only: false,
                        write_role: ::core::option::Option::Some("administrator"),
                        reference: ::core::option::Option::None, },
                    crate::model::Field { name: "species_id", doc: "Its species.",
                        kind: crate::model::FieldKind::Uuid,
                        nullable: true, default: ::core::option::Option::None,
                        unique: false, filter: true, sort: false, search: false, facet: false, private: false, write_only: false,
                        write_role: ::core::option::Option::None,
                        reference: ::core::option::Option::Some(
                            crate::model::Reference { model: "species", relation: "species" }), }
                ],
                unique_together: &[&["species_id", "name"]], indexes: &[&["name"]],
                access: crate::model::Access { read: crate::model::ReadAccess::OwnOrAdministrator,
                    write: "instructor", delete: "administrator",
                    owner: ::core::option::Option::Some("species_id") },
                cache: crate::model::CachePolicy {
                    audience: crate::model::Audience::Shared, ttl_secs: 1800u32, swr_secs: 600u32 },
                rules: crate::model::Rules::Case,
            };
        }"#;
    assert_has(Ok(expansion), expected);
}

#[test]
fn each_type_becomes_its_kind() {
    for (attribute, ty, kind) in [
        (
            "max_len = 3",
            "String",
            "FieldKind::Text { min_len: 0u32, max_len: 3u32, format: crate::model::TextFormat::Plain }",
        ),
        ("max_len = 3, email", "String", "TextFormat::Email"),
        ("max_len = 3, phone", "Option<String>", "TextFormat::Phone"),
        (r#"values("a", "b"), facet"#, "String", r#"FieldKind::Choice(&["a", "b"])"#),
        ("min = -5, max = 3_000", "i64", "FieldKind::Integer { min: -5i64, max: 3000i64 }"),
        ("filter", "i32", "FieldKind::Integer { min: -2147483648i64, max: 2147483647i64 }"),
        ("facet", "bool", "FieldKind::Boolean"),
        ("not_future", "chrono::NaiveDate", "FieldKind::Date { not_future: true }"),
        ("filter", "Option<NaiveDate>", "FieldKind::Date { not_future: false }"),
        ("filter", "Uuid", "FieldKind::Uuid"),
    ] {
        assert_has(with_field(attribute, ty), kind);
    }
}

#[test]
fn a_default_is_kept_as_its_bare_text() {
    let some = |text: &str| format!("default: ::core::option::Option::Some({text:?})");
    assert_has(with_field(r#"values("alive", "dead"), default = "alive""#, "String"), &some("alive"));
    assert_has(with_field("default = true", "bool"), &some("true"));
    assert_has(with_field(r#"default = "false""#, "bool"), &some("false"));
    assert_has(with_field("min = 1, default = 3", "i64"), &some("3"));
    assert_has(with_field("default = -3", "i64"), &some("-3"));
    assert_has(with_field(r#"default = "2020-01-31""#, "NaiveDate"), &some("2020-01-31"));
}

#[test]
fn a_default_outside_the_bounds_is_refused() {
    for (attribute, ty) in [
        (r#"values("alive"), default = "sold""#, "String"),
        ("min = 1, default = 0", "i64"),
        ("default = 3", "bool"),
        ("max_len = 2, default = \"abc\"", "String"),
        ("default = \"31.1.2020\"", "NaiveDate"),
    ] {
        assert_refused(with_field(attribute, ty), "is not a value that the field accepts");
    }
    assert_refused(with_field("default = \"x\"", "Uuid"), "a Uuid has no default");
}

#[test]
fn an_unknown_or_repeated_option_is_refused() {
    assert_refused(with_field("max_len = 3, uniq", "String"), "unknown field option");
    assert_refused(with_field("max_len = 3, max_len = 4", "String"), "given twice");
    assert_refused(with_struct(&format!("{STRUCT}, colour = \"red\"")), "unknown resource option");
    assert_refused(with_struct(&format!("{STRUCT}, cache(lifetime = 3)")), "unknown cache option");
    assert_refused(with_struct(&format!("{STRUCT}, name = \"again\"")), "given twice");
}

#[test]
fn an_option_that_does_not_suit_the_type_is_refused() {
    for (attribute, ty, message) in [
        ("max_len = 3", "i64", "`max_len` is for a free text"),
        (r#"values("a"), max_len = 3"#, "String", "`max_len` is for a free text"),
        ("search", "Uuid", "`search` is for a free text"),
        ("min = 1, max_len = 3", "String", "`min` is for a whole number"),
        ("not_future", "i64", "`not_future` is for a NaiveDate"),
        ("facet, max_len = 3", "String", "`facet` is for `values` or a bool"),
        (r#"references = "a", relation = "b""#, "i64", "`references` is for a Uuid"),
        (r#"references = "a""#, "Uuid", "`references` needs `relation`"),
        (r#"relation = "a""#, "Uuid", "`relation` needs `references`"),
        ("sort", "Option<i64>", "never sorted by"),
        ("max_len = 3, write_only, search", "String", "reveal a `write_only` field"),
        ("max_len = 3, email, phone", "String", "not both"),
        ("min_len = 4, max_len = 3", "String", "`max_len` is less than `min_len`"),
        ("min = 4, max = 3", "i64", "`max` is less than `min`"),
        ("max = 3000000000", "i32", "does not fit the field's type"),
        ("unique", "String", "nothing unbounded is stored"),
        (r#"values("a", "a")"#, "String", "listed twice"),
        ("max_len = -1", "String", "must lie between"),
    ] {
        assert_refused(with_field(attribute, ty), message);
    }
}

#[test]
fn an_unsupported_type_is_refused() {
    for ty in ["f64", "Vec<String>", "Option<Option<i64>>", "&'static str", "String<u8>", "Option"] {
        assert_refused(with_field("filter", ty), "unsupported type");
    }
    let faults =
        try_expand("/// A.\n#[resource()] struct T<'a> { /// B.\n value: &'a str }").expect_err("refused");
    assert_eq!(faults, ["a model has no type parameters or lifetimes"]);
    assert_refused(try_expand("enum T { A }"), "a model is a struct");
    assert_refused(try_expand("struct T(String);"), "named field");
}

#[test]
fn a_declaration_that_names_no_field_of_its_own_is_refused() {
    assert_refused(
        with_struct(&format!("{STRUCT}, unique_together(\"name\", \"x\")")),
        "there is no field `x`",
    );
    assert_refused(
        with_struct(&format!("{STRUCT}, unique_together(\"name\")")),
        "made `unique` on the field",
    );
    assert_refused(with_struct(&format!("{STRUCT}, index(\"x\")")), "there is no field `x`");
    assert_refused(with_struct(&format!("{STRUCT}, owner = \"name\"")), "no Uuid field `name`");
    assert_has(with_struct(&format!("{STRUCT}, owner = \"owner_id\"")), "Some(\"owner_id\")");
}

#[test]
fn words_outside_the_vocabulary_are_refused() {
    let read = "name = \"t\", path = \"ts\", read = \"everyone\", write = \"a\", delete = \"a\"";
    assert_refused(with_struct(read), "expected one of anyone, authenticated, own_or_administrator");
    assert_refused(with_struct(&format!("{STRUCT}, rules = \"House\"")), "not snake_case");
    assert_has(
        with_struct(&format!("{STRUCT}, rules = \"open_case\"")),
        "rules: crate::model::Rules::OpenCase",
    );
    assert_refused(with_struct(&format!("{STRUCT}, cache(audience = \"all\")")), "expected one of shared");
    assert_refused(with_struct(&STRUCT.replace("\"breeds\"", "\"Breeds/x\"")), "not kebab-case");
    assert_refused(with_struct(&STRUCT.replace("\"breed\"", "\"Breed\"")), "not snake_case");
}

#[test]
fn all_faults_are_reported_at_once() {
    let faults = try_expand("#[resource(path = \"ts\")] struct T { id: Uuid, #[field(uniq)] name: String }")
        .expect_err("refused");
    for message in [
        "every record has `id`",
        "unknown field option",
        "nothing unbounded",
        "describe the model",
        "describe the field",
        "#[resource(name",
        "#[resource(read",
        "#[resource(write",
        "#[resource(delete",
    ] {
        assert!(faults.iter().any(|fault| fault.contains(message)), "`{message}` not in {faults:?}");
    }
}

#[test]
fn what_is_left_out_takes_the_safe_value() {
    let expansion = with_struct(STRUCT).expect("accepted");
    assert_has(
        Ok(expansion.clone()),
        "audience: crate::model::Audience::Principal, ttl_secs: 120u32, swr_secs: 60u32",
    );
    assert_has(Ok(expansion.clone()), "rules: crate::model::Rules::None");
    assert_has(Ok(expansion), "table: \"breed\"");
    assert_has(with_struct(&format!("{STRUCT}, table = \"other\"")), "table: \"other\"");
    assert_has(
        with_struct(&format!("{STRUCT}, crate = \"catalog::model\"")),
        "impl catalog::model::Resource for T",
    );
}
