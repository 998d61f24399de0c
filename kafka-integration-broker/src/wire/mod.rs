//! Frames and their headers: what is common to all requests.

mod frame;
pub(crate) mod guard;
mod request;
mod versions;

pub(crate) use self::frame::{
    AnswerShare, Budget, FrameError, MODEST_ANSWER, Received, read_frame,
};
pub(crate) use self::request::Frame;
pub(crate) use self::versions::{SERVED, Served, served};
