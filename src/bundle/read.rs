//! Reading a bundle, which anybody may have made: nothing of it is trusted before it was compared with the manifest, and nothing
//! is unpacked to a disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::member::{LARGEST, MANIFEST, MOST, REDACTIONS, SEAL, SNAPSHOT, TEXT, limit};
use super::{BUNDLE_FORMAT, Manifest};
use crate::fact::{SNAPSHOT_FORMAT, Snapshot, TextEvidence};

/// Window that a Zstandard frame may ask for, as a power of two.
const WINDOW_LOG: u32 = 23;
/// First bytes of a Zstandard frame (RFC 8878) and of gzip (RFC 1952).
const ZSTANDARD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
const GZIP: [u8; 2] = [0x1F, 0x8B];
/// What an error begins with that a bomb ends in.
const TOO_LARGE: &str = "comes to more than";
/// The longest line of text.
const LONGEST_LINE: u64 = 16 << 20;

/// A bundle, read and compared.
#[derive(Debug)]
pub struct Bundle {
    /// What it says of itself.
    pub manifest: Manifest,
    /// What was learned.
    pub snapshot: Snapshot,
    /// What was taken out where, by place and kind.
    pub removed: BTreeMap<String, BTreeMap<String, usize>>,
    /// Bytes of each file.
    pub sizes: BTreeMap<String, u64>,
}

/// Whether what does not fit the manifest is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// A bundle that was altered is no bundle.
    Strict,
    /// It is, as far as it can be read, for somebody who wants to see.
    Lenient,
}

/// Why a file is no bundle that can be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be read at all.
    #[error("{0}")]
    Unreadable(#[from] std::io::Error),
    /// It is no bundle, or was cut off.
    #[error("is no bundle of mzv-doctor, or was cut off: {0}")]
    NotABundle(String),
    /// It holds what no bundle does.
    #[error("holds {what}, which no bundle does: it was made or changed by something else")]
    Foreign {
        /// What it holds.
        what: String,
    },
    /// Its form is another one.
    #[error(
        "has form {found} and was written by mzv-doctor {by}; this release reads form {BUNDLE_FORMAT}: use that one"
    )]
    Form {
        /// The form it has.
        found: u64,
        /// Version of the writer.
        by: String,
    },
    /// A file in it is not what the manifest says.
    #[error("was altered: {what}")]
    Altered {
        /// What does not fit.
        what: String,
    },
    /// A file in it cannot be understood.
    #[error("{name} in it cannot be read: {cause}")]
    Malformed {
        /// The file.
        name: String,
        /// Why.
        cause: String,
    },
}

/// Whether a file begins as a bundle does.
pub fn is_bundle(file: &Path) -> std::io::Result<bool> {
    let mut head = Vec::new();
    File::open(file)?.take(4).read_to_end(&mut head)?;
    Ok(head == ZSTANDARD || head.starts_with(&GZIP))
}

/// The archive in a file, unpacked as it is read and bounded.
pub(super) fn archive(file: impl Read + 'static) -> Result<tar::Archive<Box<dyn Read>>, ReadError> {
    let mut file = BufReader::new(file);
    let head = file.fill_buf()?;
    let inner: Box<dyn Read> = if head.starts_with(&GZIP) {
        Box::new(flate2::bufread::MultiGzDecoder::new(file))
    } else {
        let mut reader = zstd::stream::read::Decoder::with_buffer(file)?;
        reader.window_log_max(WINDOW_LOG)?;
        Box::new(reader)
    };
    Ok(tar::Archive::new(Box::new(Bounded { inner, left: LARGEST })))
}

/// Ends a bomb.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(into)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
            std::io::Error::other(format!("{TOO_LARGE} {} MiB when it is unpacked", LARGEST >> 20))
        })?;
        Ok(count)
    }
}

/// Counts and hashes what is read.
struct Hashed<R> {
    inner: R,
    hash: Sha256,
    size: u64,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(into)?;
        self.hash.update(&into[..count]);
        self.size += count as u64;
        Ok(count)
    }
}

