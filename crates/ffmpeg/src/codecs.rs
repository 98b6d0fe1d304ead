//! Which codecs are taken. Every decoder is code that strangers feed, so the list is of what phones, cameras and browsers make.

/// A codec, and the decoders that may be used for it: ffmpeg's names of both.
struct Codec {
    name: &'static str,
    decoders: &'static str,
}

const fn codec(name: &'static str, decoders: &'static str) -> Codec {
    Codec { name, decoders }
}

const VIDEO: [Codec; 9] = [
    codec("h264", "h264"),
    codec("hevc", "hevc"),
    codec("vp8", "vp8"),
    codec("vp9", "vp9"),
    codec("av1", "libdav1d,libaom-av1,av1"),
    codec("mpeg4", "mpeg4"),
    codec("h263", "h263"),
    codec("mjpeg", "mjpeg"),
    codec("prores", "prores"),
];

const AUDIO: [Codec; 12] = [
    codec("aac", "aac"),
    codec("mp3", "mp3float,mp3"),
    codec("opus", "opus"),
    codec("vorbis", "vorbis"),
    codec("flac", "flac"),
    codec("alac", "alac"),
    codec("ac3", "ac3"),
    codec("eac3", "eac3"),
    codec("amr_nb", "amrnb"),
    codec("pcm_s16le", "pcm_s16le"),
    codec("pcm_s16be", "pcm_s16be"),
    codec("pcm_s24le", "pcm_s24le"),
];

pub(crate) fn is_taken_as_video(name: &str) -> bool {
    VIDEO.iter().any(|codec| codec.name == name)
}

pub(crate) fn is_taken_as_audio(name: &str) -> bool {
    AUDIO.iter().any(|codec| codec.name == name)
}

/// All decoders, as ffmpeg takes them for `-codec_whitelist`.
pub(crate) fn decoders() -> String {
    let decoders: Vec<&str> = VIDEO.iter().chain(&AUDIO).map(|codec| codec.decoders).collect();
    decoders.join(",")
}
