//! The codec against the fixed vectors of TensorBoard's format and against hostile bytes.

use proptest::prelude::*;

use super::super::record::frame;
use super::super::wire::put_varint;
use super::*;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn summary(step: u64, wall_time: f64, tag: &str, datum: Datum<'static>) -> Event<'static> {
    let value = Value { tag: Cow::Owned(tag.to_owned()), datum };
    Event { wall_time, step, content: Content::Summary(vec![value]) }
}

#[test]
fn the_file_version_record_is_byte_for_byte_tensorboards() {
    let event = Event { wall_time: 1.0, step: 0, content: Content::FileVersion(FILE_VERSION.into()) };
    assert_eq!(
        hex(&frame(&event.encode())),
        "1800000000000000a37f4b2209000000000000f03f1a0d627261696e2e4576656e743a3286bf577a"
    );
}

#[test]
fn a_scalar_record_is_byte_for_byte_tensorboards() {
    let event = summary(5, 2.0, "train/loss", Datum::Scalar(0.5));
    assert_eq!(
        hex(&frame(&event.encode())),
        "200000000000000029eda95009000000000000004010052a130a110a0a747261696e2f6c6f7373150000003f692b299c"
    );
}

#[test]
fn text_pictures_and_restarts_survive_the_round_trip() {
    let image = Image { height: 2, width: 3, colorspace: 3, encoded: b"\x89PNG" };
    for event in [
        summary(1, 3.5, "samples/text", Datum::Text("# Answer\nGrüße".into())),
        summary(2, 4.5, "samples/0", Datum::Image(image)),
        summary(3, 5.5, "train/loss", Datum::Scalar(f64::INFINITY)),
        Event { wall_time: 6.0, step: 40, content: Content::SessionStart },
    ] {
        let bytes = event.encode();
        assert_eq!(Event::decode(&bytes), Ok(event));
    }
}

#[test]
fn a_tensor_of_another_plugin_is_not_taken_for_a_scalar() {
    let mut tensor = Vec::new();
    put_varint_field(&mut tensor, 1, 1);
    put_float(&mut tensor, 5, 0.5);
    assert_eq!(of_tensor(&tensor, b"scalars"), Ok(Datum::Scalar(0.5)));
    assert_eq!(of_tensor(&tensor, b"histograms"), Ok(Datum::Other));
}

#[test]
fn unknown_fields_are_skipped() {
    let mut bytes = summary(5, 2.0, "a", Datum::Scalar(0.5)).encode();
    put_bytes(&mut bytes, 99, b"new");
    put_varint(&mut bytes, 98 << 3);
    put_varint(&mut bytes, 12_345);
    assert_eq!(Event::decode(&bytes), Ok(summary(5, 2.0, "a", Datum::Scalar(0.5))));
}

#[test]
fn other_session_states_are_no_restart() {
    let mut session = Vec::new();
    put_varint_field(&mut session, 1, 3);
    let mut bytes = Vec::new();
    put_bytes(&mut bytes, 7, &session);
    assert_eq!(Event::decode(&bytes).map(|event| event.content), Ok(Content::Other));
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Event::decode(&bytes);
    }

    #[test]
    fn damaged_events_never_panic(at in 0usize..60, to in any::<u8>()) {
        let mut bytes = summary(5, 2.0, "samples/text", Datum::Text("some text".into())).encode();
        let at = at % bytes.len();
        bytes[at] = to;
        let _ = Event::decode(&bytes);
    }

    #[test]
    fn scalars_survive(step in 0u64..=i64::MAX as u64, time in any::<f64>(), value in any::<f32>(), tag in "[a-z/]{0,20}") {
        let event = summary(step, time, &tag, Datum::Scalar(f64::from(value)));
        let bytes = event.encode();
        let read = Event::decode(&bytes).unwrap();
        prop_assert_eq!(read.wall_time.to_bits(), time.to_bits());
        prop_assert_eq!(read.step, step);
        let Content::Summary(values) = read.content else { panic!("no summary") };
        prop_assert_eq!(&*values[0].tag, tag.as_str());
        let Datum::Scalar(number) = values[0].datum else { panic!("no scalar") };
        prop_assert!(number.to_bits() == f64::from(value).to_bits() || (number.is_nan() && value.is_nan()));
    }
}
