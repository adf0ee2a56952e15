//! The same scenarios in headless Chromium: `tests/peers/browser/ride.mjs`.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::root;

/// Runs the script with `arguments`, with its screenshots in `shots`. Fails with the output of the script.
pub(crate) fn ride(arguments: &[&str], shots: &Path) -> String {
    let home = root().join("tests/peers/browser");
    assert!(home.join("node_modules").is_dir(), "first: cd {} && npm ci", home.display());
    let output =
        Command::new("node").arg("ride.mjs").args(arguments).current_dir(home).env("SHOTS", shots).output();
    let output = output.expect("node");
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "the ride in Chromium failed:\n{text}");
    text
}

/// The folder for the screenshots of `ride`: below the folder in `SHOTS`, or else below `folder`.
pub(crate) fn shots(ride: &str, folder: &Path) -> PathBuf {
    std::env::var_os("SHOTS").map_or(folder.join("shots"), |shots| root().join(shots).join(ride))
}
