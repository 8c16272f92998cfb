//! Shapes, views into flat buffers, and random numbers that are a function of their place.

mod rng;
mod shape;
mod view;

pub use rng::{Key, Stream};
pub use shape::Shape;
pub use view::{Slot, View};
