//! What `#[main]` writes: a function that runs its own future on a kernel.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Ident, Path, Result};

use crate::function::{Faults, Function};
use crate::options;

const NAME: &str = "`#[bibelot::main]`";

/// The function, or what is wrong with it.
pub(crate) fn expand(options: TokenStream, function: TokenStream) -> TokenStream {
    let function: Function = match syn::parse2(function) {
        Ok(function) => function,
        Err(fault) => return fault.into_compile_error(),
    };
    write(options, &function).unwrap_or_else(|faults| {
        let faults = faults.into_compile_error();
        // Something to stand for it, or the compiler would miss a `main` besides.
        let Function {
            visibility,
            signature,
            ..
        } = &function;
        let name = &signature.ident;
        quote! { #faults #visibility fn #name() {} }
    })
}

fn write(options: TokenStream, function: &Function) -> Result<TokenStream> {
    let mut faults = Faults::default();
    faults.check(function.check(NAME));
    let options = faults.check(Options::parse(options));
    faults.into_result()?;
    let Options {
        settings,
        limit,
        facade,
    } = options.unwrap_or_else(Options::none);

    let Function {
        attributes,
        visibility,
        signature,
        ..
    } = function;
    let mut outer = signature.clone();
    outer.asyncness = None;
    let name = &signature.ident;
    let inner = function.inner();
    let limit = match limit {
        None => quote! { ::core::option::Option::None },
        Some(limit) => quote! { ::core::option::Option::Some(#limit) },
    };
    Ok(quote! {
        #(#attributes)*
        #visibility #outer {
            #inner
            match #facade::__private::enter(
                #facade::Kernel::builder() #(#settings)*,
                #limit,
                #name(),
            ) {
                ::core::result::Result::Ok(value) => value,
                ::core::result::Result::Err(interrupted) => {
                    #[allow(unused_imports)]
                    use #facade::__private::{ByDynError as _, ByError as _, ByNothing as _, ByResult as _};
                    #[allow(clippy::needless_borrow)]
                    let how = (&&&&interrupted).how();
                    interrupted.end(how)
                }
            }
        }
    })
}

const KNOWN: &str = "`backend`, `timeout`, `ctrl_c`, `on_panic`, `grace`, `worker_threads_max`, \
                     `worker_idle` and `crate`";

struct Options {
    /// Calls of the builder's methods.
    settings: Vec<TokenStream>,
    limit: Option<TokenStream>,
    facade: Path,
}

impl Options {
    fn none() -> Self {
        Self::made(options::facade(), Vec::new(), None, None)
    }

    fn made(
        facade: Path,
        mut settings: Vec<TokenStream>,
        limit: Option<TokenStream>,
        ctrl_c: Option<Ident>,
    ) -> Self {
        let policy = ctrl_c.unwrap_or_else(|| Ident::new("CancelMain", Span::call_site()));
        settings.push(quote! { .ctrl_c(#facade::CtrlCPolicy::#policy) });
        Self {
            settings,
            limit,
            facade,
        }
    }

    fn parse(tokens: TokenStream) -> Result<Self> {
        let list = options::settings(tokens)?;
        let facade = match list.iter().find(|setting| setting.name == "crate") {
            Some(setting) => setting.path()?,
            None => options::facade(),
        };
        let (mut settings, mut limit, mut ctrl_c) = (Vec::new(), None, None);
        for setting in &list {
            let name = &setting.name;
            settings.push(match name.to_string().as_str() {
                "backend" => {
                    let backend = setting.word(&BACKENDS)?;
                    quote! { .backend(#facade::Backend::#backend) }
                }
                "on_panic" => {
                    let what = setting.word(&ON_PANIC)?;
                    quote! { .on_panic(#facade::OnPanic::#what) }
                }
                "grace" | "worker_idle" => {
                    let span = setting.span()?;
                    quote! { .#name(#span) }
                }
                "worker_threads_max" => {
                    let count = setting.count()?;
                    quote! { .worker_threads_max(#count) }
                }
                "timeout" => {
                    limit = Some(setting.span()?);
                    continue;
                }
                "ctrl_c" => {
                    ctrl_c = Some(setting.word(&CTRL_C)?);
                    continue;
                }
                "crate" => continue,
                _ => return Err(setting.unknown(KNOWN)),
            });
        }
        Ok(Self::made(facade, settings, limit, ctrl_c))
    }
}

/// The words of an option, and the variants that they stand for.
const BACKENDS: [(&str, &str); 3] = [("auto", "Auto"), ("uring", "Uring"), ("poll", "Poll")];
const CTRL_C: [(&str, &str); 2] = [("cancel_main", "CancelMain"), ("leave", "Leave")];
const ON_PANIC: [(&str, &str); 3] = [
    ("contain", "Contain"),
    ("shutdown", "Shutdown"),
    ("abort", "Abort"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn written(options: &str, function: &str) -> String {
        let parse = |source: &str| source.parse::<TokenStream>().expect("tokens");
        let tokens = expand(parse(options), parse(function));
        syn::parse2::<syn::File>(tokens.clone()).expect("items come out");
        tight(&tokens)
    }

    /// The tokens as text; how far apart references stand is nobody's business.
    fn tight(tokens: &TokenStream) -> String {
        tokens.to_string().replace("& &", "&&")
    }

    fn tokens(source: &str) -> String {
        tight(&source.parse().expect("tokens"))
    }

    /// What is written around the function `name` with this facade, these settings and this limit.
    fn around(facade: &str, settings: &str, limit: &str, name: &str) -> String {
        format!(
            "match {facade}::__private::enter(
                {facade}::Kernel::builder() {settings},
                ::core::option::Option::{limit},
                {name}(),
            ) {{
                ::core::result::Result::Ok(value) => value,
                ::core::result::Result::Err(interrupted) => {{
                    #[allow(unused_imports)]
                    use {facade}::__private::{{
                        ByDynError as _, ByError as _, ByNothing as _, ByResult as _
                    }};
                    #[allow(clippy::needless_borrow)]
                    let how = (&&&&interrupted).how();
                    interrupted.end(how)
                }}
            }}"
        )
    }

    const CANCELS: &str = ".ctrl_c(::bibelot::CtrlCPolicy::CancelMain)";

    #[test]
    fn the_body_becomes_an_inner_function_that_is_run() {
        let source = r#"
            #[doc = "Says it."]
            pub async fn main() -> Result<(), Fault> { say()?; return Ok(()); }
        "#;
        let expected = format!(
            r#"#[doc = "Says it."]
            pub fn main() -> Result<(), Fault> {{
                async fn main() -> Result<(), Fault> {{ say()?; return Ok(()); }}
                {}
            }}"#,
            around("::bibelot", CANCELS, "None", "main")
        );
        assert_eq!(written("", source), tokens(&expected));
    }

    #[test]
    fn options_become_settings_of_the_builder_in_their_order() {
        let second = "::core::time::Duration::from_nanos(1000000000u64)";
        for (options, settings) in [
            ("backend = \"auto\"", ".backend(::bibelot::Backend::Auto)"),
            ("backend = \"uring\"", ".backend(::bibelot::Backend::Uring)"),
            (
                "backend = \"poll\", worker_threads_max = 8, worker_idle = \"1s\"",
                &format!(
                    ".backend(::bibelot::Backend::Poll).worker_threads_max(8).worker_idle({second})"
                ),
            ),
            (
                "on_panic = \"shutdown\", grace = \"1s\"",
                &format!(".on_panic(::bibelot::OnPanic::Shutdown).grace({second})"),
            ),
        ] {
            let run = around(
                "::bibelot",
                &format!("{settings}{CANCELS}"),
                "None",
                "start",
            );
            let expected = format!("fn start() {{ async fn start() {{ say(); }} {run} }}");
            assert_eq!(
                written(options, "async fn start() { say(); }"),
                tokens(&expected)
            );
        }
    }

    #[test]
    fn a_limit_and_the_policy_for_ctrl_c_are_said() {
        let limit = "Some(::core::time::Duration::from_nanos(5000000u64))";
        let leave = ".ctrl_c(::bibelot::CtrlCPolicy::Leave)";
        let run = around("::bibelot", leave, limit, "main");
        assert_eq!(
            written(
                "ctrl_c = \"leave\", timeout = \"5ms\"",
                "async fn main() {}"
            ),
            tokens(&format!("fn main() {{ async fn main() {{}} {run} }}"))
        );
    }

    #[test]
    fn the_facade_may_live_elsewhere() {
        let written = written(
            r#"backend = "poll", crate = "my::facade","#,
            "async fn main() {}",
        );
        let settings =
            ".backend(my::facade::Backend::Poll).ctrl_c(my::facade::CtrlCPolicy::CancelMain)";
        let run = around("my::facade", settings, "None", "main");
        assert_eq!(
            written,
            tokens(&format!("fn main() {{ async fn main() {{}} {run} }}"))
        );
    }

    #[test]
    fn what_is_wrong_becomes_errors_and_a_function_that_stands_for_it() {
        for (options, function, message) in [
            ("", "fn main() {}", "`#[bibelot::main]` needs an `async fn`"),
            ("", "async fn main(a: u8) {}", "takes no arguments"),
            (
                "backend = \"sim\"",
                "async fn main() {}",
                "`sim` is no `backend`; there are `auto`, `uring`, `poll`",
            ),
            (
                "ctrl_c = \"ignore\"",
                "async fn main() {}",
                "`ignore` is no `ctrl_c`; there are `cancel_main`, `leave`",
            ),
            (
                "on_panic = true",
                "async fn main() {}",
                "`on_panic` needs a value: text in quotes",
            ),
            (
                "timeout = 5",
                "async fn main() {}",
                "`timeout` needs a value: a time such as",
            ),
            (
                "timeout = \"5 seconds\"",
                "async fn main() {}",
                "`timeout` needs a value: a time such as",
            ),
            (
                "worker_threads_max = 0",
                "async fn main() {}",
                "`worker_threads_max` needs a value: a whole number above 0",
            ),
            (
                "backend",
                "async fn main() {}",
                "`backend` needs a value: text in quotes",
            ),
            (
                "backend = 3",
                "async fn main() {}",
                "`backend` needs a value: text in quotes",
            ),
            (
                "flavor = \"x\"",
                "async fn main() {}",
                "unknown option `flavor`",
            ),
            ("crate = \"1\"", "async fn main() {}", "expected identifier"),
            (
                "crate = \"a\", crate = \"b\"",
                "async fn main() {}",
                "`crate` is given twice",
            ),
        ] {
            let written = written(options, function);
            assert!(written.contains("compile_error"), "{written}");
            assert!(written.contains(message), "{written} says {message}");
            assert!(written.ends_with(&tokens("fn main() {}")), "{written}");
        }
    }

    #[test]
    fn faults_of_function_and_options_come_together() {
        let written = written("flavor", "fn main() {}");
        assert_eq!(written.matches("compile_error").count(), 2, "{written}");
    }

    #[test]
    fn what_is_no_function_is_refused() {
        assert!(written("", "struct Main;").contains("compile_error"));
    }
}
