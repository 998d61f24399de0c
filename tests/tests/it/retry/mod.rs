//! Messages that fail, and what becomes of them.

mod classes;
mod collisions;
mod delay;
mod held_back;
mod hops;
mod levels;
mod liveness;
mod lost;
mod mixed;
mod notes;
mod ordered;
mod refused;
mod run;
mod starved;
mod stops;
mod texts;
mod topics;
