//! The prelude beside that of the standard library: nothing of the latter is hidden.

use bibelot::prelude::*;

#[test]
fn the_standard_librarys_names_mean_what_they_always_mean() {
    let kept: Result<u8, String> = Ok(7);
    assert!(matches!(kept, Ok(7)));
    let failed: Result<u8, String> = Err("no".to_owned());
    assert!(matches!(&failed, Err(said) if said == "no"));
    let (some, none): (Option<u8>, Option<u8>) = (Some(1), None);
    let boxed: Box<dyn FnOnce() -> Vec<String>> = Box::new(move || {
        assert_ne!(some, none);
        Vec::from([String::from("one"), "two".to_string()])
    });
    assert_eq!(boxed().len(), 2);
}

#[test]
fn a_program_finds_what_it_needs() {
    let sum = run(async {
        let group = task_group(Wait::All, async |group| {
            for item in 1..=3 {
                group.spawn(async move { bibelot::Ok(item) })?;
            }
            bibelot::Ok(())
        });
        let values = group.await.unwrap().into_results().unwrap();
        values.into_iter().sum::<i32>()
    });
    assert_eq!(sum, 6);
}
