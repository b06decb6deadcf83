//! What must hold of a training because of its data type: keys of its own only, and what goes together among them.

use super::experiment::Entry;
use super::image_settings::ImageSettings;
use super::keys::{Group, Key};
use super::place::{Place, Problem};
use super::settings::{DataType, LoraTargets, Precision, Settings};
use super::task::DATA_TYPE;

/// Keys that are for the other data type, each told once; `is_foreign`: another trainer makes the run.
pub(crate) fn refuse_other_keys(
    entries: &[&Entry],
    data_type: DataType,
    is_foreign: bool,
    problems: &mut Vec<Problem>,
) {
    for entry in entries.iter().filter(|entry| !entry.key.is_for(data_type)) {
        let problem = other_key(entry.key, entry.place, data_type, is_foreign);
        let is_told = |known: &Problem| (&known.key, &known.message) == (&problem.key, &problem.message);
        if !problems.iter().any(is_told) {
            problems.push(problem);
        }
    }
}

fn other_key(key: &Key, place: Place, data_type: DataType, is_foreign: bool) -> Problem {
    let task = key.task.unwrap_or(data_type);
    let message = if matches!(key.group, Group::Text | Group::Image) {
        let (data, word) = (data_type.data(), data_type.word());
        format!("is for {}, and this trains on {data} (data_type: {word})", task.models())
    } else {
        format!("is not supported for {} yet", data_type.models())
    };
    let problem = Problem::new(place, key.name, message);
    if is_foreign && task == DataType::Image {
        return problem.hint(format!(
            "`data_type: image` if the command trains on pictures, or a parameter of its own: `parameters: {{{}: …}}`",
            key.name
        ));
    }
    problem
}

/// Where the value of a key stands.
type PlaceOf<'a> = &'a dyn Fn(&str) -> Place;

/// What single values cannot show.
pub(crate) fn contradictions_of_task(settings: &Settings, place: PlaceOf<'_>, problems: &mut Vec<Problem>) {
    problems.extend(unknown_preset(settings, place));
    let Some(image) = settings.image() else {
        problems.extend(half_of_text(settings, place));
        return;
    };
    if settings.base_model.to_lowercase().ends_with(".gguf") {
        let message =
            "is a GGUF file, which holds a language model, but this trains on pictures (data_type: image)";
        let problem = Problem::new(place("base_model"), "base_model", message);
        let problem = problem.value(Some(settings.base_model.clone()));
        problems.push(problem.hint("a diffusers folder or a single .safetensors file"));
    }
    problems.extend(too_long_a_name(settings, place));
    buckets(image, place, problems);
    adapters(settings, image, place, problems);
    if image.min_snr_gamma.is_some() && image.debiased_estimation {
        let message = "is given together with debiased_estimation, and both weight the loss by its noise";
        problems
            .push(Problem::new(place("min_snr_gamma"), "min_snr_gamma", message).hint("keep one of them"));
    }
    latents(image, place, problems);
    if image.sample_steps.is_some() && settings.sample_prompts.is_empty() {
        let message = "is given, but there are no sample_prompts";
        let problem = Problem::new(place("sample_steps"), "sample_steps", message);
        problems.push(problem.hint("sample_prompts: [a house in the style of NAME]"));
    }
}

/// fp16, whose range language models leave.
fn half_of_text(settings: &Settings, place: PlaceOf<'_>) -> Option<Problem> {
    (settings.precision == Precision::Fp16 && !settings.is_foreign()).then(|| {
        let message = "is for image models, and this trains on text (data_type: text)";
        let problem = Problem::new(place("precision"), "precision", message);
        problem.value(Some("fp16".to_owned())).hint("bf16 or fp32")
    })
}

/// The longest name of a released file without its ending, in bytes: a name of 255 is the longest that file systems
/// take, and while it is written it has something before it and behind.
pub const MOST_OF_A_NAME: usize = 180;

/// A name that no file could have at the end of the training.
fn too_long_a_name(settings: &Settings, place: PlaceOf<'_>) -> Option<Problem> {
    let of = |name: &Option<String>| name.as_ref().map_or(0, String::len);
    let (name, version) = (of(&settings.run_name), of(&settings.version));
    let (key, other) = if name >= version { ("run_name", "version") } else { ("version", "run_name") };
    (name + version > MOST_OF_A_NAME).then(|| {
        let bytes = name + version;
        let message =
            format!("and {other} name the released file with {bytes} bytes; {MOST_OF_A_NAME} is the most");
        Problem::new(place(key), key, message).hint("a shorter name; `notes` takes any text")
    })
}

