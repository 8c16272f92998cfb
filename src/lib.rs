//! `backprop` trains, evaluates and runs neural networks by back-propagation.
//!
//! # The house
//!
//! Each floor imports only from lower ones; `tests/suite/floors.rs` fails on an upward import.
//!
//! | floor | folder | what lives there |
//! | --- | --- | --- |
//! | 8 | [`cli`] | one file a subcommand; the only place that prints or exits |
//! | 7 | [`train`] | trainer, evaluator, predictor: a checked config at work |
//! | 6 | [`config`] | raw text to checked `Config` |
//! | 5 | [`layers`] | what a config names; each lowers itself to ops and holds no maths |
//! | 5 | [`checkpoint`] | files of a run: models, checkpoints, metrics, locks |
//! | 4 | [`graph`] | `Graph`, gradient order, memory `Plan`, running a `Plan` |
//! | 3 | [`ops`] | one op, one file: shapes, forward, backward; the losses among them |
//! | 3 | [`optim`], [`schedule`], [`init`], [`metrics`] | update rules, learning rates, first weights, figures |
//! | 2 | [`backend`] | the primitives an op may call; `cpu` implements them |
//! | 2 | [`data`] | table, schema, encoders, batches; knows nothing of networks |
//! | 1 | [`tensor`], [`spec`] | shapes, views, counter-based random numbers; keys of a config |
//! | 0 | [`error`] | what went wrong, where, and how to mend it |

pub mod error;

pub mod spec;
pub mod tensor;

pub mod backend;
pub mod data;

pub mod init;
pub mod metrics;
pub mod ops;
pub mod optim;
pub mod schedule;

pub mod graph;

pub mod checkpoint;
pub mod layers;

pub mod config;
pub mod train;

pub mod cli;
