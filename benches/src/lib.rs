//! What the criterion programs read and store. Whole programs are in `programs`, beside this crate.

/// Facts as text, `n` of them.
pub fn facts(n: u32) -> String {
    (0..n).map(|i| format!("(edge node{} node{} {i})\n", i % 100, (i * 7) % 1000)).collect()
}

/// The Rust examples of the book are compiled and run as examples of this item.
#[cfg(doctest)]
#[doc = include_str!("../../docs/book/src/embedding.md")]
struct Embedding;

/// As for [`Embedding`].
#[cfg(doctest)]
#[doc = include_str!("../../docs/book/src/rholang.md")]
struct Rholang;

/// As for [`Embedding`].
#[cfg(doctest)]
#[doc = include_str!("../../docs/book/src/errors/E0412.md")]
struct Cancelled;

/// As for [`Embedding`].
#[cfg(doctest)]
#[doc = include_str!("../../docs/book/src/errors/E0413.md")]
struct OneThread;

/// As for [`Embedding`].
#[cfg(doctest)]
#[doc = include_str!("../../docs/book/src/errors/E0414.md")]
struct Shutdown;

/// As for [`Embedding`].
#[cfg(doctest)]
#[doc = include_str!("../../docs/book/src/errors/E0415.md")]
struct LocalSet;

/// As for [`Embedding`].
#[cfg(doctest)]
#[doc = include_str!("../../docs/book/src/errors/E0416.md")]
struct NoRuntime;

/// As for [`Embedding`].
#[cfg(doctest)]
#[doc = include_str!("../../docs/book/src/errors/E0509.md")]
struct HostPanic;
