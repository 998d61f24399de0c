//! Frames and their headers: what is common to all requests.

mod frame;
pub(crate) mod guard;
mod request;
mod versions;

pub(crate) use self::frame::{Budget, FrameError, Received, read_frame};
pub(crate) use self::request::Frame;
pub(crate) use self::versions::{SERVED, Served, served};
