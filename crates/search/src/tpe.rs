//! The Tree-structured Parzen Estimator (Bergstra, Bardenet, Bengio and Kégl, "Algorithms for Hyper-Parameter
//! Optimization", NIPS 2011, section 4).
//!
//! Earlier trials are split into the good ones and the rest. l(x) is a density estimate of where the good ones lie and
//! g(x) of where the rest lie; the expected improvement of a point grows with l(x)/g(x) (their equation 7), so
//! candidates are drawn from l and the one with the largest ratio is proposed. Which estimates: `parzen`.

mod group;
mod kernel;
mod parzen;
mod split;

use crate::draws::{Draws, Purpose};
use crate::observation::{Goal, Observation, Outcome};
use crate::random;
use crate::space::{Point, Space, SpaceError};
use group::Group;
use parzen::Parzen;
use split::Split;

/// Points that were tried already are drawn again this often before a repetition is accepted.
const ATTEMPTS: u64 = 16;

/// How the estimator is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tpe {
    /// Trials are random until this many have ended (10, as in Optuna).
    pub startup: usize,
    /// How many candidates are drawn from l(x) (24, as in Optuna and hyperopt).
    pub candidates: usize,
}

impl Default for Tpe {
    fn default() -> Self {
        Self { startup: 10, candidates: 24 }
    }
}

impl Tpe {
    /// The point of `trial`: a pure function of the arguments, whatever the order of the observations. Those of
    /// `trial` itself and later ones are used like any other, so give what was known when the trial was decided.
    pub fn propose(
        &self,
        space: &Space,
        goal: Goal,
        seed: u64,
        trial: u64,
        observations: &[Observation],
    ) -> Result<Point, SpaceError> {
        let observations = sorted(space, observations)?;
        let ended = observations.iter().filter(|one| one.outcome != Outcome::Running).count();
        if ended < self.startup {
            return Ok(random::propose(space, seed, trial));
        }
        let models = models(space, goal, &observations);
        let tried = |point: &Point| observations.iter().any(|one| one.point == *point);
        let modelled = (0..ATTEMPTS).map(|attempt| self.draw(space, &models, seed, trial, attempt));
        // A small space may be used up around its best point: then anything new teaches more than a repetition.
        let others = (0..ATTEMPTS).map(|attempt| random::attempt(space, seed, trial, attempt));
        Ok(modelled
            .chain(others)
            .find(|point| !tried(point))
            .unwrap_or_else(|| self.draw(space, &models, seed, trial, 0)))
    }

    /// One point, group by group: which groups exist is decided by the values of the groups before them.
    fn draw(&self, space: &Space, models: &[Model<'_>], seed: u64, trial: u64, attempt: u64) -> Point {
        let mut point: Point = vec![None; space.parameters().len()];
        for model in models {
            let first = model.group.places[0];
            if space.is_active(first, &point) {
                let name = &space.parameters()[first].name;
                let mut draws = Draws::new(seed, trial, Purpose::Candidates, attempt, name);
                for (place, value) in
                    model.group.places.iter().zip(model.best_candidate(self.candidates, &mut draws))
                {
                    point[*place] = Some(value);
                }
            }
        }
        point
    }
}

/// The two densities of one group of parameters.
struct Model<'a> {
    group: Group,
    good: Parzen<'a>,
    rest: Parzen<'a>,
}

impl Model<'_> {
    /// Of `count` draws from l(x) the one with the largest l(x)/g(x).
    fn best_candidate(&self, count: usize, draws: &mut Draws) -> Vec<f64> {
        let mut candidate = || {
            let values = self.good.draw(draws);
            (self.good.log_density(&values) - self.rest.log_density(&values), values)
        };
        let first = candidate();
        let better =
            |best: (f64, Vec<f64>), other: (f64, Vec<f64>)| if other.0 > best.0 { other } else { best };
        (1..count).map(|_| candidate()).fold(first, better).1
    }
}

fn models<'a>(space: &'a Space, goal: Goal, observations: &[&Observation]) -> Vec<Model<'a>> {
    let split = Split::new(observations, goal);
    let model = |group: Group| Model {
        good: Parzen::new(space, &group, &split.good),
        rest: Parzen::new(space, &group, &split.rest),
        group,
    };
    Group::all(space).into_iter().map(model).collect()
}

/// The observations by trial number, checked.
fn sorted<'a>(space: &Space, observations: &'a [Observation]) -> Result<Vec<&'a Observation>, SpaceError> {
    let expected = space.parameters().len();
    let mut sorted: Vec<&Observation> = observations.iter().collect();
    sorted.sort_by_key(|one| one.trial);
    if let Some(one) = sorted.iter().find(|one| one.point.len() != expected) {
        return Err(SpaceError::Length { trial: one.trial, found: one.point.len(), expected });
    }
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0].trial == pair[1].trial) {
        return Err(SpaceError::Trial { trial: pair[0].trial });
    }
    Ok(sorted)
}
