//! Places of a profile's fields: paths, combined by `|`, ` + ` and `{…}`.

use super::profile_input::ProfileInput;
use crate::error::Result;
use crate::placeholders;
use crate::profile::claims;

/// The text at `place`.
pub(super) fn text(input: &ProfileInput<'_>, place: &str) -> Option<String> {
    alternatives(place).find_map(|place| {
        if place.contains('{') {
            return placeholders::fill_url(place, |path| input.word(path));
        }
        let parts = place.split(" + ").filter_map(|path| {
            let (source, path) = input.source(path.trim())?;
            claims::text(source, path)
        });
        Some(parts.collect::<Vec<_>>().join(" ")).filter(|text| !text.is_empty())
    })
}

/// The id at `place`: of the first alternative that is there.
///
/// # Errors
/// As [`claims::id`].
pub(super) fn id(input: &ProfileInput<'_>, place: &str) -> Result<Option<String>> {
    let there = alternatives(place).find(|path| input.get(path).is_some());
    match there.or(alternatives(place).last()).and_then(|path| input.source(path)) {
        Some((source, path)) => claims::id(source, path),
        None => Ok(None),
    }
}

/// The paths at `place`, without its signs.
pub(super) fn paths(place: &str) -> impl Iterator<Item = &str> {
    alternatives(place).flat_map(|place| place.split(" + ")).map(str::trim)
}

fn alternatives(place: &str) -> impl Iterator<Item = &str> {
    place.split('|').map(str::trim).filter(|place| !place.is_empty())
}
