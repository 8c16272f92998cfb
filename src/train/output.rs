//! One output of a model: its targets, its loss, and where it stands in the graph.

use std::ops::Range;

use crate::config::{self, Config};
use crate::data::{StepTargets, Table, TargetGroup, TargetGroups, Targets};
use crate::error::{Code, Error, Result};
use crate::layers::{self, Port};
use crate::spec::Choice;
use crate::train::Head;

/// What a model predicts with one loss.
#[derive(Clone, Debug)]
pub struct Output {
    /// What files and figures call it.
    pub name: String,
    /// What is predicted.
    pub targets: Targets,
    /// The loss and the meaning of the raw output.
    pub head: Head,
    /// What its loss counts in the total.
    pub weight: f64,
    /// Its part of a row of a table's target.
    pub columns: Range<usize>,
    /// Its number among the outputs with a target for each step, if it is one.
    step_column: usize,
    /// A weight for each class, where there are some.
    pub(super) class_weights: Option<Vec<f32>>,
    /// The layer or input that its layer reads; `None`: the last layer.
    input: Option<String>,
    /// Whether its layer has the weight of the embedding.
    tied: bool,
}

impl Output {
    /// The outputs of `config` for fitted targets, in their order, with `class_weights` of each or none at all.
    ///
    /// # Errors
    /// `Code::Usage` for losses that do not fit their targets, and where one loss is named for several outputs;
    /// `Code::Model` where the config has other outputs than `targets`, as that of a damaged file may.
    pub(super) fn all(
        config: &Config,
        targets: &TargetGroups,
        class_weights: &[Option<Vec<f32>>],
    ) -> Result<Vec<Output>> {
        let named = &config.model.outputs;
        if !named.is_empty() && named.len() != targets.len() {
            return Err(Error::model("the model's config", "its outputs are not those of its preprocessing")
                .help("train the model again"));
        }
        if targets.len() > 1 && config.train.loss.is_some() {
            let names: Vec<String> = targets.iter().map(|(group, _)| group.name.clone()).collect();
            let problem = config::one_loss_for_several(&names);
            return Err(Error::new(
                Code::Usage,
                crate::error::Problem { place: "train.loss".into(), ..problem },
            ));
        }
        let mut with_steps = 0;
        let one = |(i, (group, columns)): (usize, (&TargetGroup, Range<usize>))| {
            let own = named.get(i);
            let loss = loss_of(config, own);
            let key = own.filter(|o| o.loss.is_some()).map_or("train.loss".to_owned(), |o| o.key("loss"));
            let head = Head::new(&group.targets, loss, &key)?;
            let step_column = with_steps;
            with_steps += usize::from(head.has_steps());
            Ok(Output {
                name: group.name.clone(),
                targets: group.targets.clone(),
                head,
                weight: own.map_or(1.0, |o| o.weight),
                columns,
                step_column,
                class_weights: class_weights.get(i).cloned().flatten(),
                input: own.and_then(|o| o.input.clone()),
                tied: config.model.tie_weights,
            })
        };
        targets.iter().enumerate().map(one).collect()
    }

    /// What the graph gets of it; `several`: whether it has a name there; `mixed`: whether rows are mixed in training.
    pub(super) fn layer(&self, several: bool, mixed: bool) -> layers::OutputLayer {
        let weights = self.class_weights.as_ref().filter(|_| self.head.weighs_classes());
        layers::OutputLayer {
            name: several.then(|| self.name.clone()),
            input: self.input.clone(),
            mixed,
            steps: self.head.has_steps(),
            tied: self.tied,
            output: layers::Output {
                loss: self.head.loss,
                loss_values: self.head.values.clone(),
                outputs: self.head.outputs,
                class_weights: weights.map(|w| w.iter().map(|&w| f64::from(w)).collect()),
            },
        }
    }

    /// Its numbers in row `row` of `table`.
    pub(super) fn target<'t>(&self, table: &'t Table, row: u32) -> &'t [f32] {
        &table.target_row(row)[self.columns.clone()]
    }

    /// Its numbers in row `row` of `table` in their own unit and in 64 bits, where they are numbers of the data.
    pub(super) fn truth<'t>(&self, table: &'t Table, row: u32) -> &'t [f64] {
        &table.truth_row(row)[self.columns.clone()]
    }

    /// Its targets of the steps of rows, where it has one for each.
    pub(super) fn steps<'t>(&self, table: &'t Table) -> Option<StepTargets<'t>> {
        table.step_targets(self.step_column).filter(|_| self.head.has_steps())
    }

    /// What the class of a row counts; 1 without class weights.
    pub(super) fn class_weight(&self, table: &Table, row: u32) -> f32 {
        self.class_weights.as_ref().map_or(1.0, |w| w[self.target(table, row)[0] as usize])
    }

    /// What the classes of a row count together: of all its steps, or of the one that it has.
    pub(super) fn classes_weight(&self, table: &Table, row: u32) -> f64 {
        match (self.steps(table), &self.class_weights) {
            (None, _) => f64::from(self.class_weight(table, row)),
            (Some(steps), None) => steps.count(row) as f64,
            (Some(steps), Some(weights)) => {
                steps.of(row).map(|class| f64::from(weights[class as usize])).sum()
            }
        }
    }

    /// The summed weight of each of `classes` classes among these rows, or among their steps.
    pub(super) fn class_counts(&self, table: &Table, rows: &[u32], classes: usize) -> Vec<f64> {
        let Some(steps) = self.steps(table) else {
            return table.class_counts(rows, self.columns.start, classes);
        };
        let mut sums = vec![0.0; classes];
        let mut weight = [1.0];
        for &row in rows {
            table.weight(&[row], &mut weight);
            steps.of(row).for_each(|class| sums[class as usize] += f64::from(weight[0]));
        }
        sums
    }

    /// Classes, or the columns of the targets.
    pub(super) fn names(&self) -> Vec<String> {
        match self.targets.classes() {
            Some(classes) => classes.to_vec(),
            None => self.targets.names().into_iter().map(str::to_owned).collect(),
        }
    }
}

/// The loss that a config names for one of its outputs, or for the only one.
pub(super) fn loss_of<'c>(config: &'c Config, output: Option<&'c config::Output>) -> Option<&'c Choice> {
    output.and_then(|o| o.loss.as_ref()).or(config.train.loss.as_ref())
}

/// An output in the graph, and how its rows are weighed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub port: Port,
    /// What the weights of the rows of this step are divided by.
    pub total: f64,
}
