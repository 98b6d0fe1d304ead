//! How fast bodies pass through an inspection: 512 MiB of a film, and of a photograph's scan, in pieces of 256 KiB.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::time::Instant;

use content_inspect::{Accepted, ContentType, Inspector, Refusal};

const PIECE: usize = 256 << 10;
const PIECES: u32 = 2048;

fn main() -> Result<(), Refusal> {
    // The content of a film is stepped over; what is left is the hash.
    let film = [&b"\0\0\0\x18ftypmp42\0\0\0\0isommp42"[..], b"\0\0\0\x08moov", b"\0\0\0\0mdat"].concat();
    measure("film", &film, &[7; PIECE])?;
    // Every byte of a scan is looked at: an `ff 00` at every 128th, which is twice as often as in random data.
    let scan: Vec<u8> = (0..PIECE).map(|i| if i % 128 == 0 { 0xff } else { 0 }).collect();
    measure("photograph", b"\xff\xd8\xff\xc0\0\x02\xff\xda\0\x02", &scan)
}

fn measure(name: &str, start: &[u8], piece: &[u8]) -> Result<(), Refusal> {
    let mut inspector = Inspector::new(Accepted::of(&ContentType::ALL));
    inspector.update(start)?;
    let started = Instant::now();
    for _ in 0..PIECES {
        inspector.update(piece)?;
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{name}: {:.0} MB/s", f64::from(PIECES) * piece.len() as f64 / 1e6 / seconds);
    Ok(())
}
