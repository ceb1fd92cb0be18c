//! What frames see of each other on the path.

use super::*;

fn at(ns: u64) -> Instant {
    Instant::from_nanos(ns)
}

/// Counts its stamps, and runs bodies inside frames.
#[derive(Default)]
struct Stamps(Cell<u64>);

impl Stamps {
    fn next(&self) -> u64 {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }

    fn enter<R>(&self, path: &Path, frame: &mut Frame, now: u64, body: impl FnOnce() -> R) -> R {
        path.prepare(frame, at(now), || self.next());
        path.within(frame, body)
    }
}

#[test]
fn the_alarm_is_the_earliest_deadline_around() {
    let (path, stamps) = (Path::new(), Stamps::default());
    let [mut outer, mut inner, mut innermost] =
        [50, 90, 40].map(|deadline| Frame::new(Kind::Limit, at(deadline)));
    stamps.enter(&path, &mut outer, 0, || {
        stamps.enter(&path, &mut inner, 0, || {
            assert_eq!(path.alarm(), at(50));
            assert!(path.is_covered());
            stamps.enter(&path, &mut innermost, 0, || {
                assert_eq!(path.alarm(), at(40));
                assert!(!path.is_covered());
            });
            assert_eq!(path.alarm(), at(50));
        });
    });
    assert_eq!(path.alarm(), Instant::FAR);
    assert_eq!((outer.fired, inner.fired, innermost.fired), (0, 0, 0));
    stamps.enter(&path, &mut outer, 50, || {
        assert_eq!(path.alarm(), Instant::ZERO);
    });
    assert_ne!(outer.fired, 0);
}

#[test]
fn a_shield_ends_the_cover_of_a_limit() {
    let (path, stamps) = (Path::new(), Stamps::default());
    let mut outer = Frame::new(Kind::Limit, at(50));
    let mut shield = Frame::new(Kind::Shield, Instant::FAR);
    let mut inner = Frame::new(Kind::Limit, at(90));
    stamps.enter(&path, &mut outer, 0, || {
        stamps.enter(&path, &mut shield, 0, || {
            stamps.enter(&path, &mut inner, 0, || assert!(!path.is_covered()));
        });
    });
}

#[test]
fn a_limit_that_moves_takes_the_alarms_inside_along() {
    let (path, stamps) = (Path::new(), Stamps::default());
    let mut outer = Frame::new(Kind::Limit, at(50));
    let mut shield = Frame::new(Kind::Shield, Instant::FAR);
    let mut inner = Frame::new(Kind::Limit, at(90));
    let move_to = |id, deadline| path.move_limit(id, deadline, at(1), || 9);
    stamps.enter(&path, &mut outer, 0, || {
        stamps.enter(&path, &mut shield, 0, || {
            stamps.enter(&path, &mut inner, 0, || {
                assert_eq!(move_to(9, at(5)), Moved::Absent);
                assert_eq!(move_to(1, at(200)), Moved::Here);
                assert_eq!(path.alarm(), at(90));
                assert_eq!(move_to(3, Instant::FAR), Moved::Here);
                assert_eq!(path.alarm(), at(200));
                assert_eq!(move_to(3, at(1)), Moved::Fired);
                assert_eq!(path.alarm(), Instant::ZERO);
                assert_eq!(move_to(3, at(70)), Moved::Here);
            });
            assert_eq!(path.alarm(), at(200));
        });
        assert_eq!(path.alarm(), at(200));
    });
    assert_eq!((inner.fired, outer.deadline), (9, at(200)));
}

#[test]
fn what_is_changed_in_the_row_reaches_root_and_frames() {
    let (path, stamps) = (Path::new(), Stamps::default());
    path.begin(5);
    let mut limit = Frame::new(Kind::Limit, at(50));
    let mut branch = Frame::new(Kind::Branch, Instant::FAR);
    stamps.enter(&path, &mut limit, 0, || {
        path.change(|row| {
            assert_eq!(row.len(), 2);
            row[0].told_cancel = 3;
            row[1].silenced = true;
        });
        stamps.enter(&path, &mut branch, 0, || {
            path.look(|row| assert_eq!((row.len(), row[0].told_cancel), (3, 3)));
        });
    });
    assert!(limit.silenced);
    assert_eq!((branch.told_cancel, path.end()), (3, Some((0, 3, 0))));
    let told = path.end();
    path.begin(6);
    path.set_told(told);
    path.look(|row| assert_eq!((row.len(), row[0].told_cancel), (1, 3)));
    path.begin(7);
    assert_eq!(path.end(), None);
}
