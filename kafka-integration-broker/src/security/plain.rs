//! SASL PLAIN, RFC 4616: `[authzid] NUL name NUL password`.

use subtle::ConstantTimeEq;

use super::Users;

/// Whether the client's only message names a user and the right password.
pub(super) fn accepts(users: &Users, message: &[u8]) -> bool {
    let parts: Vec<&[u8]> = message.split(|byte| *byte == 0).collect();
    let [authorize_as, name, password] = parts[..] else {
        return false;
    };
    let Ok(name) = std::str::from_utf8(name) else {
        return false;
    };
    // Nobody may act for somebody else.
    if !authorize_as.is_empty() && authorize_as != name.as_bytes() {
        return false;
    }
    users
        .get(name)
        .is_some_and(|user| bool::from(user.password.as_bytes().ct_eq(password)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_is_accepted() {
        let mut users = Users::default();
        users.add("ann".into(), "secret".into());
        assert!(accepts(&users, b"\0ann\0secret"));
        assert!(accepts(&users, b"ann\0ann\0secret"));
        for wrong in [
            &b"\0ann\0wrong"[..],
            b"\0ann\0secre",
            b"\0bob\0secret",
            b"bob\0ann\0secret",
            b"ann\0secret",
            b"\0ann\0secret\0",
            b"",
            b"\0\xff\0secret",
        ] {
            assert!(!accepts(&users, wrong), "{wrong:?}");
        }
    }
}
