//! What `#[test]` writes: one ordinary test that runs its body on each backend in turn.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Lit, LitInt, Path, Result};

use crate::function::{Faults, Function};
use crate::options::{self, Setting};

const NAME: &str = "`#[bibelot::test]`";
const KNOWN: &str = "`auto`, `uring`, `poll`, `sim`, `virtual_time`, `seed = ..`, `timeout = \"..\"`, \
                     `worker_threads_max = ..` and `crate = \"..\"`";

/// The test, or what is wrong with it.
pub(crate) fn expand(options: TokenStream, function: TokenStream) -> TokenStream {
    let written = syn::parse2(function).and_then(|function| write(options, &function));
    written.unwrap_or_else(syn::Error::into_compile_error)
}

fn write(options: TokenStream, function: &Function) -> Result<TokenStream> {
    let mut faults = Faults::default();
    faults.check(function.check(NAME));
    let options = faults.check(Options::parse(options));
    if let Some(attribute) = function.attribute("test") {
        faults.add(attribute, format!("{NAME} makes it a test already"));
    }
    if let Some(attribute) = function.attribute("should_panic") {
        if !function.returns_unit() {
            faults.add(attribute, "a test that should panic returns `()`");
        }
        if options
            .as_ref()
            .is_some_and(|options| options.backends.len() > 1)
        {
            let message = "a test that should panic stops at its first backend: name only one";
            faults.add(attribute, message);
        }
    }
    faults.into_result()?;
    let Options {
        backends,
        seed,
        settings,
        facade,
    } = options.unwrap_or_else(Options::none);

    let Function {
        attributes,
        visibility,
        signature,
        ..
    } = function;
    let name = &signature.ident;
    let inner = function.inner();
    let body = if function.returns_unit() {
        quote! { #name }
    } else {
        // The report prints the error; a closure, so that the body can name nothing in it.
        quote! {
            || async {
                let code = ::std::process::Termination::report(#name().await);
                ::std::assert!(
                    code == ::std::process::ExitCode::SUCCESS,
                    "the test returned an error",
                );
            }
        }
    };
    let runs = backends
        .iter()
        .map(|backend| backend.run(&facade, &settings, &body, seed.as_ref()));
    Ok(quote! {
        #[::core::prelude::v1::test]
        #(#attributes)*
        #visibility fn #name() {
            #inner
            #(#runs)*
        }
    })
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Backend {
    Auto,
    Uring,
    Poll,
    Sim,
}

impl Backend {
    fn run(
        self,
        facade: &Path,
        settings: &[TokenStream],
        body: &TokenStream,
        seed: Option<&LitInt>,
    ) -> TokenStream {
        let trial = if settings.is_empty() {
            quote! { #facade::testing:: }
        } else {
            quote! { #facade::testing::Trial::new() #(#settings)* . }
        };
        match self {
            Self::Auto => quote! { #trial on_auto(#body); },
            Self::Uring => quote! { #trial on_uring(#body); },
            Self::Poll => quote! { #trial on_poll(#body); },
            Self::Sim => {
                let drawn = || quote! { #facade::testing::seed() };
                let seed = seed.map_or_else(drawn, |seed| quote! { #seed });
                quote! { #trial on(::bibelot_sim::Sim::new(#seed), "sim", #body); }
            }
        }
    }
}

struct Options {
    /// In the order of the runs; never empty once parsed.
    backends: Vec<Backend>,
    seed: Option<LitInt>,
    /// Calls of the trial's methods.
    settings: Vec<TokenStream>,
    facade: Path,
}

impl Options {
    fn none() -> Self {
        Self {
            backends: vec![Backend::Auto],
            seed: None,
            settings: Vec::new(),
            facade: options::facade(),
        }
    }

    fn parse(tokens: TokenStream) -> Result<Self> {
        let mut options = Self::none();
        let (mut backends, mut virtual_time) = (Vec::new(), None);
        for setting in options::settings(tokens)? {
            let backend = match setting.name.to_string().as_str() {
                "auto" => Backend::Auto,
                "uring" => Backend::Uring,
                "poll" => Backend::Poll,
                "sim" => Backend::Sim,
                "virtual_time" => {
                    setting.alone()?;
                    virtual_time = Some(setting.name);
                    continue;
                }
                other => {
                    if !options.take(other, &setting)? {
                        return Err(setting.unknown(KNOWN));
                    }
                    continue;
                }
            };
            setting.alone()?;
            backends.push(backend);
        }
        if let Some(name) = virtual_time {
            if backends.iter().any(|backend| *backend != Backend::Sim) {
                let message = "only `sim` has virtual time: name no other backend";
                return Err(Error::new(name.span(), message));
            }
            backends = vec![Backend::Sim];
        }
        if let Some(seed) = &options.seed
            && !backends.contains(&Backend::Sim)
        {
            let message = "a seed is for `sim`, which is not named";
            return Err(Error::new(seed.span(), message));
        }
        if !backends.is_empty() {
            options.backends = backends;
        }
        Ok(options)
    }

    /// Takes an option with a value; whether there is one of this name.
    fn take(&mut self, name: &str, setting: &Setting) -> Result<bool> {
        match name {
            "seed" => self.seed = Some(seed(setting)?),
            "crate" => self.facade = setting.path()?,
            "timeout" => {
                let limit = setting.span()?;
                self.settings.push(quote! { .timeout(#limit) });
            }
            "worker_threads_max" => {
                let count = setting.count()?;
                self.settings.push(quote! { .worker_threads_max(#count) });
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn seed(setting: &Setting) -> Result<LitInt> {
    match &setting.value {
        Some(Lit::Int(seed)) if seed.base10_parse::<u64>().is_ok() => Ok(seed.clone()),
        _ => Err(setting.needs("a whole number below 2^64")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(options: &str, function: &str) -> String {
        let parse = |source: &str| source.parse::<TokenStream>().expect("tokens");
        let tokens = expand(parse(options), parse(function));
        syn::parse2::<syn::File>(tokens.clone()).expect("items come out");
        tokens.to_string()
    }

    fn tokens(source: &str) -> String {
        source.parse::<TokenStream>().expect("tokens").to_string()
    }

    #[test]
    fn the_default_is_one_run_on_what_there_is() {
        let expected = r#"
            #[::core::prelude::v1::test]
            #[ignore = "slow"]
            #[cfg(unix)]
            fn works() {
                async fn works() { work().await; }
                ::bibelot::testing::on_auto(works);
            }
        "#;
        let source = r#"#[ignore = "slow"] #[cfg(unix)] async fn works() { work().await; }"#;
        assert_eq!(written("", source), tokens(expected));
    }

    #[test]
    fn each_backend_named_is_a_run_in_that_order() {
        let expected = r#"
            #[::core::prelude::v1::test]
            fn works() {
                async fn works() {}
                ::bibelot::testing::on(::bibelot_sim::Sim::new(7), "sim", works);
                ::bibelot::testing::on_uring(works);
                ::bibelot::testing::on_poll(works);
            }
        "#;
        assert_eq!(
            written("sim, uring, poll, seed = 7", "async fn works() {}"),
            tokens(expected)
        );
    }

    #[test]
    fn virtual_time_is_that_of_the_simulated_world() {
        let seven = tokens("::bibelot::testing::on(::bibelot_sim::Sim::new(7), \"sim\", works);");
        for options in [
            "virtual_time, seed = 7",
            "seed = 7, sim, virtual_time",
            "sim, seed = 7",
        ] {
            let written = written(options, "async fn works() {}");
            assert!(written.contains(&seven), "{options}: {written}");
            assert_eq!(written.matches("testing").count(), 1);
        }
    }

    #[test]
    fn limits_are_settings_of_each_run() {
        let expected = r#"
            #[::core::prelude::v1::test]
            fn works() {
                async fn works() {}
                ::bibelot::testing::Trial::new()
                    .timeout(::core::time::Duration::from_nanos(10000000000u64))
                    .worker_threads_max(3)
                    .on_poll(works);
                ::bibelot::testing::Trial::new()
                    .timeout(::core::time::Duration::from_nanos(10000000000u64))
                    .worker_threads_max(3)
                    .on(::bibelot_sim::Sim::new(::bibelot::testing::seed()), "sim", works);
            }
        "#;
        let options = "poll, timeout = \"10s\", sim, worker_threads_max = 3";
        assert_eq!(written(options, "async fn works() {}"), tokens(expected));
    }

    #[test]
    fn without_a_seed_sim_has_that_of_the_environment() {
        let written = written("sim", "async fn works() {}");
        assert!(
            written.contains(&tokens(
                "::bibelot_sim::Sim::new(::bibelot::testing::seed())"
            )),
            "{written}"
        );
    }

    #[test]
    fn a_result_is_reported_inside_and_the_test_returns_nothing() {
        let expected = r#"
            #[::core::prelude::v1::test]
            fn works() {
                async fn works() -> Result<(), u8> { Err(3) }
                ::bibelot::testing::on_poll(|| async {
                    let code = ::std::process::Termination::report(works().await);
                    ::std::assert!(
                        code == ::std::process::ExitCode::SUCCESS,
                        "the test returned an error",
                    );
                });
            }
        "#;
        let source = "async fn works() -> Result<(), u8> { Err(3) }";
        assert_eq!(written("poll", source), tokens(expected));
    }

    #[test]
    fn the_facade_may_live_elsewhere() {
        let written = written(r#"crate = "crate::facade", poll"#, "async fn works() {}");
        assert!(
            written.contains(&tokens("crate::facade::testing::on_poll(works);")),
            "{written}"
        );
        assert!(!written.contains(":: bibelot"), "{written}");
    }

    #[test]
    fn should_panic_is_kept_on_one_backend() {
        let written = written(
            "uring",
            "#[should_panic(expected = \"x\")] async fn fails() {}",
        );
        assert!(written.contains(&tokens("#[should_panic(expected = \"x\")] fn fails()")));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let plain = "async fn works() {}";
        for (options, function, message) in [
            (
                "",
                "fn works() {}",
                "`#[bibelot::test]` needs an `async fn`",
            ),
            ("", "async fn works<T>() {}", "is not generic"),
            ("", "#[test] async fn works() {}", "makes it a test already"),
            (
                "uring, poll",
                "#[should_panic] async fn works() {}",
                "name only one",
            ),
            (
                "",
                "#[should_panic] async fn works() -> u8 { 1 }",
                "returns `()`",
            ),
            ("epoll", plain, "unknown option `epoll`"),
            (
                "sim, timeout = 10",
                plain,
                "`timeout` needs a value: a time such as",
            ),
            ("timeout", plain, "`timeout` needs a value: a time such as"),
            (
                "worker_threads_max = \"3\"",
                plain,
                "`worker_threads_max` needs a value: a whole number above 0",
            ),
            (
                "virtual_time, poll",
                plain,
                "only `sim` has virtual time: name no other backend",
            ),
            (
                "virtual_time = true",
                plain,
                "`virtual_time` takes no value",
            ),
            ("poll, poll", plain, "`poll` is given twice"),
            ("poll = 1", plain, "`poll` takes no value"),
            (
                "sim, seed",
                plain,
                "`seed` needs a value: a whole number below 2^64",
            ),
            ("sim, seed = \"7\"", plain, "`seed` needs a value"),
            (
                "sim, seed = 18446744073709551616",
                plain,
                "`seed` needs a value",
            ),
            (
                "poll, seed = 7",
                plain,
                "a seed is for `sim`, which is not named",
            ),
            ("poll uring", plain, "expected `,`"),
        ] {
            let written = written(options, function);
            assert!(written.contains("compile_error"), "{options}: {written}");
            assert!(
                written.contains(message),
                "{options}: {written} says {message}"
            );
        }
    }
}
