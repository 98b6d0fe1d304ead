//! The program in the sandbox. It tries one thing and prints how that went.

use std::fs::{self, OpenOptions};
use std::io;
use std::net::{TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::process::{Command, ExitCode};
use std::thread;

use nix::sys::signal::kill;
use nix::unistd::Pid;

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["read", path] => tell(fs::read(path)),
        ["print", path] => print!("{}", fs::read_to_string(path).unwrap()),
        ["write", path] => tell(fs::write(path, "x")),
        ["overwrite", path] => tell(OpenOptions::new().write(true).open(path)),
        ["tcp", address] => tell(TcpStream::connect(*address)),
        ["udp", address] => {
            tell(UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(b"x", *address)));
        }
        ["unix", path] => tell(UnixStream::connect(path)),
        ["abstract", name] => {
            tell(SocketAddr::from_abstract_name(name).and_then(|address| UnixStream::connect_addr(&address)));
        }
        ["environment"] => std::env::vars().for_each(|(name, value)| println!("{name}={value}")),
        ["open-files"] => open_files(),
        ["signal", pid] => tell(kill(Pid::from_raw(pid.parse().unwrap()), None).map_err(io::Error::from)),
        ["fork"] => fork_bomb(),
        ["threads"] => threads(),
        ["hog"] => hog(),
        ["loop"] => loop {
            std::hint::spin_loop();
        },
        ["sleep"] => sleep(),
        ["flood", "stdout"] => flood(&mut io::stdout(), usize::MAX),
        ["flood", "stderr"] => flood(&mut io::stderr(), 100_000),
        ["grow", path] => fs::write(path, vec![0; 4 << 20]).unwrap(),
        ["fail"] => {
            eprintln!("last words");
            return ExitCode::from(3);
        }
        other => panic!("{other:?} is nothing to do"),
    }
    ExitCode::SUCCESS
}

fn tell<T>(attempt: io::Result<T>) {
    match attempt {
        Ok(_) => println!("done"),
        Err(error) => println!("{:?}", error.kind()),
    }
}

fn open_files() {
    let mut numbers: Vec<String> = fs::read_dir("/proc/self/fd")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    numbers.sort();
    println!("{}", numbers.join(" "));
}

fn fork_bomb() {
    let started =
        (0..100).filter(|_| Command::new("/proc/self/exe").arg("misbehave").spawn().is_ok()).count();
    println!("{started}");
}

fn threads() {
    let mut running = 0;
    while running < 10_000 && thread::Builder::new().spawn(park).is_ok() {
        running += 1;
    }
    println!("{running}");
}

fn hog() {
    let mut held = Vec::new();
    loop {
        held.push(vec![1_u8; 16 << 20]);
    }
}

fn sleep() {
    println!("{}", std::process::id());
    park();
}

fn park() {
    loop {
        thread::park();
    }
}

fn flood(to: &mut impl io::Write, lines: usize) {
    for line in 0..lines {
        writeln!(to, "line {line}").unwrap();
    }
}
