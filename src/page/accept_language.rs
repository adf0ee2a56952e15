//! The language of a response: the visitor's `Accept-Language` against the languages that the pages have (RFC 4647 §3.4).

/// Maximum number of languages of a header that are read.
const MAX_RANGES: usize = 32;

/// Returns the tag of `available` that fits `header`, an `Accept-Language`, best; `None` if none does.
///
/// A language range matches its own tag first, then a shorter one (`de-CH`: `de`), then a variant of the same language (`pt`: `pt-BR`).
pub(super) fn choose<'a>(header: &str, available: &[&'a str]) -> Option<&'a str> {
    ranges(header).into_iter().find_map(|range| match range {
        "*" => available.first().copied(),
        range => lookup(range, available),
    })
}

/// The ranges of `header`, the most wanted first. One with `q=0` is not wanted.
fn ranges(header: &str) -> Vec<&str> {
    let mut ranges: Vec<(&str, f32)> = header
        .split(',')
        .take(MAX_RANGES)
        .filter_map(|item| {
            let mut parts = item.split(';').map(str::trim);
            let range = parts.next().filter(|range| !range.is_empty())?;
            let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            let quality = quality.map_or(Some(1.0), |quality| quality.trim().parse().ok())?;
            (quality > 0.0 && quality <= 1.0).then_some((range, quality))
        })
        .collect();
    // Stable: of two with the same quality, the first one is wanted more.
    ranges.sort_by(|one, other| other.1.total_cmp(&one.1));
    ranges.into_iter().map(|(range, _)| range).collect()
}

fn lookup<'a>(range: &str, available: &[&'a str]) -> Option<&'a str> {
    let mut wanted = range;
    loop {
        if let Some(found) = available.iter().find(|tag| tag.eq_ignore_ascii_case(wanted)) {
            return Some(found);
        }
        match wanted.rsplit_once('-') {
            Some((shorter, _)) => wanted = shorter,
            None => break,
        }
    }
    let language_of = |tag: &'a str| tag.split('-').next().unwrap_or(tag);
    available.iter().copied().find(|tag| language_of(tag).eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_wanted_language_that_there_is() {
        let has = ["en", "de", "fr", "pt-BR", "zh-Hant"];
        for (header, wanted) in [
            ("de", Some("de")),
            ("DE", Some("de")),
            ("de-CH-1996, en", Some("de")),
            ("it, fr;q=0.5, de;q=0.8", Some("de")),
            ("fr;q=0.5,de;q=0.5", Some("fr")),
            ("de;q=0, fr;q=0.1", Some("fr")),
            ("pt", Some("pt-BR")),
            ("pt-PT, de;q=0.9", Some("pt-BR")),
            ("zh-Hant-TW", Some("zh-Hant")),
            ("it", None),
            ("it, *;q=0.1", Some("en")),
            ("*", Some("en")),
            ("", None),
            (" , ;q=1, de ; q=0.7 , fr;q=x", Some("de")),
            ("de;q=2, fr;q=NaN, en;q=-1", None),
            ("den, d", None),
        ] {
            assert_eq!(choose(header, &has), wanted, "{header:?}");
        }
        assert_eq!(choose(&format!("{}de", "it,".repeat(MAX_RANGES)), &has), None);
        assert_eq!(choose("de", &[]), None);
    }
}
