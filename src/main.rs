//! The doorstep; everything is in the library.

fn main() -> std::process::ExitCode {
    mzv_doctor::cli::main()
}
