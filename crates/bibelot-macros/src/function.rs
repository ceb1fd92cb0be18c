//! The function under an attribute: parsed as far as needed, and checked.
//!
//! The body stays the tokens it was: what is wrong in it is for the compiler to say, and an editor
//! gets completions in a half-written one.

use proc_macro2::{Delimiter, Group, TokenStream};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Attribute, Error, Result, ReturnType, Safety, Signature, Type, Visibility};

/// A function with a body that nobody has looked into.
pub(crate) struct Function {
    pub attributes: Vec<Attribute>,
    pub visibility: Visibility,
    pub signature: Signature,
    pub body: Group,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let signature: Signature = input.parse()?;
        let body: Group = input.parse()?;
        if body.delimiter() != Delimiter::Brace {
            return Err(Error::new(body.span(), "expected the function's body"));
        }
        Ok(Self {
            attributes,
            visibility,
            signature,
            body,
        })
    }
}

impl Function {
    /// Refuses what `attribute` cannot serve, all of it at once.
    pub(crate) fn check(&self, attribute: &str) -> Result<()> {
        let Signature {
            constness,
            asyncness,
            safety,
            abi,
            fn_token,
            generics,
            inputs,
            ..
        } = &self.signature;
        let mut faults = Faults::default();
        if asyncness.is_none() {
            faults.add(fn_token, format!("{attribute} needs an `async fn`"));
        }
        if !inputs.is_empty() {
            faults.add(
                inputs,
                format!("the function of {attribute} takes no arguments"),
            );
        }
        if let Some(variadic) = &self.signature.variadic {
            faults.add(
                variadic,
                format!("the function of {attribute} takes no arguments"),
            );
        }
        if !generics.params.is_empty() {
            faults.add(
                &generics.params,
                format!("the function of {attribute} is not generic"),
            );
        }
        if let Some(clause) = &generics.where_clause {
            faults.add(
                clause,
                format!("the function of {attribute} has no `where` clause"),
            );
        }
        let plain = format!("the function of {attribute} is a plain `async fn`");
        if let Some(constness) = constness {
            faults.add(constness, &plain);
        }
        if !matches!(safety, Safety::Default) {
            faults.add(safety, &plain);
        }
        if let Some(abi) = abi {
            faults.add(abi, &plain);
        }
        faults.into_result()
    }

    /// The first attribute with this one-word name.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes
            .iter()
            .find(|attribute| attribute.path().is_ident(name))
    }

    /// Whether it returns `()`.
    pub(crate) fn returns_unit(&self) -> bool {
        match &self.signature.output {
            ReturnType::Default => true,
            ReturnType::Type(_, output) => {
                matches!(&**output, Type::Tuple(tuple) if tuple.elems.is_empty())
            }
        }
    }

    /// The function as it was written, without attributes and visibility.
    pub(crate) fn inner(&self) -> TokenStream {
        let mut tokens = self.signature.to_token_stream();
        self.body.to_tokens(&mut tokens);
        tokens
    }
}

/// Faults found so far.
#[derive(Default)]
pub(crate) struct Faults(Option<Error>);

impl Faults {
    /// Notes a fault at the place of `tokens`.
    pub(crate) fn add(&mut self, tokens: impl Spanned, message: impl ToString) {
        self.note(Error::new(tokens.span(), message.to_string()));
    }

    /// Keeps the fault of a result, if it is one.
    pub(crate) fn check<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|fault| self.note(fault)).ok()
    }

    pub(crate) fn into_result(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }

    fn note(&mut self, fault: Error) {
        match &mut self.0 {
            Some(first) => first.combine(fault),
            none => *none = Some(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusals(source: &str) -> Vec<String> {
        let function: Function = syn::parse_str(source).expect("the source is a function");
        match function.check("#[x]") {
            Ok(()) => Vec::new(),
            Err(faults) => faults.into_iter().map(|fault| fault.to_string()).collect(),
        }
    }

    #[test]
    fn a_plain_async_function_passes() {
        assert_eq!(
            refusals("#[allow(dead_code)] pub async fn f() -> u8 { 3 }"),
            [""; 0]
        );
    }

    #[test]
    fn each_thing_refused_is_named() {
        assert_eq!(refusals("fn f() {}"), ["#[x] needs an `async fn`"]);
        assert_eq!(
            refusals("async fn f(a: u8) {}"),
            ["the function of #[x] takes no arguments"]
        );
        assert_eq!(
            refusals("async fn f<T>() {}"),
            ["the function of #[x] is not generic"]
        );
        assert_eq!(
            refusals("async fn f() where u8: Copy {}"),
            ["the function of #[x] has no `where` clause"]
        );
        assert_eq!(
            refusals("async unsafe fn f() {}"),
            ["the function of #[x] is a plain `async fn`"]
        );
        assert_eq!(
            refusals(r#"async extern "C" fn f() {}"#),
            ["the function of #[x] is a plain `async fn`"]
        );
    }

    #[test]
    fn all_refusals_come_at_once() {
        assert_eq!(refusals("const fn f<T>(a: T) {}").len(), 4);
    }

    #[test]
    fn a_body_is_not_looked_into() {
        let function: Function = syn::parse_str("async fn f() { let x = ; }").expect("parses");
        assert_eq!(function.inner().to_string(), "async fn f () { let x = ; }");
    }

    #[test]
    fn what_is_no_function_with_a_body_is_refused() {
        assert!(syn::parse_str::<Function>("struct S;").is_err());
        assert!(syn::parse_str::<Function>("async fn f();").is_err());
        assert!(syn::parse_str::<Function>("async fn f() {} fn g() {}").is_err());
    }

    #[test]
    fn unit_is_seen_in_both_spellings() {
        let unit = |source| {
            syn::parse_str::<Function>(source)
                .expect("parses")
                .returns_unit()
        };
        assert!(unit("async fn f() {}"));
        assert!(unit("async fn f() -> () {}"));
        assert!(!unit("async fn f() -> Result<(), u8> { Ok(()) }"));
        assert!(!unit("async fn f() -> (u8,) { (1,) }"));
    }
}
