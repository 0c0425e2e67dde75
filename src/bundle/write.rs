//! Writing a bundle: whole or not at all.

use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::manifest::gaps;
use super::member::{MANIFEST, REDACTIONS, SEAL, SNAPSHOT, TEXT, raw};
use super::sweep::{Hit, sweep};
use super::{BUNDLE_FORMAT, Manifest, Member, Raw};
use crate::fact::Snapshot;
use crate::redact::{Log, Values};

/// How strongly it is packed: the default of Zstandard.
const LEVEL: i32 = 3;
/// Places that are told of a find.
const TOLD: usize = 5;
/// The variable that says which time files carry (<https://reproducible-builds.org/specs/source-date-epoch>).
const EPOCH: &str = "SOURCE_DATE_EPOCH";

/// What goes into a bundle.
pub struct Contents<'a> {
    /// What was learned, without secrets; derived facts are not kept.
    pub snapshot: Snapshot,
    /// Answers as they came, without secrets.
    pub raw: Vec<Raw>,
    /// Answers that there was no room for.
    pub left_out: usize,
    /// What was taken out where.
    pub log: &'a Log,
    /// Whether the run was interrupted.
    pub interrupted: bool,
    /// Whether identifiers are pseudonyms.
    pub pseudonyms: bool,
    /// Names that were found.
    pub found: Vec<String>,
    /// The rules that found them, each with its mark.
    pub rules: std::collections::BTreeMap<String, String>,
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file cannot be written.
    #[error("{file}: cannot be written: {cause}")]
    Output {
        /// The file.
        file: String,
        /// Why.
        cause: std::io::Error,
    },
    /// The second look found what the first should have taken out.
    #[error(
        "{file}: was not written: it would hold what may be a secret ({}). `bundle create --without PLACE` leaves a log out",
        told(.hits)
    )]
    Secret {
        /// The file.
        file: String,
        /// Where.
        hits: Vec<Hit>,
    },
}

fn told(hits: &[Hit]) -> String {
    let mut all: Vec<String> = hits.iter().take(TOLD).map(Hit::to_string).collect();
    if hits.len() > TOLD {
        all.push(format!("and {} more", hits.len() - TOLD));
    }
    all.join("; ")
}

/// Writes a bundle beside its place, looks through it, and moves it there.
pub fn write(path: &Path, contents: Contents<'_>, values: &Values) -> Result<Manifest, WriteError> {
    let refuse = |cause| WriteError::Output { file: path.display().to_string(), cause };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut make = tempfile::Builder::new();
    let mode = match std::fs::metadata(path) {
        // It would be replaced, and is no place for what has to be looked through before it is there.
        Ok(there) if !there.is_file() => return Err(refuse(std::io::Error::other("it is no plain file"))),
        Ok(there) => there.permissions(),
        Err(_) => std::os::unix::fs::PermissionsExt::from_mode(0o600),
    };
    let mut file = make.prefix(".mzv-doctor-").permissions(mode).tempfile_in(folder).map_err(refuse)?;
    let manifest = pack(file.as_file_mut(), contents, folder).map_err(refuse)?;
    file.as_file().sync_all().map_err(refuse)?;
    file.seek(SeekFrom::Start(0)).map_err(refuse)?;
    let hits = sweep(&file, values).map_err(refuse)?;
    if !hits.is_empty() {
        return Err(WriteError::Secret { file: path.display().to_string(), hits });
    }
    file.persist(path).map_err(|error| refuse(error.error))?;
    Ok(manifest)
}

/// A file of the bundle, ready to be packed.
enum Part {
    Bytes(Vec<u8>),
    /// What may be too long for memory.
    File(NamedTempFile),
}

fn pack(into: impl Write, contents: Contents<'_>, folder: &Path) -> std::io::Result<Manifest> {
    let Contents { mut snapshot, raw: answers, left_out, log, interrupted, pseudonyms, found, rules } =
        contents;
    let derived: Vec<&str> =
        crate::fact::vocabulary().iter().filter(|spec| !spec.from.is_empty()).map(|spec| spec.name).collect();
    let gaps = gaps(&snapshot, left_out);
    for name in derived {
        snapshot.facts.remove(name);
    }
    let text = std::mem::take(&mut snapshot.text);
    let mut parts: Vec<(PathBuf, Part, Member)> = Vec::new();
    let mut add = |name: &str, bytes: Vec<u8>| {
        let member = Member {
            name: name.into(),
            size: bytes.len() as u64,
            sha256: hex::encode(Sha256::digest(&bytes)),
        };
        parts.push((PathBuf::from(name), Part::Bytes(bytes), member));
    };
    add(SNAPSHOT, json(&snapshot)?);
    add(REDACTIONS, json(log)?);
    for (number, answer) in (1..).zip(&answers) {
        add(&raw(number), json(&serde_json::json!({"call": answer.call, "body": answer.body}))?);
    }
    let (lines, member) = lines(&text, folder)?;
    parts.insert(1, (PathBuf::from(TEXT), Part::File(lines), member));
    let manifest = Manifest {
        bundle_format: BUNDLE_FORMAT,
        tool_version: snapshot.tool_version.clone(),
        observed_at: snapshot.observed_at,
        vantage: snapshot.vantage,
        target: snapshot.setting("environment"),
        interrupted,
        pseudonyms,
        left_out,
        found,
        rules,
        files: parts.iter().map(|(_, _, member)| member.clone()).collect(),
        gaps,
    };
    let first = json(&manifest)?;
    let seal = hex::encode(Sha256::digest(&first));
    let mtime = std::env::var(EPOCH).ok().and_then(|text| text.parse().ok());
    let mtime = mtime.unwrap_or_else(|| u64::try_from(snapshot.observed_at.as_second()).unwrap_or(0));
    let packer = zstd::stream::write::Encoder::new(BufWriter::new(into), LEVEL)?;
    let mut archive = tar::Builder::new(packer);
    let mut append = |name: &Path, size: u64, bytes: &mut dyn Read| {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(size);
        header.set_mode(0o644);
        header.set_mtime(mtime);
        archive.append_data(&mut header, name, bytes)
    };
    append(Path::new(MANIFEST), first.len() as u64, &mut first.as_slice())?;
    for (name, part, member) in &mut parts {
        match part {
            Part::Bytes(bytes) => append(name, member.size, &mut bytes.as_slice())?,
            Part::File(file) => append(name, member.size, file)?,
        }
    }
    append(Path::new(SEAL), seal.len() as u64, &mut seal.as_bytes())?;
    archive.into_inner()?.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?.flush()?;
    Ok(manifest)
}

/// The text, a line each.
fn lines(text: &[crate::fact::TextEvidence], folder: &Path) -> std::io::Result<(NamedTempFile, Member)> {
    let file = tempfile::Builder::new().prefix(".mzv-doctor-").tempfile_in(folder)?;
    let mut writer = BufWriter::new(file);
    let (mut hash, mut size) = (Sha256::new(), 0u64);
    for line in text {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        hash.update(&bytes);
        size += bytes.len() as u64;
        writer.write_all(&bytes)?;
    }
    let mut file = writer.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.seek(SeekFrom::Start(0))?;
    Ok((file, Member { name: TEXT.into(), size, sha256: hex::encode(hash.finalize()) }))
}

fn json(value: &impl Serialize) -> std::io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}
