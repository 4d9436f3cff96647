//! Runs of whole programs through the public API.

#[cfg(test)]
mod batches;
#[cfg(test)]
mod common;
#[cfg(test)]
mod control;
#[cfg(test)]
mod forks;
#[cfg(test)]
mod here;
#[cfg(test)]
mod misuse;
#[cfg(test)]
mod programs;
mod threads;
