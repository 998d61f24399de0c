//! Dead letters: listed, shown, redriven and discarded.

mod commands;
mod faults;
mod journal;
mod killed;
mod large;
mod redrive;
mod scene;
mod signals;
