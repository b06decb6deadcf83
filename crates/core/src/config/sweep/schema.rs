//! The part of the JSON schema that describes `sweep:`.

use serde_json::{Map, Value as Json, json};

use super::is_sweepable;
use crate::config::keys::{Key, Kind, all_keys};

/// The schema of a sweep; `value_schema` is that of a key's values.
pub(crate) fn sweep_schema(value_schema: &dyn Fn(Kind) -> Json) -> Json {
    let mut parameters = Map::new();
    for key in all_keys().filter(|key| key.is_setting() && is_sweepable(key)) {
        let schema = parameter_schema(key, &value_schema(key.kind));
        for name in key.aliases.iter().chain([&key.name]) {
            parameters.insert((*name).to_owned(), schema.clone());
        }
    }
    let mut properties = Map::new();
    for (name, schema) in fields(&parameters) {
        properties.insert(name.to_owned(), schema);
    }
    for (name, why) in super::reader::IGNORED {
        properties.insert(name.to_owned(), json!({"description": format!("ignored: {why}")}));
    }
    json!({
        "type": "object",
        "properties": properties,
        "anyOf": [{"required": ["parameters"]}, {"required": ["trials"]}, {"required": ["seeds"]}],
        "additionalProperties": false,
    })
}

fn fields(parameters: &Map<String, Json>) -> [(&'static str, Json); 12] {
    let keys = json!({"type": "array", "minItems": 2, "items": {"type": "string"}});
    let whole = json!({"type": "integer", "minimum": 1});
    [
        ("method", json!({"enum": ["grid", "random", "bayes"], "description": "how trials are chosen"})),
        ("metric", metric()),
        // Names of a command's own parameters stand here too.
        (
            "parameters",
            json!({
                "type": "object",
                "properties": parameters,
                "additionalProperties": {"type": "object"},
                "description": "what is swept",
            }),
        ),
        ("run_cap", described(&whole, "the most runs that are made")),
        ("seeds", described(&whole, "each point is run with the seeds from 0 to below this")),
        ("random_seed", json!({"type": "integer", "minimum": 0, "description": "what draws follow from"})),
        ("zip", json!({"type": "array", "items": keys, "description": "keys whose values go together"})),
        (
            "when",
            json!({
                "type": "object",
                "additionalProperties": {"type": "object"},
                "description": "keys that vary only where others have some values: {key: {other: [values]}}",
            }),
        ),
        ("trials", json!({"type": "string", "description": "a .csv or .jsonl file that lists trials"})),
        ("asha", asha()),
        ("median_stop", median_stop()),
        ("early_terminate", hyperband()),
    ]
}

fn metric() -> Json {
    json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1},
            "goal": {"enum": ["minimize", "maximize"]},
            "target": {"type": "number"},
            "impute": {"description": "ignored"},
            "impute_while_running": {"description": "ignored"},
        },
        "required": ["name"],
        "additionalProperties": false,
    })
}

fn asha() -> Json {
    json!({
        "type": "object",
        "description": "ends the worse runs at growing numbers of steps",
        "properties": {
            "grace_period": {"type": "integer", "minimum": 1},
            "reduction_factor": {"type": "integer", "minimum": 2, "default": 3},
            "max_t": {"type": "integer", "minimum": 1},
        },
        "required": ["grace_period"],
        "additionalProperties": false,
    })
}

fn median_stop() -> Json {
    json!({
        "type": "object",
        "description": "ends runs that are worse than the median of the others",
        "properties": {
            "grace_period": {"type": "integer", "minimum": 1, "default": 1},
            "min_runs": {"type": "integer", "minimum": 1, "default": 5},
        },
        "additionalProperties": false,
    })
}

fn hyperband() -> Json {
    json!({
        "type": "object",
        "description": "W&B's name for asha, counted in values of the metric",
        "properties": {
            "type": {"enum": ["hyperband"]},
            "min_iter": {"type": "integer", "minimum": 1},
            "max_iter": {"type": "integer", "minimum": 1},
            "s": {"type": "integer", "minimum": 1},
            "eta": {"type": "integer", "minimum": 2, "default": 3},
            "strict": {"type": "boolean", "description": "ignored"},
        },
        "required": ["type"],
        "anyOf": [{"required": ["min_iter"]}, {"required": ["max_iter", "s"]}],
        "additionalProperties": false,
    })
}

fn parameter_schema(key: &Key, value: &Json) -> Json {
    let mut ways = vec![
        way(
            &[
                ("values", json!({"type": "array", "minItems": 1, "items": value})),
                ("probabilities", json!({"type": "array", "items": {"type": "number", "minimum": 0}})),
            ],
            &["categorical", "categorical_w_probabilities"],
            &["values"],
        ),
        way(&[("value", value.clone())], &["constant"], &["value"]),
    ];
    if let Kind::Whole { .. } | Kind::Real(_) = key.kind {
        ways.extend(numbers());
    }
    json!({"description": key.about, "anyOf": ways})
}

/// The families of distributions of numbers.
fn numbers() -> [Json; 5] {
    let number = json!({"type": "number"});
    let above = json!({"type": "number", "exclusiveMinimum": 0});
    let bounds = [("min", number.clone()), ("max", number.clone())];
    let bell = [("mu", number.clone()), ("sigma", json!({"type": "number", "minimum": 0}))];
    let shapes = [("a", above.clone()), ("b", above.clone())];
    let with_q = |fields: &[(&'static str, Json)]| [fields, &[("q", above.clone())]].concat();
    let named: &[&str] = &["distribution"];
    [
        way(
            &bounds,
            &[
                "int_uniform",
                "uniform",
                "log_uniform",
                "log_uniform_values",
                "inv_log_uniform",
                "inv_log_uniform_values",
            ],
            &["min", "max"],
        ),
        way(
            &with_q(&bounds),
            &["q_uniform", "q_log_uniform", "q_log_uniform_values"],
            &["min", "max", "distribution"],
        ),
        way(&bell, &["normal", "log_normal"], named),
        way(&with_q(&bell), &["q_normal", "q_log_normal"], named),
        way(&with_q(&shapes), &["beta", "q_beta"], named),
    ]
}

fn way(fields: &[(&'static str, Json)], distributions: &[&str], required: &[&str]) -> Json {
    let mut properties = Map::new();
    for (name, schema) in fields {
        properties.insert((*name).to_owned(), schema.clone());
    }
    properties.insert("distribution".to_owned(), json!({"enum": distributions}));
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn described(schema: &Json, about: &str) -> Json {
    let mut schema = schema.clone();
    schema["description"] = about.into();
    schema
}
