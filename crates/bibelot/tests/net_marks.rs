//! The marks: how much is taken from writers, of one stream and of all.

use std::io;
use std::rc::Rc;

use bibelot::{Backend, Builder, Kernel, TcpListener, TcpStream, spawn, yield_now};
use bibelot_sim::Sim;

/// The two ends of new connections.
async fn pairs(count: usize) -> io::Result<Vec<(TcpStream, TcpStream)>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let mut pairs = Vec::new();
    for _ in 0..count {
        let caller = TcpStream::connect(address).await?;
        pairs.push((caller, listener.accept().await?.0));
    }
    Ok(pairs)
}

/// Runs `body` on every backend that there is.
fn everywhere(make: impl Fn(Builder) -> Builder, body: impl AsyncFn() -> io::Result<()>) {
    for builder in [
        Kernel::builder().backend(Backend::Uring),
        Kernel::builder().backend(Backend::Poll),
        Kernel::builder().backend(Sim::new(7)),
    ] {
        match make(builder).build() {
            Ok(mut kernel) => kernel.block_on(body()).unwrap(),
            Err(error) => eprintln!("skipped: {error}"),
        }
    }
}

/// Writes until nothing more is taken.
async fn fill(stream: &mut TcpStream) -> io::Result<()> {
    let mut stuck = 0;
    while stuck < 100 {
        stuck = match stream.push(&[7; 1_000]) {
            Ok(()) => 0,
            Err(_) => stuck + 1,
        };
        yield_now().await?;
        if stuck > 90 {
            bibelot::sleep(std::time::Duration::from_millis(1)).await?;
        }
    }
    Ok(())
}

#[test]
fn writers_share_what_peers_who_never_read_leave() {
    let marks = |builder: Builder| {
        builder
            .write_marks(64_000, 16_000)
            .write_mark_of_kernel(400_000)
            // Longer than Linux may put an acknowledgement off, which a close waits for.
            .linger(std::time::Duration::from_millis(500))
    };
    everywhere(marks, async || {
        // These hold nearly all that the kernel takes, for good.
        let mut stuck = pairs(6).await?;
        for (caller, _) in &mut stuck {
            fill(caller).await?;
        }
        let held: u64 = stuck
            .iter()
            .map(|(caller, _)| caller.bytes_written().unwrap() - caller.bytes_sent().unwrap())
            .sum();
        assert!(held > 350_000, "{held} bytes");
        let bytes = Rc::new(vec![7; 500_000]);
        let mut writers = Vec::new();
        for (mut caller, mut callee) in pairs(5).await? {
            let bytes = bytes.clone();
            writers.push(spawn(async move {
                let writer = spawn(async move {
                    caller.write(&bytes).await?;
                    caller.close().await
                });
                let mut whole = Vec::new();
                callee.read_to_end(&mut whole).await?;
                writer.await.unwrap()?;
                io::Result::Ok(whole.len())
            }));
        }
        for writer in writers {
            assert_eq!(writer.await.unwrap()?, bytes.len());
        }
        Ok(())
    });
}

#[test]
fn a_stream_takes_up_to_its_mark_and_no_more() {
    let marks = |builder: Builder| {
        builder
            .write_marks(10_000, 2_000)
            .linger(std::time::Duration::from_millis(10))
    };
    everywhere(marks, async || {
        let (mut caller, _callee) = pairs(1).await?.remove(0);
        fill(&mut caller).await?;
        let held = caller.bytes_written()? - caller.bytes_sent()?;
        assert!(held > 9_000 && held <= 10_000, "{held} bytes");
        Ok(())
    });
}
