//! Raw sends: buffers that go without an outbox, cut in every way, and counted to the byte.

use std::io;
use std::time::Duration;

use bibelot::{AsCancelled, Cancellation, sleep, spawn, timeout_drop};
use bibelot_kernel::io::{RawSendError, RawSender};

use crate::cut::{Cut, storm};
use crate::leaks::{alone, descriptors};
use crate::rng::Rng;
use crate::run::{BACKENDS, everywhere};
use crate::writes::{raw_pair, slow_reader};

const LEN: usize = 1 << 20;

struct Source {
    sender: RawSender,
    bytes: Vec<u8>,
}

impl Source {
    /// Sends a piece of what was not sent, at most so much of it; how much that was. 0 when all was sent.
    async fn send(&self, len_max: usize, is_whole: bool) -> io::Result<usize> {
        let before = self.sender.settled().await??;
        let rest = &self.bytes[before as usize..];
        let piece = &rest[..rest.len().min(len_max)];
        if piece.is_empty() {
            return Ok(0);
        }
        let ended = if is_whole {
            self.sender.send_all(piece.to_vec()).await
        } else {
            self.sender.send(piece.to_vec()).await
        };
        match ended {
            Ok((count, rest)) => {
                assert!(count > 0 && (!is_whole || count == piece.len()));
                assert_eq!(self.sender.bytes_sent()?, before + count as u64);
                assert_eq!(*rest, piece[count..]);
                Ok(count)
            }
            Err(error) => {
                self.check_cut(before, piece, is_whole, &error)?;
                Err(error.into())
            }
        }
    }

    /// What a cut says of the bytes is what was counted, and its buffer holds the others.
    fn check_cut(
        &self,
        before: u64,
        piece: &[u8],
        is_whole: bool,
        error: &RawSendError,
    ) -> io::Result<()> {
        let Some(cut) = error.as_cancelled() else {
            return Ok(());
        };
        assert!(!cut.outcome_unknown(), "a send ends soon");
        let sent = error.sent();
        assert_eq!(cut.progress(), Some(sent as u64));
        assert!(sent == 0 || (is_whole && sent < piece.len()));
        assert_eq!(self.sender.bytes_sent()?, before + sent as u64);
        assert!(!self.sender.is_draining()?);
        Ok(())
    }
}

/// Sends everything under fire, in pieces of at most `len_max` bytes.
async fn sent_under_fire(cut: Cut, mut rng: Rng, len_max: usize, is_whole: bool) -> io::Result<()> {
    let (socket, callee) = raw_pair().await?;
    let bytes = rng.bytes(LEN);
    let reader = slow_reader(callee, rng.split());
    let sender = RawSender::new(socket);
    let mut source = Source { sender, bytes };
    loop {
        let len_max = 1 + rng.below(len_max);
        let sent;
        (source, sent) = storm(source, cut, &mut rng, move |source| {
            Box::pin(source.send(len_max, is_whole))
        })
        .await;
        if sent? == 0 {
            break;
        }
    }
    let Source { sender, bytes } = source;
    assert_eq!(sender.bytes_sent()?, LEN as u64);
    drop(sender);
    let got = reader.await.expect("it does not panic")?;
    assert!(got == bytes, "{} bytes of {LEN} came", got.len());
    Ok(())
}

#[test]
fn every_byte_that_a_raw_send_counted_arrives_once_and_no_other() {
    everywhere(|cut, rng| sent_under_fire(cut, rng, 200_000, false));
}

#[test]
fn a_raw_send_of_everything_that_is_cut_says_how_much_went() {
    everywhere(|cut, rng| sent_under_fire(cut, rng, LEN, true));
}

/// Sends that follow one another without a look at the count, each of bytes that say which it is.
struct Pieces {
    sender: RawSender,
    /// The byte and length of each, and how much of it went, if that was heard.
    log: Vec<(u8, usize, Option<usize>)>,
}

