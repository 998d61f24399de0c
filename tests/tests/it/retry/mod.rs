//! Messages that fail, and what becomes of them.

mod classes;
mod delay;
mod held_back;
mod hops;
mod levels;
mod liveness;
mod mixed;
mod notes;
mod ordered;
mod refused;
mod run;
mod topics;
