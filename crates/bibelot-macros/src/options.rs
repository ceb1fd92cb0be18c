//! The list in an attribute's parentheses: words, and words with a value.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Error, Ident, Lit, LitInt, LitStr, Path, Result, Token, parse_quote};

use crate::span;

/// One element of the list.
pub(crate) struct Setting {
    pub name: Ident,
    pub value: Option<Lit>,
}

impl Parse for Setting {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        // `crate` is a keyword.
        let name = input.call(Ident::parse_any)?;
        let value = match input.parse::<Option<Token![=]>>()? {
            Some(_) => Some(input.parse()?),
            None => None,
        };
        Ok(Self { name, value })
    }
}

impl Setting {
    /// Sees to it that the word stands alone.
    pub(crate) fn alone(&self) -> Result<()> {
        match &self.value {
            None => Ok(()),
            Some(value) => Err(Error::new(
                value.span(),
                format!("`{}` takes no value", self.name),
            )),
        }
    }

    /// The value, which is text.
    pub(crate) fn text(&self) -> Result<&LitStr> {
        match &self.value {
            Some(Lit::Str(text)) => Ok(text),
            _ => Err(self.needs("text in quotes")),
        }
    }

    /// The value, which is a path in quotes.
    pub(crate) fn path(&self) -> Result<Path> {
        self.text()?.parse_with(Path::parse_mod_style)
    }

    /// The value, which is a span of time in quotes, as an expression.
    pub(crate) fn span(&self) -> Result<TokenStream> {
        let text = self.text().map_err(|_| self.needs(span::EXPECTED))?;
        let nanoseconds =
            span::nanoseconds(&text.value()).ok_or_else(|| self.needs(span::EXPECTED))?;
        let span = text.span();
        Ok(quote_spanned! { span=> ::core::time::Duration::from_nanos(#nanoseconds) })
    }

    /// The value, which is a whole number above 0.
    pub(crate) fn count(&self) -> Result<&LitInt> {
        match &self.value {
            Some(Lit::Int(count)) if count.base10_parse::<u32>().is_ok_and(|count| count > 0) => {
                Ok(count)
            }
            _ => Err(self.needs("a whole number above 0")),
        }
    }

    /// The value, which is one of these words in quotes; what stands beside it here.
    pub(crate) fn word(&self, words: &[(&str, &str)]) -> Result<Ident> {
        let text = self.text()?;
        let value = text.value();
        match words.iter().find(|(word, _)| *word == value) {
            Some((_, meant)) => Ok(Ident::new(meant, text.span())),
            None => {
                let known: Vec<String> =
                    words.iter().map(|(word, _)| format!("`{word}`")).collect();
                let (name, known) = (&self.name, known.join(", "));
                let message = format!("`{value}` is no `{name}`; there are {known}");
                Err(Error::new(text.span(), message))
            }
        }
    }

    /// Complains that the value is missing or of another kind.
    pub(crate) fn needs(&self, what: &str) -> Error {
        let span = self.value.as_ref().map_or(self.name.span(), Lit::span);
        Error::new(span, format!("`{}` needs a value: {what}", self.name))
    }

    /// Complains that nobody knows the word.
    pub(crate) fn unknown(&self, known: &str) -> Error {
        Error::new(
            self.name.span(),
            format!("unknown option `{}`; there are {known}", self.name),
        )
    }
}

/// Takes the list apart; no word comes twice.
pub(crate) fn settings(tokens: TokenStream) -> Result<Vec<Setting>> {
    let list = Punctuated::<Setting, Token![,]>::parse_terminated.parse2(tokens)?;
    let mut settings: Vec<Setting> = Vec::new();
    for setting in list {
        if settings.iter().any(|earlier| earlier.name == setting.name) {
            let message = format!("`{}` is given twice", setting.name);
            return Err(Error::new(setting.name.span(), message));
        }
        settings.push(setting);
    }
    Ok(settings)
}

/// Where the facade is found unless an option says otherwise.
pub(crate) fn facade() -> Path {
    parse_quote!(::bibelot)
}
