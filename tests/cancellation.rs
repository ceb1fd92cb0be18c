//! Cancellation against its specification: the worked examples, and random programs against a model.

#[path = "cancellation/examples.rs"]
mod examples;
#[path = "cancellation/groups.rs"]
mod groups;
#[path = "cancellation/model/mod.rs"]
mod model;
#[path = "cancellation/program.rs"]
mod program;
#[path = "cancellation/real.rs"]
mod real;
#[path = "cancellation/woken.rs"]
mod woken;
#[path = "cancellation/world.rs"]
mod world;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use program::{Features, programs};

/// How many programs a test runs; `BIBELOT_CASES` in the environment says otherwise, as `.ci/run` does.
const CASES: u32 = 1000;

fn agree(features: Features) {
    let asked = std::env::var("BIBELOT_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    let config = ProptestConfig {
        cases: asked.unwrap_or(CASES),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let result = TestRunner::new(config).run(&programs(features), |program| {
        let (expected, found) = (model::run(&program, None), real::run(&program));
        if expected == found {
            return Ok(());
        }
        let common = expected
            .iter()
            .zip(&found)
            .take_while(|(a, b)| a == b)
            .count();
        Err(TestCaseError::fail(format!(
            "after {common} events the model says {:#?}, the kernel {:#?}",
            &expected[common..],
            &found[common..]
        )))
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn limits_shields_and_requests_agree_with_the_model() {
    agree(Features {
        joins: false,
        foreign: false,
        lifting: false,
        levels: false,
        by_hand: false,
        ..Features::ALL
    });
}

#[test]
fn joins_of_both_kinds_agree_with_the_model() {
    agree(Features {
        foreign: false,
        lifting: false,
        levels: false,
        by_hand: false,
        ..Features::ALL
    });
}

#[test]
fn arms_with_wakers_of_their_own_agree_with_the_model() {
    agree(Features {
        woken: true,
        foreign: false,
        ..Features::ALL
    });
}

#[test]
fn everything_agrees_with_the_model() {
    agree(Features::ALL);
}

#[test]
fn programs_that_burn_time_agree_with_the_model() {
    agree(Features {
        requests: false,
        ..Features::ALL
    });
}

/// What several tasks would do at one instant is left out where there are groups.
const GROUPS: Features = Features {
    groups: true,
    joins: false,
    levels: false,
    moves: false,
    foreign: false,
    ..Features::ALL
};

#[test]
fn members_of_groups_agree_with_the_model() {
    // What members failed with and nobody took is told to the hook, many times over.
    bibelot::set_crash_hook(|_| ());
    agree(GROUPS);
}

#[test]
fn every_rule_left_out_of_the_model_is_missed() {
    bibelot::set_crash_hook(|_| ());
    tells(&model::Break::ALL, Features::ALL);
    tells(&model::Break::OF_GROUPS, GROUPS);
}

fn tells(broken: &[model::Break], features: Features) {
    let mut late = Vec::new();
    for &broken in broken {
        let mut runner = TestRunner::deterministic();
        let programs = programs(features);
        let first = (1..=1000).find(|_| {
            let program = programs.new_tree(&mut runner).expect("a program").current();
            model::run(&program, Some(broken)) != real::run(&program)
        });
        match first {
            Some(first) => println!("without {broken:?} program {first} tells"),
            None => late.push(broken),
        }
    }
    assert!(late.is_empty(), "no program tells: {late:?}");
}
