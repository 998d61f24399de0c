//! What only the embedded broker promises, or only it can be asked to do.

mod killed;
mod on_purpose;
mod process;

pub(crate) use process::BrokerProcess;
