//! The API's document as a page without scripts: operations by tag, each with its parameters, examples and answers, and the objects
//! that they name.

use std::sync::LazyLock;

use askama::Template;
use serde_yaml_ng::Value;

use super::markdown::{escaped, html};

/// docs/openapi.yaml.
pub(super) const DOCUMENT: &str = include_str!("../../../docs/openapi.yaml");

static PAGE: LazyLock<ReferencePage> =
    LazyLock::new(|| ReferencePage::of(&serde_yaml_ng::from_str(DOCUMENT).unwrap_or_default()));

/// What may be under a path, in the order in which it is shown.
const METHODS: [&str; 6] = ["get", "post", "put", "patch", "delete", "head"];

/// The page. It is made once.
pub(super) fn page() -> &'static ReferencePage {
    &PAGE
}

/// Fields whose names end in `_html` are escaped already.
#[derive(Template)]
#[template(path = "reference.html")]
pub(super) struct ReferencePage {
    title: String,
    description_html: String,
    groups: Vec<Group>,
    objects: Vec<Object>,
}

/// The operations of a tag.
struct Group {
    name: String,
    description_html: String,
    operations: Vec<Operation>,
}

struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    description_html: String,
    parameters: Vec<Field>,
    body: Option<Message>,
    responses: Vec<Message>,
}

/// A parameter, or a field of an object.
struct Field {
    name: String,
    /// Where it is, for a parameter.
    location: String,
    is_required: bool,
    kind_html: String,
    description_html: String,
}

/// A request's body, or an answer.
struct Message {
    /// The status, for an answer.
    status: String,
    description_html: String,
    contents: Vec<Content>,
}

struct Content {
    media_type: String,
    kind_html: String,
    fields: Vec<Field>,
    examples: Vec<Example>,
}

struct Example {
    summary: String,
    text: String,
}

struct Object {
    name: String,
    kind_html: String,
    description_html: String,
    fields: Vec<Field>,
}

impl ReferencePage {
    fn of(document: &Value) -> Self {
        let info = document.get("info");
        let operations = operations(document);
        let tags = document.get("tags").and_then(Value::as_sequence).into_iter().flatten();
        let group = |tag: &Value| {
            let name = text(tag, "name");
            let own = operations.iter().filter(|(_, operation)| {
                let mut tags = operation.get("tags").and_then(Value::as_sequence).into_iter().flatten();
                tags.any(|tag| tag.as_str() == Some(name))
            });
            let operations = own.map(|(place, operation)| Operation::of(document, place, operation)).collect();
            Group { name: name.to_owned(), description_html: html(text(tag, "description")), operations }
        };
        let object = |(name, schema): (&str, &Value)| Object {
            name: name.to_owned(),
            kind_html: kind(schema),
            description_html: html(text(schema, "description")),
            fields: fields(schema),
        };
        let components = document.get("components").unwrap_or(&Value::Null);
        Self {
            title: info.map_or("", |info| text(info, "title")).to_owned(),
            description_html: html(info.map_or("", |info| text(info, "description"))),
            groups: tags.map(group).collect(),
            objects: entries(components, "schemas").map(object).collect(),
        }
    }
}

/// Where an operation is.
struct Place<'a> {
    path: &'a str,
    method: &'static str,
    /// The parameters of every method of its path.
    parameters: Vec<&'a Value>,
}

/// Every operation, and what is sent to webhook endpoints.
fn operations(document: &Value) -> Vec<(Place<'_>, &Value)> {
    let webhooks = entries(document, "webhooks").map(|(_, item)| ("your endpoint", item));
    let mut found = Vec::new();
    for (path, item) in entries(document, "paths").chain(webhooks) {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                found.push((Place { path, method, parameters: listed(item, "parameters") }, operation));
            }
        }
    }
    found
}

