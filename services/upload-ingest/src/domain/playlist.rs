//! Playlists for those who need a link: a player asks for what stands in it, so what stands in it must be links too.

/// The playlist with this query on every address in it (RFC 8216): the lines that are none of tags, and the `URI` of those
/// that are.
pub(crate) fn with_links(text: &str, query: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for line in text.lines() {
        if line.starts_with('#') {
            out.push_str(&with_uri(line, query));
        } else if line.trim().is_empty() {
            out.push_str(line);
        } else {
            out.push_str(&linked(line.trim_end(), query));
        }
        out.push('\n');
    }
    out
}

fn with_uri(tag: &str, query: &str) -> String {
    const ATTRIBUTE: &str = "URI=\"";
    let Some((before, rest)) = tag.split_once(ATTRIBUTE) else { return tag.to_owned() };
    let Some((address, after)) = rest.split_once('"') else { return tag.to_owned() };
    format!("{before}{ATTRIBUTE}{}\"{after}", linked(address, query))
}

fn linked(address: &str, query: &str) -> String {
    let separator = if address.contains('?') { '&' } else { '?' };
    format!("{address}{separator}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_in_a_playlist_becomes_a_link() {
        let text = "#EXTM3U\n#EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"1@0\"\n#EXTINF:4,\nseg_1.m4s\n\n#EXT-X-ENDLIST\n";
        assert_eq!(
            with_links(text, "expires=1"),
            "#EXTM3U\n#EXT-X-MAP:URI=\"init.mp4?expires=1\",BYTERANGE=\"1@0\"\n#EXTINF:4,\nseg_1.m4s?expires=1\n\n#EXT-X-ENDLIST\n"
        );
    }
}
