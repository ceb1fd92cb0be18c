//! ERR: what goes wrong, and how it says so.

use std::error::Error as _;
use std::io;

use bibelot::{Error, TaskError, sleep, spawn, yield_now};

use crate::LONG;

fn goes_anywhere<T: std::error::Error + Send + Sync + 'static>(
    error: T,
) -> Box<dyn std::error::Error + Send + Sync> {
    error.into()
}

#[bibelot::test(uring, poll, sim)]
async fn one_error_holds_all_and_goes_anywhere() {
    let all: [Error; 4] = [
        yield_cut().await.into(),
        io::Error::from(io::ErrorKind::NotFound).into(),
        TaskError::Aborted.into(),
        Error::Closed,
    ];
    for error in all {
        let text = error.to_string();
        let through_io = io::Error::from(error);
        assert_eq!(Error::from(through_io).to_string(), text);
        assert!(!text.is_empty() && !text.ends_with('.'), "{text}");
    }
    let boxed = goes_anywhere(Error::Io(io::Error::other("boxed")));
    assert_eq!(boxed.to_string(), "boxed");
}

async fn yield_cut() -> bibelot::Cancelled {
    let task = spawn(async { yield_now().await.unwrap_err() });
    task.cancel_nowait();
    task.await.unwrap()
}

#[bibelot::test(uring, poll, sim)]
async fn a_task_error_says_why_there_is_no_value() {
    let own: Result<Result<(), io::Error>, TaskError> =
        spawn(async { Err(io::Error::other("its own")) }).await;
    assert_eq!(
        own.unwrap().unwrap_err().to_string(),
        "its own",
        "it is a value"
    );

    let panicked = spawn(async { std::panic::resume_unwind(Box::new("why")) });
    let error: TaskError = panicked.await.map(|(): ()| ()).unwrap_err();
    assert!(error.to_string().contains("why"), "{error}");

    let deaf = spawn(std::future::pending::<()>());
    yield_now().await.unwrap();
    deaf.cancel_nowait();
    let error = deaf.await.unwrap_err();
    assert!(matches!(error, TaskError::Cancelled(_)) && error.source().is_some());

    let gone = spawn(sleep(LONG));
    gone.abort();
    assert!(matches!(gone.await, Err(TaskError::Aborted)));
}
