//! Crowds: lists that everybody is on, where looking through them for each would take minutes.

use std::io;
use std::task::Waker;

use bibelot_reactor::{Completion, Fd, VirtualFd};

use super::Direction;
use super::act::{Act, Alarm};
use super::read_side::Flow;
use super::table::{Key, Table};
use crate::config::Config;

const CROWD: usize = 200_000;

#[derive(Debug)]
struct Nothing;

impl VirtualFd for Nothing {
    fn id(&self) -> u64 {
        0
    }
}

fn crowd() -> (Table, Vec<Key>) {
    let mut table = Table::new(&Config::default());
    let fd = Fd::from_virtual(Box::new(Nothing));
    let keys = (0..CROWD).map(|_| table.adopt(fd.clone(), Flow::Bytes));
    let keys = keys.collect();
    (table, keys)
}

fn wakes(acts: &mut Vec<Act>) -> usize {
    acts.drain(..)
        .filter(|act| matches!(act, Act::Wake(_)))
        .count()
}

#[test]
fn a_crowd_of_starved_writers_is_on_the_list_once() {
    let (mut table, keys) = crowd();
    let mut acts = Vec::new();
    for _ in 0..3 {
        for &key in &keys {
            let (object, shared) = table.object_and_shared(key).unwrap();
            object.write.waiter.wait(None, Waker::noop().clone());
            object.write.starve(key, shared);
        }
    }
    assert_eq!(table.shared.starved.len(), CROWD);
    for &key in &keys {
        assert!(acts.is_empty());
        table.wake_starved(&mut acts);
        assert_eq!(wakes(&mut acts), 1);
        assert!(!table.object(key).unwrap().write.is_starved);
    }
    table.wake_starved(&mut acts);
    assert!(acts.is_empty() && table.shared.starved.is_empty());
}

#[test]
fn a_crowd_of_paused_flows_goes_on_one_by_one() {
    let (mut table, keys) = crowd();
    let mut acts = Vec::new();
    let pause = |table: &mut Table, acts: &mut Vec<Act>| {
        for &key in &keys {
            let (object, _) = table.object_and_shared(key).unwrap();
            if !object.read.waiter.is_taken() {
                object.read.waiter.wait(None, Waker::noop().clone());
            }
            let shortage = Err(io::Error::from_raw_os_error(23));
            let end = Completion::end(key.token(Direction::Read), shortage, None);
            table.settle(end, acts);
        }
        acts.clear();
    };
    pause(&mut table, &mut acts);
    // Each goes on by itself, the last first, and pauses again.
    for &key in keys.iter().rev() {
        table.alarm(Alarm::Resume(key), &mut acts);
    }
    assert_eq!(acts.len(), CROWD, "each is submitted");
    acts.clear();
    pause(&mut table, &mut acts);
    assert_eq!(table.shared.paused.len(), CROWD, "nobody is listed twice");
    // Half of them go on by themselves; a descriptor that is closed helps the first of the others.
    for &key in &keys[..CROWD / 2] {
        table.alarm(Alarm::Resume(key), &mut acts);
    }
    acts.clear();
    table.shared.freed = 1;
    table.after(keys[0], super::object::Ended::Stays, &mut acts);
    let helped = keys[CROWD / 2].token(Direction::Read);
    assert!(matches!(&acts[..], [Act::Submit(token, _)] if *token == helped));
    assert_eq!(table.shared.paused.len(), CROWD / 2 - 1);
}
