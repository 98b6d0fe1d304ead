//! Stacks that are alike, added up, and the flame graph that is drawn of them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;
use std::rc::Rc;

use anyhow::Context as _;
use inferno::flamegraph::color::{Color, PaletteMap};
use inferno::flamegraph::{self, Options};

use super::names::{self, Ours};
use super::script::Event;
use super::symbols::{Frame, Symbols};

/// Frames narrower than this share of the picture are left out, in percent.
const LEAST_PERCENT: f64 = 0.1;
const PICTURE_WIDTH: usize = 1_600;
/// What is marked as the kernel's.
const KERNEL_MARK: &str = "_[k]";
const LEGEND: &str =
    "green: ours; blue: other crates; orange: core, alloc and std; yellow: C and assembly; red: the kernel";
/// Shades of a colour, so that neighbours can be told apart.
const SHADES: u8 = 6;

/// A stack: the thread, then the functions from the outermost to the innermost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stack {
    pub(super) thread: String,
    pub(super) frames: Vec<Frame>,
}

impl Stack {
    /// The functions of an event, without those that only pass on.
    pub(super) fn of(event: &Event, symbols: &mut Symbols) -> Self {
        let mut frames: Vec<Frame> = Vec::new();
        for (depth, place) in event.stack.iter().enumerate() {
            frames.extend(symbols.at(place, depth > 0 && !place.is_kernel()).iter().cloned());
        }
        frames.retain(|frame| !names::is_glue(&frame.name));
        frames.reverse();
        // What a function calls of itself says nothing more.
        frames.dedup_by(|later, earlier| later.name == earlier.name);
        Self { thread: kind_of_thread(&event.thread), frames }
    }
}

/// Threads of one kind together: `edge-3` and `edge-4` are `edge`.
pub(super) fn kind_of_thread(name: &str) -> String {
    name.trim_end_matches(|letter: char| letter.is_ascii_digit())
        .trim_end_matches(['-', '_', ' ', ':', '#'])
        .to_owned()
}

/// Stacks with their weights.
#[derive(Debug, Default)]
pub(super) struct Folded {
    stacks: BTreeMap<String, u64>,
}

impl Folded {
    pub(super) fn add(&mut self, stack: &Stack, weight: u64) {
        let names = stack.frames.iter().map(|frame| {
            if frame.kernel {
                Rc::from(format!("{}{KERNEL_MARK}", frame.name))
            } else {
                Rc::clone(&frame.name)
            }
        });
        let mut line = stack.thread.clone();
        for name in names {
            line.push(';');
            line.push_str(&name);
        }
        *self.stacks.entry(line).or_default() += weight;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.stacks.is_empty()
    }

    /// Writes the stacks and their picture to `<folder>/<name>.folded` and `.svg`.
    pub(super) fn write(
        &self,
        folder: &Path,
        name: &str,
        title: &str,
        unit: &str,
        ours: &Ours,
    ) -> anyhow::Result<()> {
        let lines: Vec<String> =
            self.stacks.iter().map(|(stack, weight)| format!("{stack} {weight}")).collect();
        fs::write(folder.join(format!("{name}.folded")), lines.join("\n") + "\n")?;
        let mut options = Options::default();
        options.title = title.to_owned();
        options.subtitle = Some(LEGEND.to_owned());
        options.count_name = unit.to_owned();
        let mut colours = PaletteMap::default();
        // The one below all.
        colours.insert("", Color { r: 200, g: 200, b: 200 });
        for name in self.stacks.keys().flat_map(|stack| stack.split(';')) {
            colours.insert(name, colour(name, ours));
        }
        options.palette_map = Some(&mut colours);
        options.image_width = Some(PICTURE_WIDTH);
        options.min_width = LEAST_PERCENT;
        let file = folder.join(format!("{name}.svg"));
        let writer = BufWriter::new(File::create(&file)?);
        flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), writer)
            .with_context(|| format!("cannot draw {}", file.display()))
    }
}

/// By whose a function is, in a shade by its name: the same profile gives the same picture.
fn colour(name: &str, ours: &Ours) -> Color {
    let (r, g, b) = match names::crate_of(name) {
        _ if name.ends_with(KERNEL_MARK) => (235, 110, 90),
        _ if ours.has(name) => (110, 205, 90),
        "core" | "alloc" | "std" => (240, 170, 70),
        "" => (225, 210, 90),
        _ => (100, 190, 220),
    };
    let shade = name.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte)) % SHADES * 5;
    Color { r: r - shade, g: g - shade, b: b - shade }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(thread: &str, names: &[(&str, bool)]) -> Stack {
        let frames =
            names.iter().map(|(name, kernel)| Frame { name: (*name).into(), kernel: *kernel }).collect();
        Stack { thread: thread.to_owned(), frames }
    }

    #[test]
    fn alike_stacks_are_added_up_and_drawn() {
        let mut folded = Folded::default();
        folded.add(&stack("edge", &[("gateway::run", false), ("tcp_sendmsg", true)]), 3);
        folded.add(&stack("edge", &[("gateway::run", false), ("tcp_sendmsg", true)]), 4);
        folded.add(&stack("edge", &[("gateway::run", false)]), 1);
        let folder = tempfile::tempdir().unwrap();
        folded.write(folder.path(), "cpu", "gateway", "samples", &Ours::default()).unwrap();
        let text = fs::read_to_string(folder.path().join("cpu.folded")).unwrap();
        assert_eq!(text, "edge;gateway::run 1\nedge;gateway::run;tcp_sendmsg_[k] 7\n");
        let picture = fs::read_to_string(folder.path().join("cpu.svg")).unwrap();
        assert!(picture.starts_with("<?xml") && picture.contains("gateway::run (8 samples, 100.00%)"));
        let ours = Ours::of(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap());
        let of = |name: &str| colour(name, &ours);
        assert!(of("gateway::run").g > of("gateway::run").r && of("hyper::run").b > of("hyper::run").r);
        assert!(
            of("tcp_sendmsg_[k]").r > of("tcp_sendmsg_[k]").g
                && of("drop gateway::run").g > of("drop gateway::run").r
        );
    }

    #[test]
    fn threads_of_one_kind_are_one() {
        for (name, kind) in [
            ("edge-12", "edge"),
            ("tokio-rt-worker", "tokio-rt-worker"),
            ("actix-rt|system:0", "actix-rt|system"),
        ] {
            assert_eq!(kind_of_thread(name), kind);
        }
    }
}
