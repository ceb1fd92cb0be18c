//! Bytes and records: each is read once, in order.

use std::io;

use bibelot::{Task, TcpStream, sleep, spawn};
use bibelot_reactor::Buf;

use crate::cut::storm;
use crate::rng::Rng;
use crate::run::{everywhere, pair};

const LEN: usize = 100_000;

/// Writes `bytes` in pieces, now and then waiting.
fn trickle(mut stream: TcpStream, bytes: Vec<u8>, mut rng: Rng) -> Task<io::Result<()>> {
    spawn(async move {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(rng.below(3_000).min(rest.len()));
            stream.write(piece).await?;
            rest = behind;
            if rng.below(2) == 0 {
                sleep(rng.span()).await?;
            }
        }
        stream.close().await
    })
}

#[test]
fn every_byte_is_received_once_whatever_cuts_the_read() {
    everywhere(async |cut, mut rng| {
        let (caller, callee) = pair().await?;
        let sent = rng.bytes(LEN);
        let writer = trickle(caller, sent.clone(), rng.split());
        let mut state = (callee, Vec::new());
        let mut got = Vec::new();
        loop {
            let read;
            (state, read) = match rng.below(3) {
                0 => {
                    storm(state, cut, &mut rng, |(stream, piece)| {
                        Box::pin(async {
                            piece.resize(1_000, 0);
                            let count = stream.read(piece).await?;
                            piece.truncate(count);
                            Ok(())
                        })
                    })
                    .await
                }
                1 => {
                    storm(state, cut, &mut rng, |(stream, piece)| {
                        Box::pin(async {
                            let chunk = stream.read_chunk().await?;
                            *piece = chunk.map_or(Vec::new(), Buf::into_vec);
                            Ok(())
                        })
                    })
                    .await
                }
                _ => {
                    storm(state, cut, &mut rng, |(stream, piece)| {
                        Box::pin(async {
                            let lent = stream.fill_buf().await?;
                            *piece = lent[..lent.len().min(100)].to_vec();
                            stream.consume(piece.len());
                            Ok(())
                        })
                    })
                    .await
                }
            };
            read?;
            if state.1.is_empty() {
                break;
            }
            got.append(&mut state.1);
        }
        assert!(got == sent);
        writer.await.expect("it does not panic")
    });
}

#[test]
fn every_record_is_read_once_whatever_cuts_the_exact_read() {
    everywhere(async |cut, mut rng| {
        let (caller, callee) = pair().await?;
        let mut records = Vec::new();
        let mut bytes = Vec::new();
        while bytes.len() < LEN {
            let len = match rng.below(10) {
                0 => rng.below(30_000),
                _ => rng.below(500),
            };
            let record = rng.bytes(len);
            bytes.extend((len as u32).to_be_bytes());
            bytes.extend(&record);
            records.push(record);
        }
        let writer = trickle(caller, bytes, rng.split());
        let mut state = (callee, Vec::new());
        for record in &records {
            for len in [4, record.len()] {
                state.1 = vec![0; len];
                let read;
                (state, read) = storm(state, cut, &mut rng, |(stream, piece)| {
                    Box::pin(stream.read_exact(piece))
                })
                .await;
                read?;
                if len == 4 && record.len() != 4 {
                    assert_eq!(state.1, (record.len() as u32).to_be_bytes());
                }
            }
            assert!(state.1 == *record);
        }
        writer.await.expect("it does not panic")
    });
}

#[test]
fn every_line_is_read_once_whatever_cuts_the_read() {
    everywhere(async |cut, mut rng| {
        let (caller, callee) = pair().await?;
        let mut bytes = rng.bytes(LEN);
        for byte in &mut bytes {
            // Beside the newlines of chance, so that lines of a few hundred bytes are the rule.
            if rng.below(200) == 0 {
                *byte = b'\n';
            }
        }
        let writer = trickle(caller, bytes.clone(), rng.split());
        let mut state = (callee, Vec::new());
        let mut got = Vec::new();
        loop {
            let read;
            (state, read) = storm(state, cut, &mut rng, |(stream, line)| {
                Box::pin(stream.read_line(line))
            })
            .await;
            let len = read?;
            if len == 0 {
                break;
            }
            let line = std::mem::take(&mut state.1);
            assert_eq!(line.len(), len);
            assert!(!line[..len - 1].contains(&b'\n'));
            got.extend(line);
        }
        assert!(got == bytes);
        writer.await.expect("it does not panic")
    });
}
