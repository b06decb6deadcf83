//! Link flags of the trainer's own programs and tests: where they find libtorch at run time.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Relative to target/PROFILE/ and, for tests, target/PROFILE/deps/; and beside the program for an installed copy.
    for path in
        ["$ORIGIN/../../.libtorch/lib", "$ORIGIN/../../../.libtorch/lib", "$ORIGIN/../lib", "$ORIGIN/lib"]
    {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{path}");
    }
}
