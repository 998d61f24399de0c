#!/usr/bin/env python3
"""Writes src/wire/guard/shapes.rs from Kafka's own message definitions.

    tools/shapes.py path/to/kafka-clients-4.1.1.jar      (or a folder of *Request.json)

The definitions are in `common/message/` of the jar. The output goes through
rustfmt; run it again with a newer jar to follow a newer Kafka, and list a new
API in KEYS first. Python's standard library and rustfmt are all it needs.
"""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

# The APIs the broker serves or will serve, by key.
KEYS = [
    0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
    24, 25, 26, 28, 32, 33, 36, 37, 42, 44, 47, 60, 61, 65, 66, 68, 69, 75,
]  # fmt: skip

OUT = Path(__file__).resolve().parent.parent / "src/wire/guard/shapes.rs"

FIXED = {
    "bool": 1, "int8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4,
    "int64": 8, "float64": 8, "uuid": 16,
}  # fmt: skip
OPEN = 32767


def definitions(source):
    """Every request definition, by API key; and a name for where it came from."""
    if source.is_dir():
        texts = [p.read_text() for p in sorted(source.glob("*Request.json"))]
    else:
        with zipfile.ZipFile(source) as jar:
            names = [n for n in jar.namelist() if re.fullmatch(r"common/message/\w+Request\.json", n)]
            texts = [jar.read(n).decode() for n in sorted(names)]
    parsed = [json.loads(re.sub(r"^\s*//.*$", "", t, flags=re.M)) for t in texts]
    return {d["apiKey"]: d for d in parsed}, source.name


def span(text):
    """ "3-13", "4", "7+" or "none" as (first, last), None for none."""
    if not text or text == "none":
        return None
    if text.endswith("+"):
        return int(text[:-1]), OPEN
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def versions(found):
    if found is None:
        return "NEVER"
    first, last = found
    return f"since({first})" if last == OPEN else f"within({first}, {last})"


class Api:
    def __init__(self, definition):
        self.definition = definition
        self.name = definition["name"].removesuffix("Request")
        self.common = {c["name"]: c for c in definition.get("commonStructs", [])}
        self.structs = {}  # Kafka's name of a struct -> its Rust text

    def kind(self, type_, field):
        if type_.startswith("[]"):
            return f"Array(&{self.kind(type_[2:], field)})"
        if type_ in FIXED:
            return f"Fixed({FIXED[type_]})"
        if type_ == "string":
            return "String"
        # Records are bytes to the walk: the batches in them are read elsewhere.
        if type_ in ("bytes", "records"):
            return "Bytes"
        fields = field.get("fields") or self.common[type_]["fields"]
        if type_ not in self.structs:
            self.structs[type_] = None  # reserves the place, so that the order is the definition's
            self.structs[type_] = self.struct(fields)
        return f"Struct(&{self.static(type_)})"

    def static(self, type_):
        name = type_ if type_.startswith(self.name) else self.name + type_
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
        return words.upper()

    def field(self, field):
        assert "flexibleVersions" not in field, f"{self.name}: {field['name']} has its own flexible versions"
        kind = self.kind(field["type"], field)
        at, null = versions(span(field["versions"])), versions(span(field.get("nullableVersions")))
        return f'field("{field["name"]}", {at}, {null}, {kind})'

    def struct(self, fields):
        plain, tagged = [], []
        for field in fields:
            if span(field["versions"]) is None:
                continue
            if "tag" not in field:
                plain.append(self.field(field))
                continue
            assert span(field["taggedVersions"]) == span(field["versions"]), "sometimes tagged, sometimes not"
            tagged.append(f"({field['tag']}, {self.field(field)})")
        return f"Structure {{ fields: &[{', '.join(plain)}], tagged: &[{', '.join(tagged)}] }}"

    def rust(self):
        body = self.struct(self.definition["fields"])
        first, last = span(self.definition["validVersions"])
        if self.definition.get("latestVersionUnstable"):
            last -= 1
        flexible = span(self.definition["flexibleVersions"])
        row = (
            f'Shape {{ api_key: {self.definition["apiKey"]}, name: "{self.name}", '
            f"versions: within({first}, {last}), flexible: {versions(flexible)}, body: {body} }}"
        )
        statics = [f"static {self.static(n)}: Structure = {text};" for n, text in self.structs.items()]
        return row, statics


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    known, source = definitions(Path(sys.argv[1]))
    rows, statics = [], []
    for key in KEYS:
        row, of_api = Api(known[key]).rust()
        rows.append(row)
        statics += of_api
    text = f"""\
//! The shape of every request, from Kafka's message definitions.
//!
//! Generated by `tools/shapes.py` from `common/message/*Request.json` in
//! `{source}`; do not edit.

use super::shape::Kind::{{Array, Bytes, Fixed, String, Struct}};
use super::shape::{{NEVER, Shape, Structure, field, since, within}};

/// By API key, ascending. Versions that Kafka calls unstable are not in it.
pub(crate) static SHAPES: &[Shape] = &[{", ".join(rows)}];

{chr(10).join(statics)}
"""
    formatted = subprocess.run(
        ["rustfmt", "--edition", "2024"], input=text, text=True, capture_output=True, check=True
    )
    OUT.write_text(formatted.stdout)


if __name__ == "__main__":
    main()
