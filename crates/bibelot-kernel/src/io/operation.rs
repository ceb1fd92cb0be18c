//! The operation: one owned op of one call, waited for, drained, or left as an orphan.
//!
//! Its future names the slot and nothing else. Asked to stop, it asks the reactor for an early end and
//! waits for the end that comes: a success that won the race is a success. Dropped, it leaves an orphan:
//! what that brings (a descriptor, a buffer) is dropped, which closes and frees it.

use std::fmt;
use std::io;
use std::task::Waker;

use bibelot_reactor::{Buf, Completion, Op as ReactorOp, OpKind, Outcome};
use bibelot_timer::{Instant, Key as TimerKey};

use super::act::{Act, Trash};
use super::table::{Key, Message as TableMessage};
use super::{Direction, wrong_kernel};
use crate::home::{self, KernelId};
use crate::record::Wait;
use crate::remote::{self, Message};
use crate::timers::disarm_from_anywhere;
use crate::trap::{Drained, Leave, Op, Park, Trap};

/// How an operation ended: its result, and the buffer that it owned.
pub type Ended = (io::Result<Outcome>, Option<Buf>);

/// The future of [`operate`].
pub type Operation = Trap<OperationOp>;

/// Does `op`, which ends once, and gives its result and the buffer it owned.
///
/// For flows use an [`Object`](super::Object).
///
/// # Errors
///
/// [`Cancelled`](crate::Cancelled) when it was asked to stop and has had no effect, or has not ended
/// within the kernel's drain limit: then
/// [`outcome_unknown`](crate::Cancellation::outcome_unknown) says so. The inner error is the world's, or
/// says [`WrongKernel`](super::WrongKernel) when it is polled away from the kernel that has it, which then
/// treats it as dropped.
///
/// # Panics
///
/// When polled without a kernel on this thread.
///
/// # Cancellation
///
/// The reactor is asked for an early end, and the end is awaited; an effect is returned as a success.
/// Dropped, the operation is asked to end early and goes on as an orphan, which owns its descriptor and
/// buffer.
#[track_caller]
pub fn operate(op: ReactorOp) -> Operation {
    Trap::new(OperationOp {
        stage: Stage::New(op),
        drain: None,
    })
}

/// An operation under way, as the table knows it.
pub(crate) struct OperationState {
    pub kind: OpKind,
    pub waker: Option<Waker>,
    pub end: Option<Completion>,
    /// Nobody waits for it any more.
    pub is_orphan: bool,
}

impl OperationState {
    pub(crate) fn new(kind: OpKind, waker: Waker) -> Self {
        Self {
            kind,
            waker: Some(waker),
            end: None,
            is_orphan: false,
        }
    }
}

/// One operation of one call.
pub struct OperationOp {
    stage: Stage,
    drain: Option<Drain>,
}

enum Stage {
    New(ReactorOp),
    Submitted {
        kernel: KernelId,
        key: Key,
        kind: OpKind,
    },
    Over,
}

/// An early end was asked for.
struct Drain {
    until: Instant,
    timer: Option<TimerKey>,
}

impl OperationOp {
    fn take_end(&mut self) -> Option<Ended> {
        let Stage::Submitted { kernel, key, .. } = self.stage else {
            return None;
        };
        let end = home::with_kernel(kernel, |core| {
            core.with_io(|io, acts| io.take_end(key, acts))
        });
        let end = end.flatten()?;
        self.stage = Stage::Over;
        self.disarm(kernel);
        Some((end.result, end.buf))
    }

    fn disarm(&mut self, kernel: KernelId) {
        if let Some(timer) = self.drain.as_mut().and_then(|drain| drain.timer.take()) {
            disarm_from_anywhere(kernel, timer);
        }
    }

    fn abandon(&mut self) {
        let Stage::Submitted { kernel, key, .. } = self.stage else {
            return;
        };
        self.stage = Stage::Over;
        self.disarm(kernel);
        let here = home::with_kernel(kernel, |core| {
            core.with_io(|io, acts| io.abandon(key, acts));
        });
        if here.is_none() {
            remote::send(kernel, Message::Io(TableMessage::AbandonOperation(key)));
        }
    }
}

