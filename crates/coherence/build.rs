//! Tells the compiler that `loom` is a condition this crate knows (`RUSTFLAGS="--cfg loom"`).

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(loom)");
}