impl Operation {
    fn of(document: &Value, place: &Place<'_>, operation: &Value) -> Self {
        let parameters = place.parameters.iter().copied().chain(listed(operation, "parameters"));
        let parameters = parameters.map(|parameter| Field::of_parameter(resolved(document, parameter)));
        let responses = entries(operation, "responses");
        let responses = responses.map(|(status, response)| Message::of(document, status, response));
        Self {
            id: text(operation, "operationId").to_owned(),
            method: place.method.to_uppercase(),
            path: place.path.to_owned(),
            summary: text(operation, "summary").to_owned(),
            description_html: html(text(operation, "description")),
            parameters: parameters.collect(),
            body: operation.get("requestBody").map(|body| Message::of(document, "", body)),
            responses: responses.collect(),
        }
    }
}

impl Message {
    /// What is wrong is in the same shape everywhere: examples are shown of what went well.
    fn of(document: &Value, status: &str, message: &Value) -> Self {
        let message = resolved(document, message);
        let shows_examples = status.is_empty() || status.starts_with('2');
        let content = |(media_type, content): (&str, &Value)| {
            let schema = content.get("schema").unwrap_or(&Value::Null);
            let (alone, named) = (content.get("example"), entries(content, "examples"));
            let named = named.map(|(_, example)| resolved(document, example));
            let named = named.map(|example| (text(example, "summary"), example.get("value").unwrap_or(&Value::Null)));
            let examples = alone.map(|value| ("", value)).into_iter().chain(named).filter(|_| shows_examples);
            let examples =
                examples.map(|(summary, value)| Example { summary: summary.to_owned(), text: pretty(value) });
            Content {
                media_type: media_type.to_owned(),
                kind_html: kind(schema),
                fields: fields(schema),
                examples: examples.collect(),
            }
        };
        Self {
            status: status.to_owned(),
            description_html: html(text(message, "description")),
            contents: entries(message, "content").map(content).collect(),
        }
    }
}

impl Field {
    fn of(name: &str, schema: &Value) -> Self {
        Self {
            name: name.to_owned(),
            location: String::new(),
            is_required: false,
            kind_html: kind(schema),
            description_html: html(text(schema, "description")),
        }
    }

    fn of_parameter(parameter: &Value) -> Self {
        let is_required = parameter.get("required").and_then(Value::as_bool) == Some(true);
        Self {
            name: text(parameter, "name").to_owned(),
            location: text(parameter, "in").to_owned(),
            is_required,
            kind_html: parameter.get("schema").map(kind).unwrap_or_default(),
            description_html: html(text(parameter, "description")),
        }
    }
}

/// The fields of an object, and of the objects within it that have no name of their own: `payee.sort_code`, `history[].state`.
fn fields(schema: &Value) -> Vec<Field> {
    let required = listed(schema, "required");
    let mut found = Vec::new();
    for (name, field) in entries(schema, "properties") {
        let is_required = required.iter().any(|required| required.as_str() == Some(name));
        found.push(Field { is_required, ..Field::of(name, field) });
        let of_items = field.get("items").map(fields).unwrap_or_default();
        let within = fields(field).into_iter().map(|inner| (".", inner));
        let within = within.chain(of_items.into_iter().map(|inner| ("[].", inner)));
        found.extend(within.map(|(dot, inner)| Field { name: format!("{name}{dot}{}", inner.name), ..inner }));
    }
    found
}

/// A schema in a few words, as HTML, with links to the objects that it names.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
        return format!("<a href=\"#object-{0}\">{0}</a>", escaped(name));
    }
    let code = |value: &Value| format!("<code>{}</code>", escaped(&serde_json::to_string(value).unwrap_or_default()));
    let any = ["anyOf", "oneOf"].into_iter().flat_map(|name| listed(schema, name));
    let mut parts: Vec<String> = any.map(kind).collect();
    parts.extend(schema.get("const").map(code));
    parts.extend(listed(schema, "enum").into_iter().map(code));
    if parts.is_empty() {
        let names = schema.get("type").and_then(Value::as_str).into_iter();
        parts.extend(names.chain(listed(schema, "type").into_iter().filter_map(Value::as_str)).map(escaped));
    }
    let mut words = parts.join(" or ");
    if let Some(items) = schema.get("items") {
        words.push_str(&format!(" of {}", kind(items)));
    }
    for (name, says) in [
        ("format", ""),
        ("pattern", ""),
        ("minimum", "from "),
        ("maximum", "to "),
        ("minLength", "characters from "),
        ("maxLength", "characters to "),
        ("minItems", "items from "),
        ("maxItems", "items to "),
        ("default", "default "),
    ] {
        if let Some(value) = schema.get(name) {
            let value = value.as_str().map_or_else(|| code(value), escaped);
            words.push_str(&format!(", {says}{value}"));
        }
    }
    words
}

