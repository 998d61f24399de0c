//! One broker per data directory, found by everybody who looks there.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::open::OpenError;

const LOCK: &str = "broker.lock";
const ADDRESS: &str = "broker.address";

/// Held for as long as anything of the directory may be written: two brokers
/// on one directory would each give out the same offsets.
#[derive(Debug)]
pub(super) struct DirectoryLock {
    directory: PathBuf,
    _file: File,
}

impl DirectoryLock {
    pub(super) fn take(directory: &Path) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Directory {
            path: directory.to_path_buf(),
            source,
        };
        std::fs::create_dir_all(directory).map_err(failed)?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(directory.join(LOCK))
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::InUse {
                    path: directory.to_path_buf(),
                    address: announced(directory),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // That of a broker that was killed.
        match std::fs::remove_file(directory.join(ADDRESS)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        Ok(Self {
            directory: directory.to_path_buf(),
            _file: file,
        })
    }
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // Before the lock goes: afterwards it might be the next broker's.
        let _ = std::fs::remove_file(self.directory.join(ADDRESS));
    }
}

/// Writes down where the broker that holds the directory's lock is reached.
pub(crate) fn announce(directory: &Path, address: &str) -> io::Result<()> {
    // Renamed into place, so that nobody reads half an address.
    let draft = directory.join(format!("{ADDRESS}.new"));
    std::fs::write(&draft, format!("{address}\n"))?;
    std::fs::rename(draft, directory.join(ADDRESS))
}

/// What [`announce`] wrote, unless it is gone by now.
fn announced(directory: &Path) -> Option<String> {
    let text = std::fs::read_to_string(directory.join(ADDRESS)).ok()?;
    Some(text.trim().to_owned()).filter(|address| !address.is_empty())
}
