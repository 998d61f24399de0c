use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};

use super::class::Class;
use super::{Backoff, Flag, MaxRetries, Retry};

/// How many fields a policy has.
const FIELDS: usize = 10;

/// The policy as an expression.
impl ToTokens for Retry {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let policy = quote! { ::kafka_integration::retry::RetryPolicy };
        let mut fields: Vec<TokenStream> = Vec::new();
        fields.extend(self.max_retries.iter().map(|most| match most {
            MaxRetries::ForEver => quote! { max_retries: ::core::option::Option::None },
            MaxRetries::Times(most) => {
                quote! { max_retries: ::core::option::Option::Some(#most) }
            }
        }));
        let Backoff {
            factor,
            max,
            jitter,
        } = &self.backoff;
        fields.extend(factor.iter().map(|factor| quote! { factor: #factor }));
        // A name that what the user wrote can't mean.
        let first = Ident::new("delay", Span::mixed_site());
        let mut before = None;
        match (&self.delay, max) {
            (Some(delay), None) => {
                before = Some(quote! { let #first: ::core::time::Duration = #delay; });
                fields.push(quote! { delay: #first });
                // A longer delay means itself, not the default ceiling.
                let most = quote! { #policy::default().max_delay };
                fields.push(quote! { max_delay: ::core::cmp::Ord::max(#first, #most) });
            }
            (delay, max) => {
                fields.extend(delay.iter().map(|delay| quote! { delay: #delay }));
                fields.extend(max.iter().map(|max| quote! { max_delay: #max }));
            }
        }
        fields.extend(jitter.iter().map(|jitter| quote! { jitter: #jitter }));
        for (name, classes) in [("include", &self.include), ("exclude", &self.exclude)] {
            if !classes.is_empty() {
                let name = Ident::new(name, Span::call_site());
                let classes = classes.iter().map(Class::value);
                fields.push(quote! { #name: ::std::vec![#(#classes),*] });
            }
        }
        fields.extend(self.blocking.iter().map(|Flag { on, .. }| {
            quote! { blocking: ::core::option::Option::Some(#on) }
        }));
        fields.extend(self.preserve_order.iter().map(|Flag { on, .. }| {
            quote! { preserve_order: #on }
        }));
        fields.extend(
            self.log_every
                .iter()
                .map(|every| quote! { log_every: #every }),
        );
        // After all of them, clippy takes the rest for a mistake.
        let rest = (fields.len() < FIELDS).then(|| quote! { ..#policy::default() });
        let policy = quote! { #policy { #(#fields,)* #rest } };
        tokens.extend(match before {
            Some(before) => quote! { { #before #policy } },
            None => policy,
        });
    }
}
