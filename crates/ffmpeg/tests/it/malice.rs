//! Files that are made to have ffmpeg read other files or speak to others (U-C9, U-D11). Each has to end with a clean error,
//! without a connection, and with nothing of another file in what was made.

use std::io::ErrorKind;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};

use ffmpeg::{Preset, RenditionSpec};
use sandbox::{Launcher, Policy, SandboxError};

use crate::support::{HOST, clip, decode, ffmpeg, is_empty, make};

/// Listeners that must not hear anything.
struct Ears {
    tcp: TcpListener,
    udp: UdpSocket,
}

impl Ears {
    fn new() -> Self {
        let ears = Self {
            tcp: TcpListener::bind("127.0.0.1:0").unwrap(),
            udp: UdpSocket::bind("127.0.0.1:0").unwrap(),
        };
        ears.tcp.set_nonblocking(true).unwrap();
        ears.udp.set_nonblocking(true).unwrap();
        ears
    }

    /// `127.0.0.1:PORT`
    fn address(&self) -> String {
        self.tcp.local_addr().unwrap().to_string()
    }

    fn heard_nothing(&self) -> bool {
        let nothing = |error: std::io::Error| error.kind() == ErrorKind::WouldBlock;
        self.tcp.accept().is_err_and(nothing) && self.udp.recv(&mut [0; 8]).is_err_and(nothing)
    }
}

fn texts(address: &str, secret: &Path) -> Vec<(&'static str, String)> {
    let secret = secret.display();
    vec![
        (
            "url in a playlist",
            format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://{address}/x.ts\n#EXT-X-ENDLIST\n"),
        ),
        ("file in a playlist", format!("#EXTM3U\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n")),
        (
            "concat in a playlist",
            format!(
                "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\nconcat:http://{address}/a|file://{secret}\n#EXT-X-ENDLIST\n"
            ),
        ),
        ("concat script", format!("ffconcat version 1.0\nfile '{secret}'\nfile 'http://{address}/'\n")),
        (
            "svg",
            format!(
                "<svg xmlns:xlink=\"http://www.w3.org/1999/xlink\"><image xlink:href=\"http://{address}/\"/></svg>"
            ),
        ),
        (
            "dash",
            format!(
                "<?xml version=\"1.0\"?><MPD><Period><BaseURL>http://{address}/</BaseURL></Period></MPD>"
            ),
        ),
        (
            "sdp",
            "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nm=video 9 RTP/AVP 96\r\n"
                .to_owned(),
        ),
        ("subtitles", "1\n00:00:00,000 --> 00:00:01,000\nhello\n".to_owned()),
    ]
}

async fn refusal(input: &Path) -> &'static str {
    let out = tempfile::tempdir().unwrap();
    let spec = RenditionSpec { preset: Preset::Ultrafast, ..RenditionSpec::default() };
    let made = ffmpeg().rendition(input, &out.path().join("x.mp4"), &spec, |_| ()).await;
    let drawn = ffmpeg().poster(input, 0, &out.path().join("x.png")).await;
    assert!(is_empty(out.path()));
    let code = made.unwrap_err().code();
    assert_eq!(drawn.unwrap_err().code(), code);
    code
}

#[tokio::test]
async fn playlists_scripts_and_drawings_in_disguise_are_no_videos() {
    let ears = Ears::new();
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret");
    std::fs::write(&secret, "secret").unwrap();
    for (what, text) in texts(&ears.address(), &secret) {
        for name in ["upload.mp4", "upload.m3u8", "upload.svg", "concat:x.mp4", "http:__x.mp4"] {
            let input = directory.path().join(name);
            std::fs::write(&input, &text).unwrap();
            assert_eq!(refusal(&input).await, "not_a_video", "{what} as {name}");
        }
    }
    assert!(ears.heard_nothing());
}

