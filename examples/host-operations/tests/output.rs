//! What the example prints.

use std::process::Command;

#[test]
fn intervals_are_values_of_the_language() {
    let output = Command::new(env!("CARGO_BIN_EXE_host-operations")).output().unwrap();
    let expected = "\
[4]
[]
[11, 12, 13]
[(Error (width 5) (BadArgType 1 Interval Number))]
[passed]
[(grade 101)]
[monday]
[5]
";
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
