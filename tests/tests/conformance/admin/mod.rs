//! Topics, their settings and the cluster.

mod alter_configs;
mod cluster;
mod create;
mod delete;
mod describe_configs;
mod metadata;
mod partitions;