/// What begins as a video and goes on as a playlist gets past the first look, so this is for ffmpeg's own guards.
#[tokio::test]
async fn playlists_behind_the_beginning_of_a_video_are_damaged_videos() {
    let ears = Ears::new();
    let directory = tempfile::tempdir().unwrap();
    let beginnings: [&[u8]; 3] =
        [b"\0\0\0\x10ftypisom\0\0\0\0", b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x08moov", b"\x1a\x45\xdf\xa3"];
    for (what, text) in texts(&ears.address(), &directory.path().join("secret")) {
        for beginning in beginnings {
            let input = directory.path().join("upload.mp4");
            std::fs::write(&input, [beginning, text.as_bytes()].concat()).unwrap();
            let code = refusal(&input).await;
            assert!(["damaged", "no_video_stream"].contains(&code), "{what}: {code}");
        }
    }
    assert!(ears.heard_nothing());
}

/// A MOV whose content is said to be in another file, whose path is in an alias as old Macs wrote them.
fn referring_to(directory: &Path, target: &str) -> PathBuf {
    let clip = clip(directory, "in.mp4", "320x180", 1, &["-movflags", "+faststart"]);
    let mut bytes = std::fs::read(&clip).unwrap();
    let url = bytes.windows(4).position(|window| window == b"url ").expect("a reference") - 4;
    let alias = alias(target);
    let grown = u32::try_from(alias.len() - 12).unwrap();
    bytes.splice(url..url + 12, alias);
    for name in [&b"moov"[..], b"trak", b"mdia", b"minf", b"dinf", b"dref"] {
        let at = bytes[..url].windows(4).rposition(|window| window == name).expect("a box around it") - 4;
        let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        bytes[at..at + 4].copy_from_slice(&(size + grown).to_be_bytes());
    }
    let path = directory.join("referring.mov");
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The box: what ffmpeg skips is 0, then the path with `:` between its parts.
fn alias(target: &str) -> Vec<u8> {
    let path = target.replace('/', ":");
    let length = u16::try_from(path.len()).unwrap();
    let levels = [0_u8, 1, 0, 1];
    let mut content =
        [&b"alis"[..], &[0; 4], &[0; 10], &[0; 28], &[0; 12], &[0; 64], &[0; 16], &levels, &[0; 16]].concat();
    content.extend([&2_u16.to_be_bytes()[..], &length.to_be_bytes(), path.as_bytes()].concat());
    content.extend([0].repeat(path.len() % 2));
    content.extend([0xff; 4]);
    let size = u32::try_from(content.len() + 4).unwrap();
    [&size.to_be_bytes()[..], &content].concat()
}

#[tokio::test]
async fn content_in_another_file_is_not_followed() {
    let ears = Ears::new();
    let directory = tempfile::tempdir().unwrap();
    let other = clip(directory.path(), "other.mp4", "320x180", 1, &["-movflags", "+faststart"]);
    let url = format!("http://{}/x.mov", ears.address());
    for target in [other.to_str().unwrap(), &url, "/etc/passwd"] {
        let input = referring_to(directory.path(), target);
        let code = refusal(&input).await;
        assert_eq!(code, "damaged", "{target}");
    }
    assert!(ears.heard_nothing());

    // The file would work, if ffmpeg were told to follow it.
    let input = referring_to(directory.path(), other.to_str().unwrap());
    let followed = directory.path().join("followed.mp4");
    let follow =
        ["-enable_drefs", "1", "-use_absolute_path", "1", "-i", input.to_str().unwrap(), "-c", "copy"];
    make(&follow, &followed);
    assert_eq!(decode(&followed), 25);
}

/// The guards in the arguments are one line of defence. This is the other: ffmpeg told to do it.
#[tokio::test]
async fn ffmpeg_that_is_told_to_cannot_either() {
    let ears = Ears::new();
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret.mp4");
    std::fs::copy(clip(directory.path(), "in.mp4", "320x180", 1, &[]), &secret).unwrap();
    let out = tempfile::tempdir().unwrap();
    let udp = format!("udp://{}", ears.udp.local_addr().unwrap());
    for input in [
        format!("http://{}/x", ears.address()),
        format!("tcp://{}", ears.address()),
        udp,
        secret.display().to_string(),
    ] {
        let error =
            raw(&["-loglevel", "error", "-i", &input, "-c", "copy", "x.mp4"], out.path()).await.unwrap_err();
        let refused = ["not permitted", "Permission denied"];
        assert!(refused.iter().any(|words| error.stderr().contains(words)), "{input}: {error:?}");
    }
    assert!(is_empty(out.path()) && ears.heard_nothing());
}

async fn raw(arguments: &[&str], directory: &Path) -> Result<sandbox::Finished, SandboxError> {
    let policy = Policy {
        program: PathBuf::from("/usr/bin/ffmpeg"),
        arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
        working_directory: directory.to_owned(),
        read: Vec::new(),
        write: vec![directory.to_owned()],
        cpu_secs: 10,
        memory_bytes: 2 << 30,
        file_bytes: 1 << 20,
        open_files: 64,
        threads: 64,
        wall: std::time::Duration::from_secs(20),
        max_stdout_bytes: 1 << 16,
        max_stderr_bytes: 1 << 16,
    };
    Launcher::at(HOST).run(&policy, |_| ()).await
}
