//! The requests that a connection may send before it is logged in.

use bytes::{Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{
    ApiKey, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest,
    SaslHandshakeResponse,
};
use kafka_protocol::protocol::StrBytes;

use crate::api::{self, Code, Stop};
use crate::core::RequestContext;
use crate::security::{Login, Step, Users};
use crate::wire::{AnswerShare, Frame, served};

const REFUSED: &str = "Authentication failed: unknown user or wrong password.";

/// What to send, and whether the connection ends after it.
pub(super) struct Answered {
    pub(super) response: BytesMut,
    pub(super) close: Option<String>,
    /// Given back once it is sent.
    pub(super) share: AnswerShare,
}

impl Answered {
    fn go_on(response: BytesMut) -> Self {
        Self {
            response,
            close: None,
            share: AnswerShare::default(),
        }
    }
}

/// Answers the requests of the login itself; `None` when it is another one,
/// which may be answered as usual.
///
/// # Errors
/// The request may not be sent now, or can't be read.
pub(super) async fn answer(
    login: &mut Login,
    cx: &RequestContext,
    frame: &Frame,
) -> Result<Option<Answered>, Stop> {
    let is = |key: ApiKey| frame.api_key == key as i16;
    let in_range =
        served(frame.api_key).is_some_and(|api| (api.min..=api.max).contains(&frame.version));
    // So it stays when a fault on purpose refuses the request.
    let mut close = Some(REFUSED.to_string());
    let response = if is(ApiKey::SaslHandshake) && in_range {
        let handle = async |cx: &RequestContext, request| {
            let (response, why) = handshake(login, &request, cx.version);
            close = why;
            Ok(response)
        };
        api::answer(cx.clone(), frame, handle).await?
    } else if is(ApiKey::SaslAuthenticate) && in_range {
        let handle = async |cx: &RequestContext, request| {
            let (response, why) = message(login, &cx.core.options.users, &request);
            close = why;
            Ok(response)
        };
        api::answer(cx.clone(), frame, handle).await?
    } else {
        return match login {
            Login::Done => Ok(None),
            Login::Waiting if is(ApiKey::ApiVersions) => Ok(None),
            _ => Err(Stop::Close(format!(
                "API {} before the login",
                frame.api_key
            ))),
        };
    };
    Ok(Some(Answered {
        response,
        close,
        share: AnswerShare::default(),
    }))
}

fn handshake(
    login: &mut Login,
    request: &SaslHandshakeRequest,
    version: i16,
) -> (SaslHandshakeResponse, Option<String>) {
    // On a connection that needs no login there is none to begin.
    let listed = !login.is_done();
    let chosen = login.choose(&request.mechanism, version == 0);
    let names = Login::mechanisms()
        .iter()
        .map(|name| StrBytes::from_static_str(name));
    let response = SaslHandshakeResponse::default()
        .with_error_code(chosen.err().number())
        .with_mechanisms(if listed { names.collect() } else { Vec::new() });
    let close = chosen.err().filter(|_| listed).map(|_| {
        format!(
            "the SASL mechanism {} is not offered, or not now",
            request.mechanism.as_str()
        )
    });
    (response, close)
}

fn message(
    login: &mut Login,
    users: &Users,
    request: &SaslAuthenticateRequest,
) -> (SaslAuthenticateResponse, Option<String>) {
    let was_done = login.is_done();
    let refused = |error: ResponseError, text: &'static str| {
        SaslAuthenticateResponse::default()
            .with_error_code(error.number())
            .with_error_message(Some(StrBytes::from_static_str(text)))
    };
    match login.message(users, &request.auth_bytes) {
        Ok(Step::Continue(bytes) | Step::Done(bytes)) => (
            SaslAuthenticateResponse::default().with_auth_bytes(Bytes::from(bytes)),
            None,
        ),
        Ok(Step::Refused) => (
            refused(ResponseError::SaslAuthenticationFailed, REFUSED),
            Some(REFUSED.to_string()),
        ),
        Err(error) => {
            let text = "No SASL mechanism was chosen, or the login is done.";
            (refused(error, text), (!was_done).then(|| text.to_string()))
        }
    }
}

/// Answers a message that came as a bare frame.
///
/// # Errors
/// The login is refused: this old form has no way to say so but to hang up.
pub(super) fn bare(login: &mut Login, users: &Users, message: &[u8]) -> Result<Answered, Stop> {
    match login.message(users, message) {
        Ok(Step::Continue(bytes) | Step::Done(bytes)) => {
            Ok(Answered::go_on(BytesMut::from(&bytes[..])))
        }
        Ok(Step::Refused) | Err(_) => Err(Stop::Close(REFUSED.to_string())),
    }
}