/// What a value refers to in the document, if it does.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let Some(path) = value.get("$ref").and_then(Value::as_str) else { return value };
    path.trim_start_matches("#/").split('/').try_fold(document, |at, name| at.get(name)).unwrap_or(value)
}

/// The entries of the mapping that has this name.
fn entries<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
    let mapping = value.get(name).and_then(Value::as_mapping);
    mapping.into_iter().flatten().filter_map(|(name, value)| Some((name.as_str()?, value)))
}

/// The list that has this name; empty if it is none.
fn listed<'a>(value: &'a Value, name: &str) -> Vec<&'a Value> {
    value.get(name).and_then(Value::as_sequence).into_iter().flatten().collect()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// An example as it is sent: JSON, in the document's order.
fn pretty(value: &Value) -> String {
    let json = || serde_json::to_string_pretty(value).unwrap_or_default();
    value.as_str().map_or_else(json, str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_and_object_is_on_the_page_once() {
        let document: Value = serde_yaml_ng::from_str(DOCUMENT).unwrap();
        let html = page().render().unwrap();
        let (operations, objects) = (operations(&document), entries(&document["components"], "schemas"));
        assert!(operations.len() > 80, "{}", operations.len());
        let ids = operations.iter().map(|(_, operation)| text(operation, "operationId").to_owned());
        for id in ids.chain(objects.map(|(name, _)| format!("object-{name}"))) {
            assert_eq!(html.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
        }
        assert!(!html.contains("<script"));
    }

    #[test]
    fn every_link_within_the_page_leads_somewhere() {
        let html = page().render().unwrap();
        let named = |before: &str| -> BTreeSet<String> {
            html.split(before).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
        };
        let (targets, ids) = (named("href=\"#"), named(" id=\""));
        assert!(targets.len() > 150, "{}", targets.len());
        assert_eq!(targets.difference(&ids).collect::<Vec<_>>(), Vec::<&String>::new());
    }

    #[test]
    fn a_schema_is_said_in_words_and_escaped() {
        let kind = |yaml: &str| kind(&serde_yaml_ng::from_str(yaml).unwrap());
        assert_eq!(kind("{ type: [integer, 'null'], minimum: 1 }"), "integer or null, from <code>1</code>");
        assert_eq!(kind("{ type: array, items: { type: string, format: uuid } }"), "array of string, uuid");
        assert_eq!(kind("{ $ref: '#/components/schemas/State' }"), "<a href=\"#object-State\">State</a>");
        assert_eq!(kind("{ enum: [a, '<b>'] }"), "<code>&quot;a&quot;</code> or <code>&quot;&lt;b&gt;&quot;</code>");
    }

    #[test]
    fn fields_within_are_named_by_their_way() {
        let (a, c) = ("{ properties: { b: {} } }", "{ items: { properties: { d: {} } } }");
        let yaml = format!("{{ required: [a], properties: {{ a: {a}, c: {c} }} }}");
        let fields = fields(&serde_yaml_ng::from_str(&yaml).unwrap());
        let named: Vec<_> = fields.iter().map(|field| (field.name.as_str(), field.is_required)).collect();
        assert_eq!(named, [("a", true), ("a.b", false), ("c", false), ("c[].d", false)]);
    }
}
