//! The module `fileio` (semantics 15.11), for hosts that let programs touch files.

use std::any::Any;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};

use metta_atom::{Atom, Foreign, Grounded};
use metta_eval::{BuiltinModule, Effect, Function, OperationError};

/// An open file.
#[derive(Debug)]
struct FileHandle(File);

impl fmt::Display for FileHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileHandle")
    }
}

impl Foreign for FileHandle {
    fn type_atom(&self) -> Atom {
        Atom::symbol("FileHandle")
    }

    fn equals(&self, other: &dyn Foreign) -> bool {
        other.as_any().downcast_ref().is_some_and(|other| std::ptr::eq(self, other))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

type Results = Result<Vec<Atom>, OperationError>;

/// Makes the module `fileio`, with which programs read and write files with the rights of the process.
///
/// It is not there unless a host adds it to its library.
pub fn file_module() -> BuiltinModule {
    let function =
        |name, types, call: fn(&[Atom]) -> Results| Function::new(name, types, Effect::Outside, call);
    BuiltinModule::new("fileio", include_str!("fileio.metta"))
        .operation(function("file-open!", "(-> String String FileHandle)", open))
        .operation(function("file-read-to-string!", "(-> FileHandle String)", read))
        .operation(function("file-write!", "(-> FileHandle String ())", write))
        .operation(function("file-seek!", "(-> FileHandle Number ())", seek))
        .operation(function("file-read-exact!", "(-> FileHandle Number String)", read_exact))
        .operation(function("file-get-size!", "(-> FileHandle Number)", size))
}

fn open(args: &[Atom]) -> Results {
    let [Atom::Grounded(Grounded::Text(path)), Atom::Grounded(Grounded::Text(letters))] = args else {
        return failed("file-open! expects filepath and options in form of string atoms as an argument");
    };
    let mut options = OpenOptions::new();
    for letter in letters.chars() {
        match letter {
            'r' => options.read(true),
            'w' => options.write(true),
            'c' => options.create(true),
            'a' => options.append(true),
            't' => options.truncate(true),
            _ => {
                return failed(format!(
                    "Failed to open file with provided path={path} and options={letters}"
                ));
            }
        };
    }
    match options.open(&**path) {
        Ok(file) => Ok(vec![Atom::foreign(FileHandle(file))]),
        Err(error) => {
            failed(format!("Failed to open file with provided path={path} and options={letters}: {error}"))
        }
    }
}

fn read(args: &[Atom]) -> Results {
    let [Some(mut file)] = args.iter().map(handle).collect::<Vec<_>>()[..] else {
        return failed("file-read-to-string! expects filehandle as an argument");
    };
    let mut text = String::new();
    match file.read_to_string(&mut text) {
        Ok(_) => Ok(vec![Atom::text(text)]),
        Err(error) => failed(format!("Failed to read file contents: {error}")),
    }
}

fn read_exact(args: &[Atom]) -> Results {
    let (Some(file), Some(count)) = (args.first().and_then(handle), args.get(1).and_then(natural)) else {
        return failed("file-read-exact! expects filehandle and number of bytes to read as an arguments");
    };
    let mut bytes = Vec::new();
    if let Err(error) = file.take(count).read_to_end(&mut bytes) {
        return failed(format!("Failed to read file contents: {error}"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(vec![Atom::text(text)]),
        Err(_) => failed("Failed to read file contents: stream did not contain valid UTF-8"),
    }
}

fn write(args: &[Atom]) -> Results {
    let (Some(mut file), Some(Atom::Grounded(Grounded::Text(text)))) =
        (args.first().and_then(handle), args.get(1))
    else {
        return failed("file-write! expects filehandle and content (string atom) as an arguments");
    };
    match file.write_all(text.as_bytes()).and_then(|()| file.flush()) {
        Ok(()) => Ok(vec![Atom::unit()]),
        Err(error) => failed(format!("Failed to write to file: {error}")),
    }
}

fn seek(args: &[Atom]) -> Results {
    let (Some(mut file), Some(place)) = (args.first().and_then(handle), args.get(1).and_then(natural)) else {
        return failed("file-seek! expects filehandle and start byte (number) as an arguments");
    };
    match file.seek(SeekFrom::Start(place)) {
        Ok(_) => Ok(vec![Atom::unit()]),
        Err(error) => failed(format!("Failed to seek in file: {error}")),
    }
}

fn size(args: &[Atom]) -> Results {
    let Some(file) = args.first().and_then(handle) else {
        return failed("file-get-size! expects filehandle as an argument");
    };
    match file.metadata() {
        Ok(metadata) => Ok(vec![Atom::integer(i64::try_from(metadata.len()).unwrap_or(i64::MAX))]),
        Err(error) => failed(format!("Failed to get size of file: {error}")),
    }
}

/// The file behind an atom.
fn handle(atom: &Atom) -> Option<&File> {
    atom.as_foreign().map(|FileHandle(file)| file)
}

/// A number as a count of bytes: without its fraction, 0 when it is negative.
fn natural(atom: &Atom) -> Option<u64> {
    atom.as_number().map(|number| number.to_f64() as u64)
}

fn failed(message: impl Into<String>) -> Results {
    Err(OperationError::Failed(message.into()))
}
