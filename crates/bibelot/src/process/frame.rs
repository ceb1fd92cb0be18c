//! The frame: what goes over the sockets between a program and its workers.
//!
//! A frame is the length of the rest in four bytes, what it says in one, and a body. Both ends are the
//! same program, so there are no versions to agree on, and the body needs no description of itself: it is
//! `postcard`, which is compact and keeps every value of `serde`'s model exactly.
//!
//! # Invariants
//!
//! - A frame longer than the receiver allows is refused before room is made for it.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{ProcessError, RemotePanic};

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Says {
    /// To a worker: run this function. The body is a [`Head`] and then the arguments.
    Call,
    /// From a worker: I take calls.
    Hello,
    /// From a worker: the arguments are understood, and the function is about to run.
    Begun,
    /// From a worker: this is the value.
    Value,
    /// From a worker: the function panicked. The body is what is known of it.
    Panicked,
    /// From a worker: the call cannot be carried out. The body is [`Refused`].
    Refused,
}

impl Says {
    const ALL: [Self; 6] = [
        Self::Call,
        Self::Hello,
        Self::Begun,
        Self::Value,
        Self::Panicked,
        Self::Refused,
    ];
}

/// The bytes of the length and of what the frame says.
pub(super) const HEAD_LEN: usize = 5;

/// How a call begins: which function, how many bytes its value may have.
pub(super) type Head = (u32, String, u64);

/// Why a worker refuses: whether it is the value, else the arguments; why; and if that is because it is too
/// large, how many bytes it has and how many it may have.
pub(super) type Refused = (bool, String, Option<(u64, u64)>);

/// One that came.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub says: Says,
    pub body: Vec<u8>,
}

/// A frame to be sent, its body still open.
pub(super) fn begin(says: Says) -> Vec<u8> {
    let mut bytes = vec![0; HEAD_LEN];
    bytes[HEAD_LEN - 1] = says as u8;
    bytes
}

/// Appends a value to a frame's body.
pub(super) fn put(bytes: Vec<u8>, value: &impl Serialize) -> Result<Vec<u8>, String> {
    postcard::to_extend(value, bytes).map_err(|error| error.to_string())
}

/// Closes a frame's body, which is at most `max` bytes; the length if it is more.
pub(super) fn end(mut bytes: Vec<u8>, max: usize) -> Result<Vec<u8>, usize> {
    let len = bytes.len() - HEAD_LEN;
    match u32::try_from(len + 1) {
        Ok(rest) if len <= max => {
            bytes[..HEAD_LEN - 1].copy_from_slice(&rest.to_le_bytes());
            Ok(bytes)
        }
        _ => Err(len),
    }
}

/// A frame without a body, or with a short one.
pub(super) fn short(says: Says, value: &impl Serialize) -> Vec<u8> {
    let bytes = put(begin(says), value).unwrap_or_else(|_| begin(says));
    end(bytes, usize::MAX).expect("what is said of a call is short")
}

/// The value that a whole body is.
pub(super) fn take<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    match take_front(body)? {
        (value, []) => Ok(value),
        (_, rest) => Err(format!("{} bytes are left over", rest.len())),
    }
}

/// The value that a body begins with, and the rest.
pub(super) fn take_front<T: DeserializeOwned>(body: &[u8]) -> Result<(T, &[u8]), String> {
    postcard::take_from_bytes(body).map_err(|error| error.to_string())
}

/// What a frame's first bytes say: what it says, and how long its body is.
pub(super) fn read_head(head: [u8; HEAD_LEN]) -> Result<(Says, usize), ProcessError> {
    let [a, b, c, d, says] = head;
    let rest = u32::from_le_bytes([a, b, c, d]);
    let says = Says::ALL.into_iter().find(|known| *known as u8 == says);
    let len = rest
        .checked_sub(1)
        .and_then(|len| usize::try_from(len).ok());
    match (says, len) {
        (Some(says), Some(len)) => Ok((says, len)),
        _ => Err(ProcessError::Broken("it sent no frame")),
    }
}

/// Frames out of bytes that come in pieces.
#[derive(Debug, Default)]
pub(super) struct Frames {
    bytes: Vec<u8>,
}

impl Frames {
    /// Puts what has arrived behind the rest.
    pub(super) fn put(&mut self, arrived: &[u8]) {
        self.bytes.extend_from_slice(arrived);
    }

    /// The next frame, if all of it is here; its body is at most `max` bytes.
    pub(super) fn next(&mut self, max: usize) -> Result<Option<Frame>, ProcessError> {
        let Some(head) = self.bytes.first_chunk::<HEAD_LEN>() else {
            return Ok(None);
        };
        let (says, len) = read_head(*head)?;
        if len > max {
            let what = "the value";
            return Err(ProcessError::TooLarge { what, len, max });
        }
        let whole = HEAD_LEN + len;
        if self.bytes.len() < whole {
            return Ok(None);
        }
        let behind = self.bytes.split_off(whole);
        let mut body = std::mem::replace(&mut self.bytes, behind);
        body.drain(..HEAD_LEN);
        Ok(Some(Frame { says, body }))
    }
}

/// The body that tells of a panic.
pub(super) fn panic_frame(panic: &RemotePanic) -> Vec<u8> {
    short(
        Says::Panicked,
        &(&panic.message, &panic.place, &panic.backtrace),
    )
}

/// What a body tells of a panic.
pub(super) fn to_panic(body: &[u8]) -> Result<RemotePanic, String> {
    let (message, place, backtrace) = take(body)?;
    Ok(RemotePanic {
        message,
        place,
        backtrace,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn frames_come_out_as_they_went_in_however_they_are_cut(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..8),
            cut in 1..50_usize,
        ) {
            let mut sent = Vec::new();
            for body in &bodies {
                sent.extend(end(put(begin(Says::Value), body).unwrap(), 1000).unwrap());
            }
            let (mut frames, mut came) = (Frames::default(), Vec::new());
            for piece in sent.chunks(cut) {
                frames.put(piece);
                while let Some(frame) = frames.next(1000).unwrap() {
                    prop_assert_eq!(frame.says, Says::Value);
                    came.push(take::<Vec<u8>>(&frame.body).unwrap());
                }
            }
            prop_assert_eq!(came, bodies);
            prop_assert!(frames.bytes.is_empty());
        }

        #[test]
        fn bytes_of_any_kind_are_frames_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut frames = Frames::default();
            frames.put(&bytes);
            while let Ok(Some(_)) = frames.next(50) {}
            let _ = to_panic(&bytes);
            let _ = take_front::<Head>(&bytes);
        }
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_before_it_is_here() {
        let mut frames = Frames::default();
        frames.put(&u32::MAX.to_le_bytes());
        frames.put(&[Says::Value as u8]);
        let error = frames.next(1 << 20).unwrap_err();
        assert!(matches!(error, ProcessError::TooLarge { .. }), "{error}");
        let body = put(begin(Says::Value), &[7_u8; 20]).unwrap();
        assert_eq!(end(body.clone(), 19), Err(20));
        assert!(end(body, 20).is_ok());
    }

    #[test]
    fn what_is_left_behind_a_value_is_an_error() {
        let bytes = put(Vec::new(), &(1_u8, 2_u8)).unwrap();
        assert_eq!(take::<(u8, u8)>(&bytes), Ok((1, 2)));
        assert!(take::<u8>(&bytes).is_err());
    }
}
