//! The structs are what `proto/rho.proto` says: every field, its number and its type.

use std::collections::BTreeSet;

/// Returns `message.field = number: type` for each field in the schema.
fn of_schema(text: &str) -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    let mut message = "";
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("message ") {
            message = rest.trim_end_matches(['{', '}', ' ']);
        } else if let Some((left, number)) = line.strip_suffix(';').and_then(|line| line.split_once(" = "))
            && !line.starts_with("syntax")
        {
            let (kind, name) = left.rsplit_once(' ').expect("a type and a name");
            fields.insert(format!("{message}.{name} = {number}: {kind}"));
        }
    }
    fields
}

/// Returns the same for the structs, from their attributes.
fn of_structs(text: &str) -> BTreeSet<String> {
    let mut variants: Vec<(String, String)> = Vec::new();
    let mut fields = BTreeSet::new();
    let mut oneofs: Vec<(String, String)> = Vec::new();
    let (mut container, mut attribute) = (String::new(), String::new());
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("pub struct ").or(line.strip_prefix("pub enum ")) {
            container = rest.trim_end_matches(['{', '}', ' ']).to_owned();
        } else if line.starts_with("#[prost(") || (!attribute.is_empty() && !attribute.ends_with(")]")) {
            attribute.push_str(line);
        } else if !attribute.is_empty() && line.ends_with(',') {
            let attribute = std::mem::take(&mut attribute);
            let value = |key: &str| {
                Some(attribute.split_once(&format!("{key} = \""))?.1.split('"').next()?.to_owned())
            };
            let (name, rust) = match line.trim_start_matches("pub ").trim_end_matches(',').split_once(": ") {
                Some((name, rust)) => (name.to_owned(), rust.to_owned()),
                None => line
                    .trim_end_matches("),")
                    .split_once('(')
                    .map(|(a, b)| (a.into(), b.into()))
                    .expect("a variant"),
            };
            if let Some(oneof) = value("oneof") {
                oneofs.push((container.clone(), oneof));
                continue;
            }
            let first =
                attribute.trim_start_matches("#[prost(").split([',', ' ', ')']).next().unwrap_or_default();
            let kind = match first {
                "message" => rust.rsplit('<').next().unwrap_or_default().trim_end_matches('>').to_owned(),
                "btree_map" => "map<string, Par>".to_owned(),
                scalar => scalar.to_owned(),
            };
            let repeated = if attribute.contains("repeated") { "repeated " } else { "" };
            let rest = format!("{} = {}: {repeated}{kind}", snake(&name), value("tag").expect("a number"));
            if container.ends_with("Kind") {
                variants.push((container.clone(), rest))
            } else {
                fields.insert(format!("{container}.{rest}"));
            }
        }
    }
    for (message, oneof) in oneofs {
        let of = variants.iter().filter(|(name, _)| *name == oneof);
        fields.extend(of.map(|(_, rest)| format!("{message}.{rest}")));
    }
    fields
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

#[test]
fn the_schema_and_the_structs_are_the_same() {
    let schema = of_schema(include_str!("../proto/rho.proto"));
    assert_eq!(schema, of_structs(include_str!("../src/par/messages.rs")));
    assert!(schema.len() > 100 && schema.contains("Expr.int = 2: sint64"), "{schema:#?}");
}
