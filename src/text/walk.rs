//! Which files are meant by the names that were given.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::Problem;

/// A file to be read.
#[derive(Clone, Debug)]
pub struct File {
    /// Where it lies.
    pub path: PathBuf,
    /// Its name as it is shown.
    pub place: String,
    /// What is wrong with it, where that is known before it is opened.
    pub problem: Option<String>,
    /// Whether it is a pipe, which may keep whoever opens it waiting.
    pub pipe: bool,
}

/// The files that a name stands for: a file itself, a folder all files below it, in order of their names. Links are
/// followed; one that leads back into itself is a problem. What has several names, as the logs on a cluster's nodes do, is
/// read once, under the first: `seen` holds what was listed so far.
pub fn walk(name: &Path, seen: &mut BTreeSet<PathBuf>) -> Vec<File> {
    let mut is_new = |file: &File| match std::fs::canonicalize(&file.path) {
        Ok(real) if !file.pipe => seen.insert(real),
        _ => true,
    };
    one(name).into_iter().filter(|file| is_new(file)).collect()
}

fn one(name: &Path) -> Vec<File> {
    let file = |path: &Path, problem: Option<String>| File {
        path: path.to_owned(),
        place: path.display().to_string(),
        problem,
        pipe: false,
    };
    match std::fs::metadata(name) {
        Err(error) => vec![file(name, Some(reason(&error)))],
        // A pipe that was named is meant: a shell's `<(…)` is one.
        Ok(there) if !there.is_dir() => {
            vec![File { pipe: is_pipe(&there), ..file(name, unreadable(&there)) }]
        }
        Ok(_) => WalkDir::new(name)
            .follow_links(true)
            .sort_by_file_name()
            .into_iter()
            .filter_map(|entry| match entry {
                Ok(entry) if entry.file_type().is_dir() => None,
                Ok(entry) => {
                    let problem = match entry.metadata() {
                        Ok(there) if is_pipe(&there) => {
                            Some("is a pipe, which is read only where it is named itself".into())
                        }
                        Ok(there) => unreadable(&there),
                        Err(error) => Some(error.to_string()),
                    };
                    Some(file(entry.path(), problem))
                }
                Err(error) => {
                    let what = match (error.loop_ancestor(), error.io_error()) {
                        (Some(ancestor), _) => format!("is a link that leads back to {}", ancestor.display()),
                        (None, Some(cause)) => reason(cause),
                        (None, None) => error.to_string(),
                    };
                    Some(file(error.path().unwrap_or(name), Some(what)))
                }
            })
            .collect(),
    }
}

/// What an error of the system means for the one who gave the name.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "does not exist".into(),
        io::ErrorKind::PermissionDenied => "may not be read (permission denied)".into(),
        _ => error.to_string(),
    }
}

#[cfg(unix)]
fn unreadable(there: &Metadata) -> Option<String> {
    use std::os::unix::fs::FileTypeExt;
    let kind = there.file_type();
    if kind.is_char_device() || kind.is_block_device() {
        return Some("is a device, which is not read".into());
    }
    kind.is_socket().then(|| "is a socket, which is not read".into())
}

#[cfg(unix)]
fn is_pipe(there: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    there.file_type().is_fifo()
}

#[cfg(not(unix))]
fn unreadable(_: &Metadata) -> Option<String> {
    None
}

#[cfg(not(unix))]
fn is_pipe(_: &Metadata) -> bool {
    false
}

/// A file's bytes as far as they went when it was opened: one that still grows does not hold a search up forever.
pub fn open(file: &File) -> Result<Box<dyn Read + Send>, Problem> {
    if let Some(problem) = &file.problem {
        return Err(Problem::new(&file.place, problem));
    }
    let refuse = |error: io::Error| Problem::new(&file.place, reason(&error));
    let opened = std::fs::File::open(&file.path).map_err(refuse)?;
    let there = opened.metadata().map_err(refuse)?;
    if there.is_file() { Ok(Box::new(Whole { opened, left: there.len() })) } else { Ok(Box::new(opened)) }
}

/// A file of a known length.
struct Whole {
    opened: std::fs::File,
    left: u64,
}

impl Read for Whole {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        if most == 0 {
            return Ok(0);
        }
        let count = self.opened.read(&mut into[..most])?;
        if count == 0 {
            return Err(io::Error::other(format!(
                "became shorter while it was read, by {} bytes",
                self.left
            )));
        }
        self.left -= count as u64;
        Ok(count)
    }
}
