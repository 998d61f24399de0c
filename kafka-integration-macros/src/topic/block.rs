use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Error, ImplItem, ImplItemFn, ImplItemType, Item, ItemImpl, Result};

/// The block below the macro, taken apart.
pub(super) struct Block {
    /// The block without its consume hook.
    pub(super) topic: ItemImpl,
    /// More than one only where `#[cfg]` picks between them.
    pub(super) consume: Vec<ImplItemFn>,
}

pub(super) fn implements_topic(block: &ItemImpl) -> bool {
    let Some((None, path, _)) = &block.trait_ else {
        return false;
    };
    let last = path.segments.last();
    last.is_some_and(|segment| segment.ident == "Topic")
}

impl Block {
    pub(super) fn parse(item: &TokenStream) -> Result<Self> {
        const WHERE: &str = "`#[topic]` goes on an `impl Topic for …` block";
        let Ok(item) = syn::parse2::<Item>(item.clone()) else {
            return Err(Error::new_spanned(item, WHERE));
        };
        let mut topic = match item {
            Item::Impl(block) => block,
            Item::Struct(other) => {
                let ident = &other.ident;
                return Err(Error::new_spanned(
                    ident,
                    format!("{WHERE}: write `#[topic(…)] impl Topic for {ident} {{ … }}` below"),
                ));
            }
            other => return Err(Error::new_spanned(other, WHERE)),
        };
        match &topic.trait_ {
            Some(_) if implements_topic(&topic) => {}
            Some((_, path, _)) => {
                return Err(Error::new_spanned(
                    path,
                    format!("{WHERE}, and this implements another trait"),
                ));
            }
            None => {
                let self_ty = &topic.self_ty;
                let written = self_ty.to_token_stream();
                return Err(Error::new_spanned(
                    self_ty,
                    format!("{WHERE}: write `impl Topic for {written}`"),
                ));
            }
        }
        let mut consume = Vec::new();
        let mut rest = Vec::new();
        for item in std::mem::take(&mut topic.items) {
            match item {
                ImplItem::Fn(hook) if hook.sig.ident == "consume" => consume.push(hook),
                other => rest.push(other),
            }
        }
        topic.items = rest;
        Ok(Self { topic, consume })
    }

    pub(super) fn function(&self, name: &str) -> Option<&ImplItemFn> {
        self.topic.items.iter().find_map(|item| match item {
            ImplItem::Fn(function) if function.sig.ident == name => Some(function),
            _ => None,
        })
    }

    pub(super) fn associated_type(&self, name: &str) -> Option<&ImplItemType> {
        self.topic.items.iter().find_map(|item| match item {
            ImplItem::Type(associated) if associated.ident == name => Some(associated),
            _ => None,
        })
    }
}
