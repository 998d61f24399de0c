//! Dead letters: listed, shown, redriven and discarded.

mod commands;
mod faults;
mod killed;
mod redrive;
mod scene;
mod signals;
