//! Everything that is tested from outside the crate.

mod allocations;
mod bad_inputs;
mod cli;
mod convolution;
mod deep;
mod examples;
mod fixture;
mod floors;
mod gradients;
mod house;
mod images;
mod mixup;
mod norms;
mod outputs;
mod places;
mod pytorch_activations;
mod pytorch_layers;
mod pytorch_losses;
mod pytorch_networks;
mod pytorch_optimizers;
mod pytorch_outputs;
mod pytorch_schedules;
mod ragged;
mod readme;
mod source;
mod threads;
