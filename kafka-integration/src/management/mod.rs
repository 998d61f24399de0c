//! The management commands, as clap types any application can mount.
