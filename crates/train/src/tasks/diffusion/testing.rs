//! Settings for tests of the image task.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use loradeck_core::config::ImageSettings;

/// The image settings of a file with `extra` lines.
pub(crate) fn image_settings(extra: &str) -> ImageSettings {
    let text = format!("data_type: image\nbase_model: b\ntrain_data_dir: d\n{extra}\n");
    let settings = loradeck_core::config::read_frozen(Path::new("e.yaml"), &text, &[]).unwrap().0;
    settings.image().unwrap().clone()
}