/// A preset of the other data type, which would be taken for a regular expression.
fn unknown_preset(settings: &Settings, place: PlaceOf<'_>) -> Option<Problem> {
    let LoraTargets::Preset(preset) = &settings.lora_targets else { return None };
    let problem = |message: &str| {
        Problem::new(place("lora_targets"), "lora_targets", message).value(Some(preset.clone()))
    };
    match (settings.data_type(), preset.as_str()) {
        (DataType::Text, "kohya") => Some(
            problem("is a preset for image models, and this trains on text (data_type: text)")
                .hint("qkv, attention, character, all-linear, a list, or a regular expression"),
        ),
        (DataType::Image, "qkv") => Some(
            problem("is a preset for language models, and this trains on pictures (data_type: image)")
                .hint("attention, character, kohya, all-linear, a list, or a regular expression"),
        ),
        _ => None,
    }
}

fn buckets(image: &ImageSettings, place: PlaceOf<'_>, problems: &mut Vec<Problem>) {
    let steps = image.bucket_reso_steps;
    let mut wrong = |key: &str, value: u32, message: String, hint: String| {
        let problem = Problem::new(place(key), key, message).value(Some(value.to_string()));
        problems.push(problem.hint(hint));
    };
    if !steps.is_multiple_of(8) {
        let hint = format!("{} or {}", steps / 8 * 8, steps.next_multiple_of(8));
        wrong("bucket_reso_steps", steps, "is no multiple of 8, as latents need it".into(), hint);
        return;
    }
    if image.resolution < steps {
        let message = format!("is below bucket_reso_steps ({steps}), so that no bucket is left");
        wrong("resolution", image.resolution, message, "a smaller bucket_reso_steps".into());
        return;
    }
    let (min, max) = (image.min_bucket_reso, image.max_bucket_reso);
    for (key, side) in [("min_bucket_reso", min), ("max_bucket_reso", max)] {
        if !side.is_multiple_of(steps) {
            let lower = (side / steps * steps).max(steps);
            let hint = format!("{lower} or {}", lower + steps);
            wrong(key, side, format!("is no multiple of bucket_reso_steps ({steps})"), hint);
        }
    }
    // The square's side, which is always a bucket's.
    let square = image.resolution / steps * steps;
    if min > max {
        let hint = "the shortest side is at most the longest".into();
        wrong("min_bucket_reso", min, format!("is above max_bucket_reso ({max})"), hint);
    } else if min > square {
        let message =
            format!("is above the square's side of {square} pixels at resolution {}", image.resolution);
        wrong("min_bucket_reso", min, message, format!("at most {square}"));
    } else if max < square {
        let message =
            format!("is below the square's side of {square} pixels at resolution {}", image.resolution);
        wrong("max_bucket_reso", max, message, format!("at least {square}"));
    }
}

/// Latents on the disk where there is nothing to keep.
fn latents(image: &ImageSettings, place: PlaceOf<'_>, problems: &mut Vec<Problem>) {
    if !image.cache_latents_to_disk {
        return;
    }
    let mut wrong = |message: &str, hint: &str| {
        let problem = Problem::new(place("cache_latents_to_disk"), "cache_latents_to_disk", message);
        problems.push(problem.value(Some("true".to_owned())).hint(hint));
    };
    if !image.cache_latents {
        wrong("is given, but cache_latents is false", "cache_latents: true");
    } else if image.random_crop {
        wrong(
            "is given together with random_crop, which crops differently at every step",
            "keep one of them",
        );
    }
}

fn adapters(settings: &Settings, image: &ImageSettings, place: PlaceOf<'_>, problems: &mut Vec<Problem>) {
    let mut wrong = |key: &str, message: &str, hint: &str| {
        problems.push(Problem::new(place(key), key, message).hint(hint));
    };
    if image.unet_lr == 0.0 && image.text_encoder_lr == 0.0 {
        wrong("unet_lr", "and text_encoder_lr are both 0, so that nothing is trained", "raise one of them");
    }
    if image.conv_alpha.is_some() && image.conv_rank.is_none() {
        wrong(
            "conv_alpha",
            "is given, but there is no conv_rank",
            "conv_rank: 4 makes adapters on convolutions",
        );
    }
    if image.conv_rank.is_some() && image.unet_lr == 0.0 {
        let message = "is given, but unet_lr is 0, and only the UNet has convolutions";
        wrong("conv_rank", message, "remove it, or raise unet_lr");
    }
    if let Some(warmup) = image.strength_warmup
        && settings.max_steps.is_none()
        && warmup.epochs > settings.epochs
    {
        let message = format!(
            "takes {} epochs, but there are {}: full strength is never reached",
            super::number_text(warmup.epochs),
            super::number_text(settings.epochs)
        );
        wrong("strength_warmup", &message, "fewer epochs of it, or more in all");
    }
}

/// Whether the settings' data type is known, so that its rules may be told.
pub(crate) fn is_known(spoilt: &[&str]) -> bool {
    !spoilt.contains(&DATA_TYPE)
}