/// Calls `visit` for each file of a bundle, with its name and its bytes; what is no file of a bundle is refused.
pub(super) fn members(
    file: impl Read + 'static,
    visit: &mut dyn FnMut(&str, &mut dyn Read) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let foreign = |what: String| Err(ReadError::Foreign { what });
    let mut archive = archive(file)?;
    let mut seen = BTreeSet::new();
    // Extensions of tar would be read into memory whatever their size; a bundle has none.
    for entry in archive.entries().map_err(|error| broken(&error))?.raw(true) {
        let mut entry = entry.map_err(|error| broken(&error))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let shown: String = name.chars().take(200).collect();
        if entry.header().entry_type() != tar::EntryType::Regular {
            return foreign(format!("{shown}, which is no plain file"));
        }
        let Some(limit) = limit(&name) else { return foreign(shown) };
        let size = entry.header().entry_size().map_err(|error| broken(&error))?;
        if size > limit {
            return foreign(format!("a {shown} of {size} bytes"));
        }
        if !seen.insert(name.clone()) {
            return foreign(format!("two files named {shown}"));
        }
        if seen.len() > MOST {
            return foreign(format!("more than {MOST} files"));
        }
        if (seen.len() == 1) != (name == MANIFEST) {
            return foreign(format!("{shown} where its manifest should be"));
        }
        visit(&name, &mut entry)?;
        std::io::copy(&mut entry, &mut std::io::sink()).map_err(|error| broken(&error))?;
    }
    // Behind the last file there is nothing but the zeros that end an archive.
    let mut rest = archive.into_inner();
    let mut block = [0; 4096];
    loop {
        match rest.read(&mut block).map_err(|error| broken(&error))? {
            0 => break,
            read if block[..read].iter().all(|byte| *byte == 0) => {}
            _ => return foreign("something behind its last file".into()),
        }
    }
    for name in [MANIFEST, SNAPSHOT, TEXT, SEAL] {
        if !seen.contains(name) {
            return Err(ReadError::NotABundle(format!("there is no {name} in it")));
        }
    }
    Ok(())
}

/// Why an archive cannot be read, in words that repeat nothing of what is in it.
fn broken(error: &std::io::Error) -> ReadError {
    let said = error.to_string();
    ReadError::NotABundle(match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "it ends too early".into(),
        _ if said.starts_with(TOO_LARGE) => said,
        _ => "it is no archive that can be read".into(),
    })
}

/// What says who wrote a bundle, in whatever form.
#[derive(Deserialize)]
struct Head {
    bundle_format: u64,
    tool_version: String,
}

#[derive(Deserialize)]
struct SnapshotHead {
    format: u64,
    tool_version: String,
}

/// A version as it may be shown.
fn graphic(version: &str) -> String {
    version.chars().filter(char::is_ascii_graphic).take(40).collect()
}

fn parse<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, ReadError> {
    serde_json::from_slice(bytes)
        .map_err(|error| ReadError::Malformed { name: name.into(), cause: error.to_string() })
}

/// What was read so far.
#[derive(Default)]
struct Parts {
    manifest: Option<Manifest>,
    snapshot: Option<Snapshot>,
    text: Vec<TextEvidence>,
    removed: BTreeMap<String, BTreeMap<String, usize>>,
    digests: BTreeMap<String, (u64, String)>,
    sealed: String,
    seal: String,
}

/// Reads a bundle.
pub fn read(file: &Path, check: Check) -> Result<Bundle, ReadError> {
    read_from(File::open(file)?, check)
}

