//! The world of a program: waits with their bells, a model beside them, and the checks of every step.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use proptest::prelude::*;

/// One step of a program. Numbers pick among what there is, modulo its count.
#[derive(Clone, Debug)]
pub enum Step {
    /// Begins a wait of a kind and polls it once.
    Begin(u8),
    /// Polls a wait, woken or not.
    Poll(u8),
    /// Polls a wait with another waker.
    Move(u8),
    /// Ends a wait early.
    Cut(u8),
    /// Lets go of what an ended wait got.
    LetGo(u8),
    /// Does something that never waits.
    Act(u8),
    /// Polls all that were woken.
    Settle,
    /// The next wake acts, in the middle of being woken.
    Arm(u8),
    /// The next wake cuts a wait, in the middle of being woken, by beginning and dropping one.
    ArmVisit(u8),
    /// The next wake panics.
    ArmPanic,
}

/// Steps from pairs of bytes, which are cheap to draw and shrink well.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = any::<(u8, u8)>().prop_map(|(what, pick)| match what % 32 {
        0..6 => Step::Begin(pick),
        6..10 => Step::Poll(pick),
        10 => Step::Move(pick),
        11..14 => Step::Cut(pick),
        14..18 => Step::LetGo(pick),
        18..26 => Step::Act(pick),
        26..28 => Step::Settle,
        28 => Step::Arm(pick),
        29..31 => Step::ArmVisit(pick),
        _ => Step::ArmPanic,
    });
    prop::collection::vec(step, 1..80)
}

/// What came out of a wait or an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Out {
    Done,
    Item(u32),
    /// Refused, and what was lent came back.
    Back(u32),
    Closed,
    No,
}

pub trait Guard {}
impl<T> Guard for T {}

/// How a wait ended, with the guard that it gave, if it gave one.
pub type Ended<'a> = (Out, Option<Box<dyn Guard + 'a>>);

/// A wait in progress.
pub trait Wait<'a> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended<'a>>;

    /// Ends it early, and says what it gave back.
    fn cut(self: Box<Self>) -> Out;
}

pub type Waiting<'a> = Box<dyn Wait<'a> + 'a>;

/// A future with the reading of its output; cut by being dropped.
struct Of<F, R>(F, R);

impl<'a, F, R> Wait<'a> for Of<F, R>
where
    F: Future + Unpin,
    R: FnMut(F::Output) -> Ended<'a>,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended<'a>> {
        Pin::new(&mut self.0).poll(cx).map(&mut self.1)
    }

    fn cut(self: Box<Self>) -> Out {
        Out::No
    }
}

pub fn waiting<'a, F, R>(future: F, read: R) -> Option<Waiting<'a>>
where
    F: Future + Unpin + 'a,
    R: FnMut(F::Output) -> Ended<'a> + 'a,
{
    Some(Box::new(Of(future, read)))
}

pub fn guarded<'a>(guard: impl Guard + 'a) -> Ended<'a> {
    (Out::Done, Some(Box::new(guard)))
}

/// A call that may or may not be one step.
#[derive(Clone, Copy, Debug)]
pub enum Call {
    Begin(u8),
    Act(u8),
}

/// A primitive under the harness. Clones are handles to the same one.
pub trait Subject: Clone + 'static {
    type Model: Model;

    /// Whether dropping a wait changes one state; if not, wakers are not to look in between.
    const CUT_IS_ONE_STEP: bool = true;

    /// Whether this call changes and tells one state, so that it has its place in an order of calls.
    fn is_one_step(what: Call) -> bool {
        let _ = what;
        true
    }

    fn new(setting: u8) -> (Self, Self::Model);

    /// Begins a wait; `None` if that cannot be done now. What it is to give away is `id`.
    fn begin(&self, kind: u8, id: u32) -> Option<Waiting<'_>>;

    /// Does what never waits; what it gives away is `id`.
    fn act(&self, act: u8, id: u32) -> Out;

    /// Whether a newcomer of this kind would be served without waiting, by its public face.
    fn is_open(&self, kind: u8) -> bool;

    /// Called when all waits were cut and all was let go.
    fn check_end(&self, model: &Self::Model);
}

