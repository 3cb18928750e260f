//! Values and texts that programs trip over.

use super::chance::Chance;

/// Numbers at limits, values of wrong types, and values that are probably right, so that some inputs get further.
const VALUES: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "7",
    "-1",
    "0.0",
    "0.5",
    "1.0",
    "-0.0",
    "0.99",
    "1e-8",
    "true",
    "false",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "9223372036854775808",
    "4611686018427387904",
    "4294967295",
    "4294967296",
    "2147483648",
    "65535",
    "65536",
    "255",
    "256",
    "1000000",
    "100000000",
    "1000000000000",
    "1e400",
    "1e308",
    "-1e308",
    "3.5e38",
    "1e-320",
    "1e15",
    "1e6",
    "nan",
    "-nan",
    "inf",
    "-inf",
    "0x7fffffffffffffff",
    "1_000",
    "\"\"",
    "\"x\"",
    "\"1\"",
    "\"A\"",
    "\"../../x\"",
    "\"/\"",
    "\".\"",
    "\"\\u0000\"",
    "\"\\u202e\"",
    "\"nan\"",
    "[]",
    "[1]",
    "[[[]]]",
    "[1,2]",
    "[0,0]",
    "[255,255]",
    "[1000000,1000000]",
    "[-1,-1]",
    "[nan,nan]",
    "[1e308,-1e308]",
    "[[1,2],[3]]",
    "[[nan]]",
    "[\"x\"]",
    "[[\"x\",1.0]]",
    "{}",
    "{a=1}",
    "{a={b={c={}}}}",
    "1979-05-27",
    "07:32:00",
    "=",
    "'''",
    "\"",
    "[",
    "]",
    "#",
];

/// Returns a value in the syntax of TOML, or something that looks like one.
pub fn value(chance: &mut Chance) -> String {
    match chance.below(60) {
        0 => format!("\"{}\"", "A".repeat(5000)),
        1 => "[".repeat(200),
        2 => format!("{}{}", "[".repeat(50), "]".repeat(50)),
        3 => format!("[{}]", "1,".repeat(2000)),
        4 => format!("{}", chance.below(1000)),
        5 => format!("{:e}", f32::from_bits(chance.below(u32::MAX as usize) as u32)),
        6 => format!("\"{}\"", "ä".repeat(300)),
        _ => (*chance.pick(VALUES)).to_owned(),
    }
}

/// Returns a value in the syntax of JSON.
pub fn json(chance: &mut Chance) -> String {
    const VALUES: &[&str] = &[
        "0",
        "-1",
        "1",
        "2",
        "3",
        "5",
        "64",
        "1000000",
        "1000000000",
        "1099511627776",
        "4611686018427387904",
        "9223372036854775808",
        "18446744073709551615",
        "4294967295",
        "1e300",
        "-1e300",
        "3.5e38",
        "1e-320",
        "-0.0",
        "0.5",
        "null",
        "true",
        "false",
        "\"\"",
        "\"x\"",
        "\"nan\"",
        "\"../x\"",
        "[]",
        "[0]",
        "[1]",
        "[-1,5]",
        "[0,0]",
        "[4,0]",
        "[1000000000,5]",
        "[4611686018427387904,4]",
        "[9223372036854775808,9223372036854775808]",
        "[0,18446744073709551615]",
        "{}",
        "{\"x\":1}",
        "\"F64\"",
        "\"BOOL\"",
        "\"I64\"",
        "\"gru\"",
        "\"lstm\"",
        "\"elu\"",
        "\"layer\"",
    ];
    match chance.below(40) {
        0 => format!("[{}0]", "0,".repeat(20_000)),
        1 => format!("\"{}\"", "x".repeat(5000)),
        2 => format!("{}{}", "[".repeat(120), "]".repeat(120)),
        3 => "[".repeat(5000),
        4 => chance.below(100).to_string(),
        _ => (*chance.pick(VALUES)).to_owned(),
    }
}

/// Changes some bytes: replaces, removes, repeats and inserts them.
pub fn scramble(chance: &mut Chance, mut data: Vec<u8>) -> Vec<u8> {
    for _ in 0..*chance.pick(&[1, 1, 1, 2, 5, 30]) {
        if data.is_empty() {
            break;
        }
        let at = chance.below(data.len());
        let end = |n: usize| (at + n).min(data.len());
        match chance.below(6) {
            0 | 1 => data[at] = chance.below(256) as u8,
            2 => drop(data.drain(at..end(1 + chance.below(8)))),
            3 => drop(data.splice(at..at, value(chance).bytes().take(60))),
            4 => {
                let from = chance.below(data.len());
                let part = data[from..(from + 40).min(data.len())].to_vec();
                drop(data.splice(at..at, part));
            }
            _ => {
                // The digits from here become a number at a limit.
                let digits = data[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                drop(data.splice(at..at + digits, value(chance).bytes().take(60)));
            }
        }
    }
    data
}

/// Returns bytes without any structure, or with nothing but depth.
pub fn shapeless(chance: &mut Chance) -> Vec<u8> {
    let many = *chance.pick(&[10, 200, 20_000]);
    match chance.below(4) {
        0 => {
            let n = *chance.pick(&[0, 1, 10, 1000, 20_000]);
            chance.bytes(n)
        }
        1 => chance
            .pick(&["[", "{a=", "a.", "x = [", "[[a]]\n", "[a.b]\n", "{\"a\":", "# "])
            .repeat(many)
            .into(),
        2 => chance
            .pick(&["\n", "\r\n", "\0", "=\n", "a=1\n", "[1,1,1]\n", "\u{feff}"])
            .repeat(many)
            .into(),
        _ => format!("{}\n", value(chance)).repeat(1 + chance.below(20)).into_bytes(),
    }
}

/// Replaces some numbers of a text by small ones, which are often valid.
pub fn renumber(chance: &mut Chance, text: &str) -> String {
    let mut renumbered = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|symbol: char| symbol.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        let end = from.find(|symbol: char| !symbol.is_ascii_digit()).unwrap_or(from.len());
        renumbered += before;
        match chance.one_in(3) {
            true => renumbered += &chance.below(40).to_string(),
            false => renumbered += &from[..end],
        }
        rest = &from[end..];
    }
    renumbered + rest
}