/// Reads a bundle from wherever its bytes come.
pub fn read_from(file: impl Read + 'static, check: Check) -> Result<Bundle, ReadError> {
    let mut parts = Parts::default();
    members(file, &mut |name, bytes| parts.take(name, bytes))?;
    let missing = |name: &str| ReadError::NotABundle(format!("there is no {name} in it"));
    let manifest = parts.manifest.take().ok_or_else(|| missing(MANIFEST))?;
    let mut snapshot = parts.snapshot.take().ok_or_else(|| missing(SNAPSHOT))?;
    if check == Check::Strict
        && let Some(what) = parts.difference(&manifest, &snapshot)
    {
        return Err(ReadError::Altered { what });
    }
    snapshot.text = parts.text;
    let sizes = parts.digests.into_iter().map(|(name, (size, _))| (name, size)).collect();
    Ok(Bundle { manifest, snapshot, removed: parts.removed, sizes })
}

impl Parts {
    fn take(&mut self, name: &str, bytes: &mut dyn Read) -> Result<(), ReadError> {
        let mut bytes = Hashed { inner: bytes, hash: Sha256::new(), size: 0 };
        if name == TEXT {
            self.lines(&mut bytes)?;
        } else {
            let mut whole = Vec::new();
            bytes.read_to_end(&mut whole).map_err(|error| broken(&error))?;
            self.file(name, &whole)?;
        }
        let digest = hex::encode(bytes.hash.finalize());
        if name == MANIFEST {
            self.sealed = digest;
        } else if name != SEAL {
            self.digests.insert(name.to_owned(), (bytes.size, digest));
        }
        Ok(())
    }

    fn lines(&mut self, bytes: &mut impl Read) -> Result<(), ReadError> {
        let mut reader = BufReader::new(bytes);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line);
            if read.map_err(|error| broken(&error))? == 0 {
                return Ok(());
            }
            self.text.push(parse(TEXT, &line)?);
        }
    }

    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<(), ReadError> {
        match name {
            MANIFEST => {
                let head: Head = parse(name, bytes)?;
                if head.bundle_format != u64::from(BUNDLE_FORMAT) {
                    return Err(ReadError::Form {
                        found: head.bundle_format,
                        by: graphic(&head.tool_version),
                    });
                }
                self.manifest = Some(parse(name, bytes)?);
            }
            SNAPSHOT => {
                let head: SnapshotHead = parse(name, bytes)?;
                if head.format != u64::from(SNAPSHOT_FORMAT) {
                    return Err(ReadError::Form { found: head.format, by: graphic(&head.tool_version) });
                }
                self.snapshot = Some(parse(name, bytes)?);
            }
            REDACTIONS => self.removed = parse(name, bytes)?,
            SEAL => self.seal = String::from_utf8_lossy(bytes).into_owned(),
            _ => {}
        }
        Ok(())
    }

    /// What does not fit the manifest.
    fn difference(&self, manifest: &Manifest, snapshot: &Snapshot) -> Option<String> {
        if self.seal != self.sealed {
            return Some(format!("{MANIFEST} is not the one that was written"));
        }
        for member in &manifest.files {
            match self.digests.get(&member.name) {
                None => return Some(format!("{} is missing", member.name)),
                Some((size, digest)) if *size != member.size || *digest != member.sha256 => {
                    return Some(format!("{} is not the one that was written", member.name));
                }
                Some(_) => {}
            }
        }
        let named: BTreeSet<&str> = manifest.files.iter().map(|member| member.name.as_str()).collect();
        if let Some(other) = self.digests.keys().find(|name| !named.contains(name.as_str())) {
            return Some(format!("{other} was added"));
        }
        (manifest.observed_at != snapshot.observed_at || manifest.tool_version != snapshot.tool_version)
            .then(|| format!("{MANIFEST} is of another run"))
    }
}

/// One file of a bundle, as it is.
pub fn member(file: &Path, wanted: &str) -> Result<Option<Vec<u8>>, ReadError> {
    let mut found = None;
    members(File::open(file)?, &mut |name, bytes| {
        if name == wanted {
            let mut whole = Vec::new();
            bytes.read_to_end(&mut whole)?;
            found = Some(whole);
        }
        Ok(())
    })?;
    Ok(found)
}
