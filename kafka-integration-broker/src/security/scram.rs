//! SCRAM-SHA-256, RFC 5802 and RFC 7677, the server's side.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::Users;

/// Apache Kafka's smallest, and its default.
const ITERATIONS: u32 = 4096;

type Key = [u8; 32];

/// What is kept of a password: enough to check it, not to log in with.
#[derive(Clone)]
pub(super) struct Credential {
    salt: [u8; 16],
    stored_key: Key,
    server_key: Key,
}

impl Credential {
    pub(super) fn of(password: &str) -> Self {
        let salt = Uuid::new_v4().into_bytes();
        let mut salted = Key::default();
        pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), &salt, ITERATIONS, &mut salted);
        let client_key = sign(&salted, b"Client Key");
        Self {
            salt,
            stored_key: Sha256::digest(client_key).into(),
            server_key: sign(&salted, b"Server Key"),
        }
    }
}

/// A login that waits for the client's proof.
pub(crate) struct Challenge {
    credential: Credential,
    nonce: String,
    /// What both sides sign: the client's first message and the answer to it.
    signed: String,
    /// The client's channel binding header, which its proof repeats.
    header: String,
}

/// Answers the client's first message.
pub(super) fn challenge(users: &Users, message: &[u8]) -> Option<(Challenge, String)> {
    let message = std::str::from_utf8(message).ok()?;
    let mut parts = message.splitn(3, ',');
    // No channel binding: there is no encrypted channel to bind to.
    let binding = parts
        .next()
        .filter(|binding| matches!(*binding, "n" | "y"))?;
    let authorize_as = parts.next()?;
    let bare = parts.next()?;
    let mut attributes = bare.split(',');
    let name = attributes.next()?.strip_prefix("n=")?;
    let name = name.replace("=2C", ",").replace("=3D", "=");
    let client_nonce = attributes
        .next()?
        .strip_prefix("r=")
        .filter(|nonce| !nonce.is_empty())?;
    if authorize_as
        .strip_prefix("a=")
        .is_some_and(|other| other != name)
    {
        return None;
    }
    let credential = users.get(&name)?.scram.clone();
    let nonce = format!("{client_nonce}{}", Uuid::new_v4().simple());
    let answer = format!(
        "r={nonce},s={},i={ITERATIONS}",
        BASE64.encode(credential.salt)
    );
    let signed = format!("{bare},{answer}");
    let header = BASE64.encode(format!("{binding},{authorize_as},"));
    Some((
        Challenge {
            credential,
            nonce,
            signed,
            header,
        },
        answer,
    ))
}

impl Challenge {
    /// Checks the client's proof; returns the server's own, or `None` when the
    /// client doesn't know the password.
    pub(super) fn verify(self, message: &[u8]) -> Option<String> {
        let message = std::str::from_utf8(message).ok()?;
        let (without_proof, proof) = message.rsplit_once(",p=")?;
        let mut attributes = without_proof.split(',');
        let header = attributes.next()?.strip_prefix("c=")?;
        let nonce = attributes.next()?.strip_prefix("r=")?;
        // Older librdkafka (2.0.2 was seen to) writes its own nonce twice here;
        // Apache Kafka looks at the end alone, so such clients work with it.
        if header != self.header || !nonce.ends_with(&self.nonce) {
            return None;
        }
        let signed = format!("{},{without_proof}", self.signed);
        let proof: Key = BASE64.decode(proof).ok()?.try_into().ok()?;
        let signature = sign(&self.credential.stored_key, signed.as_bytes());
        let mut client_key = Key::default();
        for (at, byte) in client_key.iter_mut().enumerate() {
            *byte = proof[at] ^ signature[at];
        }
        let stored_key: Key = Sha256::digest(client_key).into();
        if !bool::from(stored_key.ct_eq(&self.credential.stored_key)) {
            return None;
        }
        Some(format!(
            "v={}",
            BASE64.encode(sign(&self.credential.server_key, signed.as_bytes()))
        ))
    }
}

