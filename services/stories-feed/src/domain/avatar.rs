//! Which of the renditions of a picture is shown beside a name.

use serde_json::Value as Json;

/// Name of the rendition that is large enough for it.
const NAME: &str = "thumb";

/// The address of a person's picture: the thumbnail in the format that every client reads, or else the smallest there is; none of
/// what has no renditions. `renditions` are in the order of their size.
pub(crate) fn url(renditions: &Json) -> Option<String> {
    let all = renditions.as_array()?;
    let has =
        |rendition: &Json, key: &str, value: &str| rendition.get(key).and_then(Json::as_str) == Some(value);
    let thumbs = || all.iter().filter(|rendition| has(rendition, "name", NAME));
    let chosen = thumbs()
        .find(|rendition| has(rendition, "format", "jpg"))
        .or_else(|| thumbs().next())
        .or_else(|| all.first())?;
    chosen.get("url").and_then(Json::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_thumbnail_that_everybody_reads_is_shown() {
        let avif = json!({"name": "thumb", "format": "avif", "url": "/a"});
        let jpeg = json!({"name": "thumb", "format": "jpg", "url": "/j"});
        let tiny = json!({"name": "placeholder", "format": "webp", "url": "/t"});
        for (renditions, expected) in [
            (json!([tiny, avif, jpeg]), Some("/j")),
            (json!([tiny, avif]), Some("/a")),
            (json!([tiny]), Some("/t")),
            (json!([]), None),
            (json!({}), None),
        ] {
            assert_eq!(url(&renditions).as_deref(), expected, "{renditions}");
        }
    }
}
