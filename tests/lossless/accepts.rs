//! Connections: each is taken once.

use std::rc::Rc;

use bibelot::{TcpListener, TcpStream, sleep, spawn};

use crate::cut::storm;
use crate::run::everywhere;

const CONNECTIONS: usize = 150;

#[test]
fn every_connection_is_accepted_once_whatever_cuts_the_accept() {
    everywhere(async |cut, mut rng| {
        let listener = Rc::new(TcpListener::bind("127.0.0.1:0").await?);
        let address = listener.local_addr()?;
        let mut of_callers = rng.split();
        let callers = spawn(async move {
            let mut streams = Vec::new();
            for n in 0..CONNECTIONS {
                let mut stream = TcpStream::connect(address).await?;
                stream.write(&(n as u32).to_be_bytes()).await?;
                streams.push(stream);
                if of_callers.below(3) > 0 {
                    sleep(of_callers.span()).await?;
                }
            }
            // Each is answered by whoever took it.
            for (n, stream) in streams.iter_mut().enumerate() {
                let mut answer = [0; 4];
                stream.read_exact(&mut answer).await?;
                assert_eq!(u32::from_be_bytes(answer), n as u32);
            }
            std::io::Result::Ok(())
        });
        let mut seen = vec![0; CONNECTIONS];
        let mut listener = listener;
        for _ in 0..CONNECTIONS {
            let accepted;
            (listener, accepted) = storm(listener, cut, &mut rng, |listener| {
                Box::pin(listener.accept())
            })
            .await;
            let (mut stream, _) = accepted?;
            let mut number = [0; 4];
            stream.read_exact(&mut number).await?;
            seen[u32::from_be_bytes(number) as usize] += 1;
            stream.write(&number).await?;
        }
        assert!(seen.iter().all(|&times| times == 1));
        callers.await.expect("it does not panic")
    });
}
