//! Writing: reports to standard output or whole files, everything else to standard error.

use std::io::{IsTerminal, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Failure;
use super::arguments::{CONFIG_VARIABLE, Color};
use crate::report::{Style, one_line};

/// Links that lead from one to the next, at most.
const LINKS: usize = 40;
/// Columns where nothing says how many there are.
const WIDTH: usize = 100;
/// Narrower than this nothing is readable.
const NARROWEST: usize = 60;
/// Wider lines are hard to follow.
const WIDEST: usize = 120;

/// This program's variables. Others may hold anything, even what is no text.
pub(super) fn variables() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with("MZV_DOCTOR_") && name != CONFIG_VARIABLE)
        .map(|(name, value)| (name, value.to_string_lossy().into_owned()))
        .collect()
}

/// Text to standard output. A reader that went away (`| head`) is no error.
pub(super) fn put(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Output { file: "standard output".into(), cause })
        }
        _ => Ok(()),
    }
}

/// Where a file really lies, by whatever path and links it is named; also one that is not there yet.
pub(super) fn place(file: &Path) -> PathBuf {
    let mut file = file.to_owned();
    for _ in 0..LINKS {
        if let Ok(real) = std::fs::canonicalize(&file) {
            return real;
        }
        let Ok(to) = std::fs::read_link(&file) else { break };
        file = folder(&file).join(to);
    }
    let folder = std::fs::canonicalize(folder(&file)).unwrap_or_else(|_| folder(&file).to_owned());
    file.file_name().map_or_else(|| file.clone(), |name| folder.join(name))
}

/// The folder of a file.
pub(super) fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether a path names standard output itself, which is not to be replaced by a file of its own.
pub(super) fn is_screen(path: &Path) -> bool {
    let place = |path: &Path| std::fs::metadata(path).ok().map(|it| (it.dev(), it.ino()));
    place(path).is_some_and(|there| place(Path::new("/dev/stdout")) == Some(there))
}

/// A whole file or none: written beside its place and moved there. What is no plain file (a device, a pipe) is
/// written to as it stands, and a link leads to its file.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let refuse = |cause| Failure::Output { file: path.display().to_string(), cause };
    if is_screen(path) {
        return put(text);
    }
    let path = &place(path);
    let there = std::fs::metadata(path).ok();
    if there.as_ref().is_some_and(|it| !it.is_file()) {
        let mut file = std::fs::OpenOptions::new().write(true).open(path).map_err(refuse)?;
        return file.write_all(text.as_bytes()).map_err(refuse);
    }
    let mut make = tempfile::Builder::new();
    let mode = match there {
        Some(there) => there.permissions(),
        None => std::os::unix::fs::PermissionsExt::from_mode(0o666),
    };
    let mut file = make.permissions(mode).tempfile_in(folder(path)).map_err(refuse)?;
    file.write_all(text.as_bytes()).map_err(refuse)?;
    file.as_file().sync_all().map_err(refuse)?;
    file.persist(path).map_err(|error| refuse(error.error))?;
    Ok(())
}

/// One line to standard error.
pub(super) fn complain(text: &str) {
    // Where standard error is closed there is nobody to tell.
    let _told = writeln!(std::io::stderr(), "mzv-doctor: {}", one_line(&text.replace(['\n', '\r'], " ")));
}

/// A note to standard error.
pub(super) fn note(text: &str) {
    let _told = writeln!(std::io::stderr(), "{}", one_line(text));
}

/// Several lines to standard error, each as harmless as one.
pub(super) fn note_lines(text: &str) {
    for line in text.lines() {
        note(line);
    }
}

/// How the terminal format looks here.
pub(super) fn style(color: Color, verbose: bool) -> Style {
    let terminal = std::io::stdout().is_terminal();
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let measured = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    let width = match (terminal, measured, columns) {
        (true, Some(width), _) | (_, _, Some(width)) => width,
        _ => WIDTH,
    };
    Style {
        width: width.clamp(NARROWEST, WIDEST),
        color: match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                terminal && !set("NO_COLOR") && std::env::var("TERM").is_ok_and(|term| term != "dumb")
            }
        },
        verbose,
        unicode: unicode(),
    }
}

/// Whether the locale is one of UTF-8, by the variables that decide it.
fn unicode() -> bool {
    let decisive = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    decisive.is_none_or(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}