/// What is to be, by rules.
pub trait Model: 'static {
    /// `None` if it cannot begin; `Some(None)` if it waits.
    fn begin(&mut self, kind: u8, id: u32) -> Option<Option<Out>>;
    fn poll(&mut self, id: u32) -> Option<Out>;
    fn cut(&mut self, id: u32) -> Out;
    fn let_go(&mut self, id: u32);
    fn act(&mut self, act: u8, id: u32) -> Out;
    /// Those that were served and do not know yet.
    fn served(&self) -> BTreeSet<u32>;
    /// The kind of a wait in progress.
    fn kind(&self, id: u32) -> u8;
}

type Callback = Box<dyn FnOnce()>;

/// What the waker that panics on purpose says.
const PURPOSE: &str = "on purpose";

thread_local! {
    /// A failed check in a waker, whose panic the primitive contains.
    static FAILED: Cell<bool> = const { Cell::new(false) };
    static RUNG: RefCell<Vec<(u32, u32)>> = const { RefCell::new(Vec::new()) };
    static ARMED: RefCell<Option<Callback>> = const { RefCell::new(None) };
}

/// The waker of one wait; `of` tells it from those that the wait had before.
struct Bell {
    id: u32,
    of: u32,
}

fn bell(id: u32, of: u32) -> Waker {
    Waker::from(Arc::new(Bell { id, of }))
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        RUNG.with_borrow_mut(|rung| rung.push((self.id, self.of)));
        if let Some(callback) = ARMED.take() {
            let result = catch_unwind(AssertUnwindSafe(callback));
            if let Err(payload) = result {
                let on_purpose = payload.downcast_ref() == Some(&PURPOSE);
                FAILED.set(FAILED.get() || !on_purpose);
                resume_unwind(payload);
            }
        }
    }
}

/// A wait with its present waker.
struct Going<'s> {
    wait: Waiting<'s>,
    waker: Waker,
    of: u32,
}

struct World<'s, P: Subject> {
    subject: &'s P,
    model: Rc<RefCell<P::Model>>,
    waits: BTreeMap<u32, Going<'s>>,
    held: Vec<(u32, Box<dyn Guard + 's>)>,
    woken: BTreeSet<u32>,
    log: Vec<Out>,
    next: Rc<RefCell<u32>>,
}

/// Runs a program and returns what came out of it.
pub fn run<P: Subject>(setting: u8, program: &[Step]) -> Vec<Out> {
    FAILED.set(false);
    RUNG.take();
    ARMED.take();
    let (subject, model) = P::new(setting);
    let mut world = World {
        subject: &subject,
        model: Rc::new(RefCell::new(model)),
        waits: BTreeMap::new(),
        held: Vec::new(),
        woken: BTreeSet::new(),
        log: Vec::new(),
        next: Rc::default(),
    };
    for step in program {
        world.step(step);
        world.check();
    }
    world.end()
}

fn fresh(next: &RefCell<u32>) -> u32 {
    *next.borrow_mut() += 1;
    *next.borrow()
}

impl<'s, P: Subject> World<'s, P> {
    fn step(&mut self, step: &Step) {
        match *step {
            Step::Begin(kind) => self.begin(kind),
            Step::Poll(pick) => self.on_wait(pick, Self::poll),
            Step::Move(pick) => self.on_wait(pick, |world, id| {
                let going = world.waits.get_mut(&id).expect("picked");
                going.of += 1;
                going.waker = bell(id, going.of);
                world.poll(id);
            }),
            Step::Cut(pick) => self.on_wait(pick, Self::cut),
            Step::LetGo(pick) => {
                if !self.held.is_empty() {
                    let (id, guard) = self.held.remove(pick as usize % self.held.len());
                    self.model.borrow_mut().let_go(id);
                    drop(guard);
                }
            }
            Step::Act(act) => {
                let out = act_on(self.subject, &self.model, &self.next, act);
                self.log.push(out);
            }
            Step::Settle => {
                for id in self.woken.clone() {
                    self.poll(id);
                }
            }
            Step::Arm(act) => {
                let (subject, model) = (self.subject.clone(), self.model.clone());
                let next = self.next.clone();
                arm(move || {
                    act_on(&subject, &model, &next, act);
                });
            }
            Step::ArmVisit(kind) => {
                let (subject, model) = (self.subject.clone(), self.model.clone());
                let next = self.next.clone();
                arm(move || visit(&subject, &model, &next, kind));
            }
            Step::ArmPanic => arm(|| resume_unwind(Box::new(PURPOSE))),
        }
    }

