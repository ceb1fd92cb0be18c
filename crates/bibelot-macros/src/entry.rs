//! What `#[main]` writes: a function that runs its own future on a kernel.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Path, Result};

use crate::function::{Faults, Function};
use crate::options::{self, Setting};

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
    let Options { backend, facade } = options.unwrap_or_else(Options::none);

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
    let run = match backend {
        None => quote! { #facade::run(#name()) },
        Some(backend) => quote! {
            #facade::__private::or_exit(
                #facade::Kernel::builder().backend(#facade::Backend::#backend).run(#name())
            )
        },
    };
    Ok(quote! {
        #(#attributes)*
        #visibility #outer {
            #inner
            #run
        }
    })
}

struct Options {
    /// The variant of the facade's `Backend`.
    backend: Option<syn::Ident>,
    facade: Path,
}

impl Options {
    fn none() -> Self {
        Self {
            backend: None,
            facade: options::facade(),
        }
    }

    fn parse(tokens: TokenStream) -> Result<Self> {
        let mut options = Self::none();
        for setting in options::settings(tokens)? {
            match setting.name.to_string().as_str() {
                "backend" => options.backend = Some(backend(&setting)?),
                "crate" => options.facade = setting.path()?,
                _ => return Err(setting.unknown("`backend = \"..\"` and `crate = \"..\"`")),
            }
        }
        Ok(options)
    }
}

fn backend(setting: &Setting) -> Result<syn::Ident> {
    let text = setting.text()?;
    let variant = match text.value().as_str() {
        "auto" => "Auto",
        "poll" => "Poll",
        "uring" => "Uring",
        other => {
            let message =
                format!("unknown backend `{other}`; there are `auto`, `uring` and `poll`");
            return Err(Error::new(text.span(), message));
        }
    };
    Ok(syn::Ident::new(variant, text.span()))
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
    fn the_body_becomes_an_inner_function_that_is_run() {
        let expected = r#"
            #[doc = "Says it."]
            pub fn main() -> Result<(), Fault> {
                async fn main() -> Result<(), Fault> { say()?; return Ok(()); }
                ::bibelot::run(main())
            }
        "#;
        let source = r#"
            #[doc = "Says it."]
            pub async fn main() -> Result<(), Fault> { say()?; return Ok(()); }
        "#;
        assert_eq!(written("", source), tokens(expected));
    }

    #[test]
    fn a_backend_by_name_goes_through_the_builder() {
        for (name, variant) in [("auto", "Auto"), ("uring", "Uring"), ("poll", "Poll")] {
            let expected = format!(
                "fn start() {{
                    async fn start() {{ say(); }}
                    ::bibelot::__private::or_exit(
                        ::bibelot::Kernel::builder().backend(::bibelot::Backend::{variant}).run(start())
                    )
                }}"
            );
            let options = format!("backend = {name:?}");
            assert_eq!(
                written(&options, "async fn start() { say(); }"),
                tokens(&expected)
            );
        }
    }

    #[test]
    fn the_facade_may_live_elsewhere() {
        let written = written(r#"crate = "my::facade","#, "async fn main() {}");
        assert!(
            written.contains(&tokens("my::facade::run(main())")),
            "{written}"
        );
        assert!(!written.contains(":: bibelot"), "{written}");
    }

    #[test]
    fn what_is_wrong_becomes_errors_and_a_function_that_stands_for_it() {
        for (options, function, message) in [
            ("", "fn main() {}", "`#[bibelot::main]` needs an `async fn`"),
            ("", "async fn main(a: u8) {}", "takes no arguments"),
            (
                "backend = \"sim\"",
                "async fn main() {}",
                "unknown backend `sim`",
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