fn sign(key: &[u8], message: &[u8]) -> Key {
    // HMAC takes a key of any length.
    Hmac::<Sha256>::new_from_slice(key).map_or_else(
        |_| Key::default(),
        |mut mac| {
            mac.update(message);
            mac.finalize().into_bytes().into()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> Users {
        let mut users = Users::default();
        users.add("a,b=c".into(), "pencil".into());
        users
    }

    fn attribute<'a>(message: &'a str, name: &str) -> &'a str {
        let mut parts = message.split(',');
        parts
            .find_map(|part| part.strip_prefix(name))
            .unwrap_or_default()
    }

    fn salted(password: &str, server_first: &str) -> Key {
        let salt = BASE64
            .decode(attribute(server_first, "s="))
            .unwrap_or_default();
        let mut salted = Key::default();
        let iterations = attribute(server_first, "i=").parse().unwrap_or(0);
        pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), &salt, iterations, &mut salted);
        salted
    }

    /// The client's proof, written down from the RFC.
    fn proof_over(password: &str, first_bare: &str, server_first: &str, without: &str) -> String {
        let client_key = sign(&salted(password, server_first), b"Client Key");
        let stored: Key = Sha256::digest(client_key).into();
        let signed = format!("{first_bare},{server_first},{without}");
        let signature = sign(&stored, signed.as_bytes());
        let proof: Vec<u8> = client_key
            .iter()
            .zip(signature)
            .map(|(a, b)| a ^ b)
            .collect();
        BASE64.encode(proof)
    }

    /// The client's last message, and the server's answer to it.
    fn proof(password: &str, first_bare: &str, server_first: &str) -> (String, String) {
        let without = format!("c=biws,r={}", attribute(server_first, "r="));
        let proof = proof_over(password, first_bare, server_first, &without);
        let signed = format!("{first_bare},{server_first},{without}");
        let server_key = sign(&salted(password, server_first), b"Server Key");
        let server = BASE64.encode(sign(&server_key, signed.as_bytes()));
        (format!("{without},p={proof}"), format!("v={server}"))
    }

    #[test]
    fn the_right_password_is_accepted_and_answered_with_the_servers_proof() {
        let bare = "n=a=2Cb=3Dc,r=nonce";
        let (challenge, first) =
            challenge(&users(), format!("n,,{bare}").as_bytes()).expect("known");
        let (client, server) = proof("pencil", bare, &first);
        assert_eq!(challenge.verify(client.as_bytes()), Some(server));
    }

    #[test]
    fn another_password_nonce_or_binding_is_refused() {
        let bare = "n=a=2Cb=3Dc,r=nonce";
        let start = || challenge(&users(), format!("n,,{bare}").as_bytes()).expect("known");
        let (login, first) = start();
        assert_eq!(login.verify(proof("pen", bare, &first).0.as_bytes()), None);
        let (login, first) = start();
        let good = proof("pencil", bare, &first).0;
        assert_eq!(
            login.verify(good.replace("r=nonce", "r=other").as_bytes()),
            None
        );
        let (login, first) = start();
        let good = proof("pencil", bare, &first).0;
        assert_eq!(
            login.verify(good.replace("c=biws", "c=eSws").as_bytes()),
            None
        );
        let (login, _) = start();
        assert_eq!(login.verify(b"nonsense"), None);
    }

    #[test]
    fn a_client_that_repeats_its_own_nonce_is_accepted_as_by_kafka() {
        let bare = "n=a=2Cb=3Dc,r=nonce";
        let (login, first) = challenge(&users(), format!("n,,{bare}").as_bytes()).expect("known");
        let without = format!("c=biws,r=nonce{}", attribute(&first, "r="));
        let proof = proof_over("pencil", bare, &first, &without);
        let answer = login.verify(format!("{without},p={proof}").as_bytes());
        assert!(answer.is_some());
    }

    #[test]
    fn a_first_message_that_makes_no_sense_is_refused() {
        for message in [
            "",
            "n,,",
            "p=tls-unique,,n=a,r=x",
            "n,,n=nobody,r=x",
            "n,,n=a=2Cb=3Dc,r=",
            "n,a=x,n=a=2Cb=3Dc,r=y",
        ] {
            assert!(
                challenge(&users(), message.as_bytes()).is_none(),
                "{message}"
            );
        }
    }
}
