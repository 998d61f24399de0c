//! What requests are about, and how a part of one is refused.

use std::fmt::Debug;

use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion};

use crate::api::Stop;
use crate::core::RequestContext;

/// One of the things that a request is about.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) topic: Option<&'a str>,
    pub(crate) group: Option<&'a str>,
    pub(crate) transactional_id: Option<&'a str>,
    /// The answer has no place for an error about it.
    pub(crate) placeless: bool,
}

impl<'a> Subject<'a> {
    /// Nothing: the request's list is empty.
    pub(crate) const PLACELESS: Self = Self {
        topic: None,
        group: None,
        transactional_id: None,
        placeless: true,
    };

    pub(crate) fn topic(name: &'a str) -> Self {
        Self {
            topic: Some(name),
            ..Self::default()
        }
    }

    pub(crate) fn group(id: &'a str) -> Self {
        Self {
            group: Some(id),
            ..Self::default()
        }
    }

    pub(crate) fn transaction(id: &'a str) -> Self {
        Self {
            transactional_id: Some(id),
            ..Self::default()
        }
    }
}

/// What was taken out of a request.
#[derive(Debug)]
pub(crate) enum Cut<R> {
    Nothing,
    /// These; the request has the others.
    Part(R),
    /// The request has nothing else.
    Whole,
}

impl<R> Cut<R> {
    pub(crate) fn whole_if(is_meant: bool) -> Self {
        if is_meant { Self::Whole } else { Self::Nothing }
    }
}

/// A request that can be refused on purpose, in whole or in part.
pub(crate) trait Faultable: Decodable + Clone + Debug {
    type Answer: Encodable + HeaderVersion + Debug;

    /// Whether it or its answer has what no log may show.
    const IS_SECRET: bool = false;

    /// Takes out the subjects that are meant. `is_meant` is asked about every
    /// one of them, and at least once.
    fn cut(
        &mut self,
        cx: &RequestContext,
        is_meant: &mut dyn FnMut(&Subject<'_>) -> bool,
    ) -> Cut<Self>;

    /// The answer with this error in every place where a broker puts one.
    ///
    /// # Errors
    /// The client waits for no answer.
    fn refuse(self, cx: &RequestContext, code: i16) -> Result<Self::Answer, Stop>;

    /// Adds the answer to the part that was refused to that of the rest.
    /// Requests that are never cut in parts need none.
    fn merge(_answer: &mut Self::Answer, _refused: Self::Answer) {}

    /// Whether [`refuse`](Self::refuse) is where this error is made; others
    /// are made by the handler.
    fn refuses(_code: i16) -> bool {
        true
    }

    /// The version that an answer is written in.
    fn answer_version(_answer: &Self::Answer, version: i16) -> i16 {
        version
    }
}

/// [`Faultable::cut`] for a request with a list; `is_meant` gets `None` when
/// the list is empty.
pub(super) fn cut_list<R: Clone, T>(
    request: &mut R,
    list: impl for<'a> Fn(&'a mut R) -> &'a mut Vec<T>,
    mut is_meant: impl FnMut(Option<&T>) -> bool,
) -> Cut<R> {
    if list(request).is_empty() {
        return Cut::whole_if(is_meant(None));
    }
    let taken: Vec<T> = list(request)
        .extract_if(.., |item| is_meant(Some(item)))
        .collect();
    if taken.is_empty() {
        return Cut::Nothing;
    }
    if list(request).is_empty() {
        *list(request) = taken;
        return Cut::Whole;
    }
    let mut part = request.clone();
    *list(&mut part) = taken;
    Cut::Part(part)
}
