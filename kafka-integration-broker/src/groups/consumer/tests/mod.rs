//! The promises of the state machine, told the time.

mod fixture;
mod handover;
mod joining;
mod leaving;
mod random;
mod restart;
mod subscribing;
