//! The JSON schema of an experiment file, for editors, made of the key table.

use serde_json::{Map, Value as Json, json};

use super::keys::{Default, Key, Kind, Range, Support, all_keys};
use super::resolve::default_value;
use super::settings::DataType;
use super::sweep::sweep_schema;
use crate::metrics::SourceKind;

/// The schema (draft 2020-12). Keys that are not supported yet are refused by it, with their documentation.
pub fn json_schema() -> Json {
    let mut properties = Map::new();
    for key in all_keys() {
        let schema = described(key);
        for alias in key.aliases {
            properties.insert((*alias).to_owned(), schema.clone());
        }
        properties.insert(key.name.to_owned(), schema);
    }
    let file = json!({"type": "string", "description": "the file that holds the sweep"});
    let sweep = json!({"anyOf": [sweep_schema(&value_schema), file, {"type": "null"}]});
    properties.insert("sweep".to_owned(), sweep);
    properties.insert(
        "parameters".to_owned(),
        json!({"type": "object", "description": "settings of another trainer's command, by its own names"}),
    );
    properties
        .insert("provenance".to_owned(), json!({"type": "object", "description": "written by loradeck"}));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "loradeck experiment",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

fn described(key: &Key) -> Json {
    let Support::Supported = key.support else {
        return json!({"not": {}, "description": format!("not supported yet: {}", key.about)});
    };
    let mut schema = json!({"anyOf": [value_schema(key.kind), {"type": "null"}], "description": about(key)});
    // One that depends on the data type has none for an editor to put in.
    if let (Default::Fixed(_), Some(default)) = (key.default, default_value(key, DataType::Text)) {
        schema["default"] = default.to_json();
    }
    schema
}

fn about(key: &Key) -> String {
    let about = match key.default {
        Default::Required => format!("{} (required)", key.about),
        Default::Derived(how) => format!("{} (default: {how})", key.about),
        Default::ByTask { text, image } => {
            format!("{} (default: {text} for language models, {image} for image models)", key.about)
        }
        Default::Nothing | Default::Fixed(_) => key.about.to_owned(),
    };
    match key.task.filter(|_| key.is_supported()) {
        Some(task) => format!("{about} [{} only]", task.models()),
        None => about,
    }
}

pub(super) fn value_schema(kind: Kind) -> Json {
    match kind {
        Kind::Whole { min, max } => {
            let bound = |number: i128| super::Value::Whole(number).to_json();
            json!({"type": "integer", "minimum": bound(min), "maximum": bound(max)})
        }
        Kind::WholeOf(numbers) => {
            json!({"enum": numbers.iter().map(|number| super::Value::Whole(*number).to_json()).collect::<Vec<_>>()})
        }
        Kind::WholeList { min, max } => {
            let one = value_schema(Kind::Whole { min, max });
            json!({"anyOf": [one, {"type": "array", "minItems": 1, "items": one}]})
        }
        Kind::WholeMap { min, max } => {
            json!({"type": "object", "additionalProperties": value_schema(Kind::Whole { min, max })})
        }
        Kind::RealMap(range) => {
            json!({"type": "object", "additionalProperties": value_schema(Kind::Real(range))})
        }
        Kind::Colour => json!({"type": "string", "pattern": "^([Ww]hite|[Bb]lack|#[0-9A-Fa-f]{6})$"}),
        Kind::StrengthWarmup => json!({
            "type": "object",
            "properties": {
                "epochs": value_schema(Kind::Real(Range::Positive)),
                "weight": value_schema(Kind::Real(Range::Share)),
            },
            "required": ["epochs", "weight"],
            "additionalProperties": false,
        }),
        Kind::Real(Range::Positive) => json!({"type": "number", "exclusiveMinimum": 0}),
        Kind::Real(Range::NotNegative) => json!({"type": "number", "minimum": 0}),
        Kind::Real(Range::Share) => json!({"type": "number", "minimum": 0, "exclusiveMaximum": 1}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Text => json!({"type": ["string", "number", "boolean"]}),
        Kind::Path => json!({"type": "string", "minLength": 1}),
        Kind::OneOf(words) => json!({"enum": words}),
        Kind::TextList | Kind::TextOrList => {
            json!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})
        }
        Kind::Command => json!({"type": "array", "minItems": 1, "items": {"type": ["string", "number"]}}),
        Kind::TextMap => {
            json!({"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}})
        }
        Kind::Environment => {
            json!({"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}})
        }
        Kind::Metrics => metrics_schema(),
        Kind::Scalar => json!({"type": ["string", "number", "boolean"]}),
        Kind::Memory => json!({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]}),
        Kind::Slurm => super::slurm::schema(),
        Kind::Any => json!({}),
    }
}

fn metrics_schema() -> Json {
    let words = SourceKind::WORDS.map(|(word, _)| word);
    let text = json!({"type": "string", "minLength": 1});
    let one = json!({"anyOf": [{"enum": words}, {
        "type": "object",
        "properties": {
            "source": {"enum": words},
            "path": text,
            "step": text,
            "pattern": text,
            "map": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
        },
        "additionalProperties": false,
    }]});
    json!({"anyOf": [one, {"type": "array", "items": one}]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_knows_every_key() {
        let schema = json_schema();
        for key in all_keys() {
            let entry = &schema["properties"][key.name];
            assert_eq!(entry.get("not").is_some(), !key.is_supported(), "{}", key.name);
            assert!(entry["description"].as_str().is_some_and(|text| text.contains(key.about)));
        }
        assert_eq!(schema["properties"]["lr"], schema["properties"]["learning_rate"]);
        assert_eq!(schema["properties"]["learning_rate"]["default"], 2e-4);
        assert_eq!(schema["properties"]["seed"]["anyOf"][0]["maximum"], u64::MAX);
        let swept = &schema["properties"]["sweep"]["anyOf"][0]["properties"]["parameters"]["properties"];
        assert!(swept["lora_rank"].is_object() && swept["output_dir"].is_null());
        let by_values = &swept["lora_rank"]["anyOf"][0]["properties"]["values"]["items"];
        assert_eq!(by_values["minimum"], 1);
        assert_eq!(swept["lr"], swept["learning_rate"]);
        // Numbers are drawn for keys of numbers only.
        assert_eq!(swept["lora_rank"]["anyOf"].as_array().map(Vec::len), Some(7));
        assert_eq!(swept["notes"]["anyOf"].as_array().map(Vec::len), Some(2));
    }
}