    fn on_wait(&mut self, pick: u8, body: impl FnOnce(&mut Self, u32)) {
        if self.waits.is_empty() {
            return;
        }
        let id = *self
            .waits
            .keys()
            .nth(pick as usize % self.waits.len())
            .expect("in range");
        body(self, id);
    }

    fn begin(&mut self, kind: u8) {
        let id = fresh(&self.next);
        let expected = self.model.borrow_mut().begin(kind, id);
        let wait = self.subject.begin(kind, id);
        assert_eq!(wait.is_some(), expected.is_some(), "a wait could not begin");
        let (Some(mut wait), Some(expected)) = (wait, expected) else {
            return;
        };
        let (waker, of) = (bell(id, 0), 0);
        let end = wait.poll(&mut Context::from_waker(&waker));
        self.waits.insert(id, Going { wait, waker, of });
        self.ended(id, end, expected);
    }

    fn poll(&mut self, id: u32) {
        let expected = self.model.borrow_mut().poll(id);
        self.woken.remove(&id);
        let going = self.waits.get_mut(&id).expect("it is in progress");
        let end = going.wait.poll(&mut Context::from_waker(&going.waker));
        self.ended(id, end, expected);
    }

    fn ended(&mut self, id: u32, end: Poll<Ended<'s>>, expected: Option<Out>) {
        let Poll::Ready((out, guard)) = end else {
            assert_eq!(expected, None, "{id} still waits");
            return;
        };
        assert_eq!(Some(out), expected, "how {id} ended");
        self.waits.remove(&id);
        self.log.push(out);
        self.held.extend(guard.map(|guard| (id, guard)));
    }

    fn cut(&mut self, id: u32) {
        if !P::CUT_IS_ONE_STEP {
            ARMED.take();
        }
        let expected = self.model.borrow_mut().cut(id);
        let going = self.waits.remove(&id).expect("it is in progress");
        assert_eq!(going.wait.cut(), expected, "what a cut wait gave back");
        self.woken.remove(&id);
    }

    fn check(&mut self) {
        assert!(!FAILED.get(), "a check failed in a waker, see above");
        for (id, of) in RUNG.take() {
            // A waker that was left behind reaches nobody.
            if self.waits.get(&id).is_some_and(|going| going.of == of) {
                self.woken.insert(id);
            }
        }
        self.woken.retain(|id| self.waits.contains_key(id));
        let model = self.model.borrow();
        assert_eq!(self.woken, model.served(), "who is awake");
        for id in self.waits.keys().filter(|id| !self.woken.contains(id)) {
            let kind = model.kind(*id);
            assert!(!self.subject.is_open(kind), "{id} sleeps for nothing");
        }
    }

    fn end(mut self) -> Vec<Out> {
        ARMED.take();
        while !self.waits.is_empty() || !self.held.is_empty() {
            self.on_wait(0, Self::cut);
            self.step(&Step::LetGo(0));
            self.check();
        }
        self.subject.check_end(&self.model.borrow());
        self.log
    }
}

fn arm(callback: impl FnOnce() + 'static) {
    ARMED.set(Some(Box::new(callback)));
}

fn act_on<P: Subject>(subject: &P, model: &RefCell<P::Model>, next: &RefCell<u32>, act: u8) -> Out {
    let id = fresh(next);
    let expected = model.borrow_mut().act(act, id);
    let out = subject.act(act, id);
    assert_eq!(out, expected, "what came out of act {act}");
    out
}

/// Comes, and leaves if it has to wait.
fn visit<P: Subject>(subject: &P, model: &RefCell<P::Model>, next: &RefCell<u32>, kind: u8) {
    let id = fresh(next);
    let expected = model.borrow_mut().begin(kind, id);
    let Some(mut wait) = subject.begin(kind, id) else {
        assert_eq!(expected, None);
        return;
    };
    match wait.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready((out, guard)) => {
            assert_eq!(Some(Some(out)), expected);
            if let Some(guard) = guard {
                model.borrow_mut().let_go(id);
                drop(guard);
            }
        }
        Poll::Pending => {
            assert_eq!(expected, Some(None));
            let expected = model.borrow_mut().cut(id);
            assert_eq!(wait.cut(), expected);
        }
    }
}
