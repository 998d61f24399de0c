//! The consume hook, of messages or of batches.

use syn::{AttrStyle, Attribute, Error, FnArg, ImplItem, ImplItemFn, ItemImpl, Type, parse_quote};

use super::batch::Batch;
use super::block::Block;

const CONSUME: &str = "async fn consume(&self, message: Message<Self>, cx: &Context) \
                       -> Result<(), ConsumeError>";
const CONSUME_BATCH: &str = "async fn consume(&self, batch: Batch<Self>, cx: &Context) \
                             -> Result<(), BatchError>";

/// The batch that a hook takes; none if it takes a message, or what the
/// compiler will refuse.
fn batch_of(hook: &ImplItemFn) -> Option<&Type> {
    let FnArg::Typed(input) = hook.sig.inputs.iter().nth(1)? else {
        return None;
    };
    let Type::Path(path) = &*input.ty else {
        return None;
    };
    let last = path.path.segments.last()?;
    (last.ident == "Batch").then_some(&input.ty)
}

/// Whether a condition may leave it out.
fn is_conditional(hook: &ImplItemFn) -> bool {
    hook.attrs.iter().any(|a| a.path().is_ident("cfg"))
}

/// Refuses hooks that can't be, and a `batch(…)` without its hook.
pub(super) fn check(block: &Block, batch: Option<&Batch>, errors: &mut Vec<Error>) {
    for hook in &block.consume {
        if hook.sig.asyncness.is_none() {
            let example = match batch_of(hook) {
                Some(_) => CONSUME_BATCH,
                None => CONSUME,
            };
            errors.push(Error::new_spanned(
                hook.sig.fn_token,
                format!("the consume hook is asynchronous: write `{example}`"),
            ));
        }
    }
    let mut of_batches = block.consume.iter().filter(|hook| batch_of(hook).is_some());
    let mut of_messages = block.consume.iter().filter(|hook| batch_of(hook).is_none());
    if let (Some(batch), None) = (batch, of_batches.clone().next()) {
        let place = match of_messages.clone().next() {
            Some(_) => "the consume hook takes a message at a time: let it take a batch",
            None => "there is no consume hook: add one",
        };
        errors.push(Error::new(
            batch.span,
            format!("`batch(…)` says when a batch goes to the consume hook, and {place}, `{CONSUME_BATCH}`"),
        ));
    }
    if let (Some(first), Some(second)) = (of_messages.next(), of_batches.next())
        && !(is_conditional(first) || is_conditional(second))
    {
        errors.push(Error::new_spanned(
            &second.sig,
            "a topic consumes messages or batches, not both; remove one of the consume hooks",
        ));
    }
}

/// The consume hooks as `impl Consume`, their tokens as the user wrote them so
/// that the compiler's errors point at them.
pub(super) fn implementations(block: &Block) -> Vec<ItemImpl> {
    let (of_batches, of_messages): (Vec<_>, Vec<_>) = block
        .consume
        .iter()
        .partition(|hook| batch_of(hook).is_some());
    let of = |hooks: &[&ImplItemFn]| implementation(block, hooks);
    of(&of_messages)
        .into_iter()
        .chain(of(&of_batches))
        .collect()
}

/// Of hooks that take the same.
fn implementation(block: &Block, hooks: &[&ImplItemFn]) -> Option<ItemImpl> {
    let first = *hooks.first()?;
    let mut consume = block.topic.clone();
    consume.attrs = shared_attributes(&block.topic.attrs);
    if hooks.len() == 1 {
        // A hook that is compiled out takes its `impl` with it.
        let conditions = first.attrs.iter().filter(|a| a.path().is_ident("cfg"));
        consume.attrs.extend(conditions.cloned());
    }
    if let Some((_, path, _)) = &mut consume.trait_ {
        *path = match batch_of(first) {
            Some(batch) => parse_quote! { ::kafka_integration::topic::Consume<#batch> },
            None => parse_quote! { ::kafka_integration::topic::Consume },
        };
    }
    let hooks = hooks.iter().map(|hook| ImplItem::Fn((*hook).clone()));
    consume.items = hooks.collect();
    Some(consume)
}

/// The block's attributes that hold for its consume hook as well: all but its
/// documentation.
fn shared_attributes(attributes: &[Attribute]) -> Vec<Attribute> {
    let shared = attributes.iter().filter(|a| !a.path().is_ident("doc"));
    shared
        .cloned()
        .map(|attribute| Attribute {
            style: AttrStyle::Outer,
            ..attribute
        })
        .collect()
}
