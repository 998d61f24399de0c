//! What only the embedded broker promises, or only it can be asked to do.

mod killed;
mod process;

pub(crate) use process::BrokerProcess;