impl Op for OperationOp {
    type Out = Ended;

    fn take(&mut self) -> Option<Ended> {
        self.take_end()
    }

    fn park(&mut self, waker: &Waker) -> Park<Ended> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::New(op) => {
                let kind = op.kind();
                home::expect("an operation", |core| {
                    let waker = waker.clone();
                    let key = core.with_io(|io, acts| io.begin(op, waker, acts));
                    self.stage = Stage::Submitted {
                        kernel: core.id,
                        key,
                        kind,
                    };
                });
            }
            Stage::Submitted { kernel, key, kind } => {
                self.stage = Stage::Submitted { kernel, key, kind };
                let here = home::with_kernel(kernel, |core| {
                    // Cloned and dropped outside the borrow: both may be code of users.
                    let mut newer = Some(waker.clone());
                    core.with_io(|io, acts| {
                        if let Some(state) = io.operation(key)
                            && state.end.is_none()
                            && let Some(newer) = newer.take()
                        {
                            let old = state.waker.replace(newer);
                            acts.extend(old.map(|old| Act::Drop(Trash::Waker(old))));
                        }
                    });
                    if let Some(drain) = &mut self.drain {
                        drain.timer = Some(core.arm(drain.timer, drain.until, waker));
                    }
                });
                if here.is_none() {
                    // Its end comes to its own kernel, so nobody would ever wake this one.
                    self.abandon();
                    return Park::Ended((Err(wrong_kernel()), None));
                }
            }
            Stage::Over => {}
        }
        match self.take_end() {
            Some(end) => Park::Ended(end),
            None => Park::Waits,
        }
    }

    fn leave(&mut self) -> Leave<Ended> {
        let Stage::Submitted { kernel, key, .. } = self.stage else {
            return Leave::Left;
        };
        home::with_kernel(kernel, |core| {
            let token = key.token(Direction::Read);
            core.with_io(|_, acts| acts.push(Act::Cancel(token)));
            let until = core.now() + core.config.drain_limit;
            self.drain = Some(Drain { until, timer: None });
        });
        // Away from its kernel what comes of it is not known.
        Leave::Draining
    }

    fn drained(&mut self) -> Drained<Ended> {
        if let Some(end) = self.take_end() {
            let (result, buf) = end;
            return match result {
                Err(error) if is_cancelled(&error) => Drained::NoEffect,
                result => Drained::Done((result, buf)),
            };
        }
        let Stage::Submitted { kernel, .. } = self.stage else {
            return Drained::Unknown;
        };
        let drain = self.drain.as_ref();
        let has_time = home::with_kernel(kernel, |core| {
            drain.is_some_and(|drain| core.now() < drain.until)
        });
        // Away from its kernel its end is never heard of.
        if has_time.unwrap_or(false) {
            return Drained::Running;
        }
        self.abandon();
        Drained::Unknown
    }

    fn wait(&self) -> Wait {
        match self.stage {
            Stage::Submitted { kind, .. } => reason(kind),
            _ => Wait::Io,
        }
    }
}

impl Drop for OperationOp {
    fn drop(&mut self) {
        self.abandon();
    }
}

impl fmt::Debug for OperationOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stage {
            Stage::New(op) => f.debug_tuple("Operation").field(&op.kind()).finish(),
            Stage::Submitted { kind, .. } => f.debug_tuple("Operation").field(kind).finish(),
            Stage::Over => f.write_str("Operation(over)"),
        }
    }
}

fn is_cancelled(error: &io::Error) -> bool {
    error.raw_os_error() == bibelot_reactor::cancelled().raw_os_error()
}

fn reason(kind: OpKind) -> Wait {
    match kind {
        OpKind::Accept => Wait::Accept,
        OpKind::Connect => Wait::Connect,
        OpKind::Receive | OpKind::ReceiveInto | OpKind::ReadAt => Wait::Read,
        OpKind::Send | OpKind::WriteAt | OpKind::Sync => Wait::Write,
        OpKind::Close => Wait::Close,
        OpKind::Resolve => Wait::Resolve,
        OpKind::Job => Wait::Thread,
        OpKind::Spawn => Wait::Process,
        _ => Wait::Io,
    }
}
