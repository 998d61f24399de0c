//! Topics, offsets and lag of a cluster.
