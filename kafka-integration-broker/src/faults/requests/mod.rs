//! What every request names, and the answer that refuses it.

mod cluster;
mod configs;
mod groups;
mod offsets;
mod records;
mod topics;
mod transactions;

use kafka_protocol::messages::TopicName;
use uuid::Uuid;

use crate::core::RequestContext;

/// Requests that are refused as a whole: their answer has one place for an
/// error.
macro_rules! refused_on_top {
    ($($request:ident => $answer:ident, |$asked:ident| $subject:expr;)*) => {$(
        impl Faultable for $request {
            type Answer = $answer;

            fn cut(
                &mut self,
                _cx: &RequestContext,
                is_meant: &mut dyn FnMut(&Subject<'_>) -> bool,
            ) -> Cut<Self> {
                let $asked = self;
                Cut::whole_if(is_meant(&$subject))
            }

            fn refuse(self, _cx: &RequestContext, code: i16) -> Result<Self::Answer, Stop> {
                Ok($answer::default().with_error_code(code))
            }
        }
    )*};
}
use refused_on_top;

/// Requests with a list of things, each of which has an error of its own in
/// the answer. The first closure says what one of the things is, the second
/// refuses it.
macro_rules! refused_one_by_one {
    ($($request:ident.$list:ident => $answer:ident.$results:ident,
        |$item:ident| $subject:expr, |$refused:ident, $code:ident| $result:expr;)*) => {$(
        impl Faultable for $request {
            type Answer = $answer;

            fn cut(
                &mut self,
                _cx: &RequestContext,
                is_meant: &mut dyn FnMut(&Subject<'_>) -> bool,
            ) -> Cut<Self> {
                cut_list(self, |request| &mut request.$list, |item| match item {
                    Some($item) => is_meant(&$subject),
                    None => is_meant(&Subject::PLACELESS),
                })
            }

            fn refuse(self, _cx: &RequestContext, $code: i16) -> Result<Self::Answer, Stop> {
                let results = self.$list.into_iter().map(|$refused| $result);
                let mut answer = $answer::default();
                answer.$results = results.collect();
                Ok(answer)
            }

            fn merge(answer: &mut Self::Answer, refused: Self::Answer) {
                answer.$results.extend(refused.$results);
            }
        }
    )*};
}
use refused_one_by_one;

/// Calls `with` with a topic's name, which a request gives, or else its id.
pub(super) fn with_topic<T>(
    cx: &RequestContext,
    name: &TopicName,
    id: Uuid,
    with: impl FnOnce(Option<&str>) -> T,
) -> T {
    if id.is_nil() {
        return with(Some(name.as_str()));
    }
    let topic = cx.core.catalogue.topic_by_id(id);
    with(topic.as_ref().map(|topic| &*topic.name))
}
