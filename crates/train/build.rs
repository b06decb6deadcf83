//! Link flags of the trainer program alone: where it finds libtorch at run time.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Relative to target/PROFILE/, and beside the program for an installed copy.
    for path in ["$ORIGIN/../../.libtorch/lib", "$ORIGIN/../lib", "$ORIGIN/lib"] {
        println!("cargo:rustc-link-arg-bins=-Wl,-rpath,{path}");
    }
}
