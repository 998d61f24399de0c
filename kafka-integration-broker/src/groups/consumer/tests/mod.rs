//! The promises of the state machine, which is told the time, and of the task
//! that has one.

mod fixture;
mod handover;
mod joining;
mod leaving;
mod random;
mod restart;
mod serving;
mod subscribing;
