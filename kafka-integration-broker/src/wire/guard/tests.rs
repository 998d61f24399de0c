//! The guard beside the codec, over every API and version of the table.

mod header;

use kafka_protocol::messages::ApiKey;

use super::shape::{Kind, Structure};
use super::shapes::SHAPES;
use super::{Fault, MAX_ELEMENTS, Malformed, check};
use crate::fuzzing::{Rng, body, codec, every_version};
use crate::wire::SERVED;

fn fault(result: Result<(), Malformed>) -> Fault {
    match result {
        Err(Malformed::Field { fault, .. }) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_table_is_in_order_and_every_element_takes_a_byte() {
    assert!(SHAPES.is_sorted_by(|a, b| a.api_key < b.api_key));
    fn shortest(kind: &Kind, version: i16, flexible: bool) -> usize {
        match kind {
            Kind::Fixed(size) => *size,
            Kind::Struct(structure) => walk(structure, version, flexible),
            _ => 1,
        }
    }
    fn walk(structure: &Structure, version: i16, flexible: bool) -> usize {
        let there = structure
            .fields
            .iter()
            .chain(structure.tagged.iter().map(|(_, f)| f));
        let mut size = usize::from(flexible);
        for field in there.filter(|field| field.versions.contains(version)) {
            if let Kind::Array(element) = &field.kind {
                assert!(shortest(element, version, flexible) > 0, "{}", field.name);
                assert!(!matches!(element, Kind::Array(_)), "{}", field.name);
            }
            size += shortest(&field.kind, version, flexible);
        }
        size
    }
    for (shape, version) in every_version() {
        walk(&shape.body, version, shape.flexible.contains(version));
    }
}

#[test]
fn everything_served_has_a_shape() {
    for served in SERVED {
        // Produce below 3 is advertised and refused.
        let first = if served.key == ApiKey::Produce {
            3
        } else {
            served.min
        };
        for version in first..=served.max {
            let unsupported = check(served.key as i16, version, &[]);
            let at = format!("{:?} {version}", served.key);
            assert!(
                !matches!(unsupported, Err(Malformed::Unsupported { .. })),
                "{at}"
            );
        }
    }
}

#[test]
fn what_the_codec_writes_unset_passes() {
    for (shape, version) in every_version() {
        let written = codec::unset(shape.api_key, version)
            .unwrap_or_else(|error| panic!("{} {version}: {error}", shape.name));
        assert_eq!(
            check(shape.api_key, version, &written),
            Ok(()),
            "{} {version}",
            shape.name
        );
    }
}

#[test]
fn filled_requests_pass_and_the_codec_reads_the_same() {
    for (shape, version) in every_version() {
        for seed in 0..40 {
            let written = body(shape, version, &mut Rng::new(seed));
            let at = format!("{} {version}, seed {seed}", shape.name);
            assert_eq!(check(shape.api_key, version, &written), Ok(()), "{at}");
            let (left, again) = codec::recode(shape.api_key, version, &written)
                .unwrap_or_else(|error| panic!("{at}: {error}"));
            assert_eq!((left, &*again), (0, &*written), "{at}");
        }
    }
}

#[test]
fn a_body_cut_anywhere_is_refused_and_bytes_behind_it_are_ignored() {
    for (shape, version) in every_version() {
        for seed in 0..3 {
            let mut written = body(shape, version, &mut Rng::new(seed));
            for end in 0..written.len() {
                let cut = check(shape.api_key, version, &written[..end]);
                assert!(
                    cut.is_err(),
                    "{} {version}, seed {seed}, cut at {end}",
                    shape.name
                );
            }
            written.extend([0xff; 9]);
            assert_eq!(
                check(shape.api_key, version, &written),
                Ok(()),
                "{}",
                shape.name
            );
        }
    }
}

#[test]
fn a_count_beyond_the_frame_is_refused() {
    // Metadata 1: a count of i32::MAX, and nothing else.
    let claimed = fault(check(3, 1, &[0x7f, 0xff, 0xff, 0xff]));
    assert_eq!(
        claimed,
        Fault::Truncated {
            wanted: 0x7fff_ffff,
            left: 0
        }
    );
    // Metadata 9: the same as a varint.
    let claimed = fault(check(3, 9, &[0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0]));
    assert_eq!(
        claimed,
        Fault::Truncated {
            wanted: 0xffff_fffe,
            left: 2
        }
    );
    // Metadata 9: no topics, and tagged fields without end.
    let claimed = fault(check(3, 9, &[1, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f]));
    assert_eq!(claimed, Fault::Elements);
}

#[test]
fn elements_are_bounded_over_the_whole_frame() {
    // DescribeGroups 0: groups of two bytes each, all empty strings.
    let groups = |count: usize| {
        let mut frame = (count as i32).to_be_bytes().to_vec();
        frame.resize(4 + 2 * count, 0);
        frame
    };
    assert_eq!(check(15, 0, &groups(MAX_ELEMENTS)), Ok(()));
    assert_eq!(
        fault(check(15, 0, &groups(MAX_ELEMENTS + 1))),
        Fault::Elements
    );
    // OffsetDelete: two topics, of which only both together hold too much.
    let topic = |partitions: usize| {
        let mut topic = vec![0, 0];
        topic.extend((partitions as i32).to_be_bytes());
        topic.resize(topic.len() + 4 * partitions, 0);
        topic
    };
    let topics =
        |partitions: usize| [vec![0, 0, 0, 0, 0, 2], topic(partitions), topic(partitions)].concat();
    assert_eq!(check(47, 0, &topics(MAX_ELEMENTS / 2 - 1)), Ok(()));
    assert_eq!(
        fault(check(47, 0, &topics(MAX_ELEMENTS / 2))),
        Fault::Elements
    );
}

#[test]
fn what_kafka_accepts_passes_too() {
    // Seen on Apache Kafka 4.1.1, which answers each of these.
    let accepted: [(i16, i16, &[u8]); 6] = [
        (3, 9, &[0x81, 0x00, 1, 0, 0, 0]), // a varint longer than it needs
        (3, 9, &[0x81, 0x80, 0x80, 0x80, 0x70, 1, 0, 0, 0]), // bits beyond the 32nd
        (3, 9, &[1, 1, 0, 0, 2, 5, 1, b'a', 5, 1, b'b']), // a tag twice
        (3, 9, &[1, 1, 0, 0, 2, 6, 1, b'a', 5, 1, b'b']), // tags out of order
        (3, 9, &[1, 2, 0, 0, 0]),          // a boolean of 2
        (75, 0, &[2, 2, b't', 0, 0, 0, 0, 1, 0xff, 0]), // no cursor
    ];
    for (key, version, body) in accepted {
        assert_eq!(check(key, version, body), Ok(()), "{body:?}");
        codec::recode(key, version, body).unwrap_or_else(|error| panic!("{body:?}: {error}"));
    }
    // Fetch 16 without topics, its cluster id tagged with a size too small.
    let mut fetch = vec![0; 21];
    fetch.extend([1, 1, 1, 1, 0, 0, 2, b'a']);
    assert_eq!(check(1, 16, &fetch), Ok(()));
    codec::recode(1, 16, &fetch).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn what_kafka_refuses_is_refused() {
    let refused: [(i16, i16, &[u8], Fault); 6] = [
        (
            3,
            9,
            &[0x81, 0x80, 0x80, 0x80, 0x80, 0, 1, 0, 0, 0],
            Fault::Varint,
        ),
        (
            75,
            0,
            &[2, 2, b't', 0, 0, 0, 0, 1, 0, 0],
            Fault::Presence(0),
        ),
        (47, 0, &[0xff, 0xff], Fault::Null),
        (47, 0, &[0, 0, 0xff, 0xff, 0xff, 0xff], Fault::Null),
        // Beyond Kafka: the codec cannot read these.
        (3, 1, &[0xff, 0xff, 0xff, 0xfe], Fault::Negative(-2)),
        (3, 1, &[0, 0, 0, 1, 0, 2, 0xff, 0xfe], Fault::Utf8),
    ];
    for (key, version, body, why) in refused {
        assert_eq!(fault(check(key, version, body)), why, "{body:?}");
    }
    let mut long = vec![0x81, 0x80, 0x02]; // 32768 + 1
    long.extend(vec![b'x'; 32768]);
    assert_eq!(fault(check(12, 4, &long)), Fault::StringLength(32768));
    // Fetch 12 with the tag of version 15.
    let mut fetch = vec![0; 25];
    fetch.extend([1, 1, 1, 1, 1, 1, 0]);
    assert_eq!(fault(check(1, 12, &fetch)), Fault::Tag(1));
}

#[test]
fn unknown_apis_and_versions_are_unsupported() {
    for (api_key, api_version) in [
        (4, 0),
        (-1, 0),
        (i16::MAX, 0),
        (0, 2),
        (0, 14),
        (18, 5),
        (9, 10),
        (3, -1),
    ] {
        let unsupported = Err(Malformed::Unsupported {
            api_key,
            api_version,
        });
        assert_eq!(check(api_key, api_version, &[]), unsupported);
    }
}