impl Pieces {
    /// Sends `len` bytes.
    async fn send(&mut self, len: usize) -> io::Result<()> {
        let byte = (self.log.len() % 251) as u8;
        self.log.push((byte, len, None));
        let ended = self.sender.send_all(vec![byte; len]).await;
        let sent = match &ended {
            Ok((sent, _)) => *sent,
            Err(error) => error.sent(),
        };
        self.log.last_mut().expect("it was pushed").2 = Some(sent);
        ended.map(drop).map_err(io::Error::from)
    }
}

#[test]
fn a_raw_send_after_one_that_was_dropped_begins_where_that_ended() {
    everywhere(async |cut, mut rng| {
        let (socket, callee) = raw_pair().await?;
        let reader = slow_reader(callee, rng.split());
        let sender = RawSender::new(socket);
        let log = Vec::new();
        let mut pieces = Pieces { sender, log };
        for _ in 0..60 {
            let len = 1 + rng.below(100_000);
            let sent;
            (pieces, sent) = storm(pieces, cut, &mut rng, move |pieces| {
                Box::pin(pieces.send(len))
            })
            .await;
            sent?;
        }
        let Pieces { sender, log } = pieces;
        let counted = sender.settled().await??;
        drop(sender);
        let got = reader.await.expect("it does not panic")?;
        assert_eq!(got.len() as u64, counted);
        let mut rest = &got[..];
        for (byte, len, sent) in log {
            let run = rest
                .iter()
                .take(len)
                .take_while(|&&got| got == byte)
                .count();
            assert!(sent.is_none_or(|sent| sent == run), "{run} of {sent:?}");
            rest = &rest[run..];
        }
        assert!(
            rest.is_empty(),
            "{} bytes came that nobody sent",
            rest.len()
        );
        Ok(())
    });
}

#[test]
fn a_raw_sender_that_is_dropped_with_a_send_under_way_sends_a_piece_from_the_front() {
    everywhere(async |cut, mut rng| {
        let (socket, callee) = raw_pair().await?;
        let bytes = rng.bytes(LEN);
        let reader = slow_reader(callee, rng.split());
        let sender = RawSender::new(socket);
        let all = bytes.clone();
        let sending = spawn(async move {
            let ended = sender.send_all(all).await;
            let counted = sender.bytes_sent();
            // It is dropped here, or with the task.
            drop(sender);
            ended.map_err(io::Error::from).and(counted)
        });
        sleep(rng.span() * 20).await?;
        let counted = match cut {
            Cut::Drop | Cut::DropCutFirst => {
                sending.abort();
                None
            }
            Cut::Hold => Some(sending.await.expect("nobody cancels it")?),
            Cut::Cancel | Cut::CancelTask => {
                sending.cancel().await?;
                match sending.await.expect("it hears and returns") {
                    Ok(counted) => Some(counted),
                    Err(error) => error.as_cancelled().and_then(Cancellation::progress),
                }
            }
        };
        let got = reader.await.expect("it does not panic")?;
        assert!(bytes.starts_with(&got));
        assert!(counted.is_none_or(|counted| counted == got.len() as u64));
        Ok(())
    });
}

#[test]
fn raw_senders_with_sends_under_way_leave_no_descriptor() {
    let _nobody_else_runs = alone();
    for backend in BACKENDS {
        let live = || {
            let Some(mut kernel) = backend.kernel() else {
                return false;
            };
            let kept = kernel.block_on(async {
                let mut kept = Vec::new();
                for n in 0..60 {
                    let (socket, callee) = raw_pair().await.expect("it connects");
                    let sender = RawSender::new(socket);
                    let mut sending = Box::pin(sender.send_all(vec![7; 8 << 20]));
                    let begun = timeout_drop(Duration::ZERO, &mut sending).await;
                    assert!(begun.is_err(), "nobody reads so much");
                    match n % 3 {
                        // An orphan, then a sender without one, then a send that outlives its kernel.
                        0 => drop((sending, sender)),
                        1 => drop(sender),
                        _ => kept.push((sending, sender, callee)),
                    }
                }
                kept
            });
            let report = kernel.shutdown();
            assert!(report.is_clean(), "{report:?}");
            drop(kept);
            true
        };
        // What is made once and kept for all kernels is made by the first.
        if !live() {
            continue;
        }
        let before = descriptors();
        live();
        assert_eq!(descriptors(), before, "on {}", backend.name);
    }
}
