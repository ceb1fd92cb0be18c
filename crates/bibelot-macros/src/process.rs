//! What `#[process_fn]` writes: the function as it is, and an entry in the list of those that can be called
//! in another process.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Error, FnArg, Path, Result, Safety, Type};

use crate::function::{Faults, Function};
use crate::options;

const NAME: &str = "`#[bibelot::process_fn]`";

/// As many arguments as the facade knows functions with.
const ARGUMENTS_MAX: usize = 4;

/// The function and its entry, or the function and what is wrong with it.
pub(crate) fn expand(options: TokenStream, function: TokenStream) -> TokenStream {
    let function: Function = match syn::parse2(function) {
        Ok(function) => function,
        Err(fault) => return fault.into_compile_error(),
    };
    let entry = write(options, &function).unwrap_or_else(Error::into_compile_error);
    let Function {
        attributes,
        visibility,
        ..
    } = &function;
    let inner = function.inner();
    quote! {
        #(#attributes)*
        #visibility #inner
        #entry
    }
}

fn write(options: TokenStream, function: &Function) -> Result<TokenStream> {
    let mut faults = Faults::default();
    check(function, &mut faults);
    let facade = faults.check(facade(options));
    faults.into_result()?;
    let facade = facade.unwrap_or_else(options::facade);
    let name = &function.signature.ident;
    // Where the function is not, its entry must not be.
    let conditions = function
        .attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"));
    Ok(quote! {
        #(#conditions)*
        const _: () = {
            #facade::__private::inventory::submit! {
                #facade::process::private::Registered::new(
                    ::core::concat!(::core::module_path!(), "::", ::core::stringify!(#name)),
                    || #facade::process::private::type_id_of(#name),
                    |arguments, begins| {
                        #facade::process::private::answer(#name, arguments, begins)
                    },
                )
            }
        };
    })
}

fn check(function: &Function, faults: &mut Faults) {
    let signature = &function.signature;
    let plain = format!("the function of {NAME} is a plain `fn`");
    if let Some(asyncness) = &signature.asyncness {
        faults.add(
            asyncness,
            format!("{plain}; it may run a kernel of its own"),
        );
    }
    if !matches!(signature.safety, Safety::Default) {
        faults.add(&signature.safety, &plain);
    }
    if let Some(abi) = &signature.abi {
        faults.add(abi, &plain);
    }
    if !signature.generics.params.is_empty() {
        let message =
            format!("the function of {NAME} is not generic: each needs a name of its own");
        faults.add(&signature.generics.params, message);
    }
    if let Some(clause) = &signature.generics.where_clause {
        faults.add(
            clause,
            format!("the function of {NAME} has no `where` clause"),
        );
    }
    if let Some(variadic) = &signature.variadic {
        faults.add(variadic, &plain);
    }
    for argument in &signature.inputs {
        match argument {
            FnArg::Receiver(receiver) => {
                faults.add(receiver, format!("the function of {NAME} is no method"));
            }
            FnArg::Typed(argument) => {
                if let Type::Reference(reference) = &*argument.ty {
                    let message = "what goes to another process is owned, not borrowed";
                    faults.add(reference.to_token_stream(), message);
                }
            }
        }
    }
    if signature.inputs.len() > ARGUMENTS_MAX {
        let message = format!("at most {ARGUMENTS_MAX} arguments; put them into a struct");
        faults.add(&signature.inputs, message);
    }
}

fn facade(tokens: TokenStream) -> Result<Path> {
    let mut facade = options::facade();
    for setting in options::settings(tokens)? {
        match setting.name.to_string().as_str() {
            "crate" => facade = setting.path()?,
            _ => return Err(setting.unknown("`crate = \"..\"`")),
        }
    }
    Ok(facade)
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
    fn the_function_stays_and_gets_an_entry() {
        let source = "#[doc = \"Adds.\"] pub fn add(a: u8, b: u8) -> u8 { a + b }";
        let written = written("", source);
        assert!(written.starts_with(&tokens(source)), "{written}");
        let entry = ":: bibelot :: process :: private :: answer (add , arguments , begins)";
        assert!(written.contains(entry), "{written}");
    }

    #[test]
    fn conditions_hold_for_the_entry_too() {
        let written = written("", "#[cfg(unix)] #[inline] fn f() {}");
        assert_eq!(written.matches(&tokens("#[cfg(unix)]")).count(), 2);
        assert_eq!(written.matches(&tokens("#[inline]")).count(), 1);
    }

    #[test]
    fn the_facade_may_live_elsewhere() {
        let written = written("crate = \"my::facade\"", "fn f() {}");
        assert!(!written.contains(":: bibelot"), "{written}");
    }

    #[test]
    fn what_is_wrong_becomes_errors_beside_the_function() {
        for (options, function, message) in [
            ("", "async fn f() {}", "is a plain `fn`"),
            ("", "unsafe fn f() {}", "is a plain `fn`"),
            ("", "extern \"C\" fn f() {}", "is a plain `fn`"),
            ("", "fn f<T>(a: T) {}", "is not generic"),
            ("", "fn f() where u8: Copy {}", "has no `where` clause"),
            ("", "fn f(a: &str) {}", "owned, not borrowed"),
            (
                "",
                "fn f(a: u8, b: u8, c: u8, d: u8, e: u8) {}",
                "at most 4 arguments",
            ),
            ("name = \"g\"", "fn f() {}", "unknown option `name`"),
        ] {
            let written = written(options, function);
            assert!(written.contains("compile_error"), "{written}");
            assert!(written.contains(message), "{written} says {message}");
            assert!(written.starts_with(&tokens(function)), "{written}");
        }
        let parse = |source: &str| source.parse::<TokenStream>().expect("tokens");
        let method = expand(parse(""), parse("fn f(&self) {}")).to_string();
        assert!(method.contains("is no method"), "{method}");
        let other = expand(parse(""), parse("struct S;")).to_string();
        assert!(other.contains("compile_error"), "{other}");
    }
}
