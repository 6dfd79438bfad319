"""Judges PROV-JSON that a ledger exported, with the package `prov` from PyPI. It is no part of what is shipped.

    judge.py same EXPORT DOCUMENT...   every document comes back in the export, equal as `prov` compares documents,
                                            and the export as a whole is read by `prov`
    judge.py equal DOCUMENT DOCUMENT   two documents are equal
    judge.py valid EXPORT SCHEMA       the export is valid against a JSON schema (package `jsonschema`)

A document with bundles stands in an export as several bundles, which entities with `lin:inside` put together. Exit status:
0 when it holds, 1 when not; what does not hold is said.
"""

import json
import sys
import warnings

import prov.model

warnings.simplefilter("ignore")


def fail(text):
    print(text)
    sys.exit(1)


def document(content):
    return prov.model.ProvDocument.deserialize(content=json.dumps(content), format="json")


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def documents_of(export):
    """The imported documents of an export, by the names of their bundles."""
    inside = {}
    for name, entity in export["entity"].items():
        if "lin:inside" in entity:
            inside.setdefault(entity["lin:inside"]["$"], {})[entity["lin:inside_as"]] = export["bundle"][name]
    lifted = {name for name, entity in export["entity"].items() if "lin:inside" in entity}
    found = {}
    for name, content in export.get("bundle", {}).items():
        if name.startswith("graph:") or name in lifted:
            continue
        found[name] = dict(content, bundle=inside[name]) if name in inside else content
    return found


def same(export_path, paths):
    export = read(export_path)
    whole = document(export)
    if len(list(whole.bundles)) != len(export["bundle"]):
        fail("prov reads fewer bundles than there are")
    left = {name: document(content) for name, content in documents_of(export).items()}
    for path in paths:
        wanted = document(read(path))
        name = next((name for name, held in left.items() if held == wanted), None)
        if name is None:
            fail(f"{path} does not come back")
        del left[name]
    print(f"{len(paths)} documents came back equal, {len(left)} more stand in the file")


def equal(one, other):
    if document(read(one)) != document(read(other)):
        fail(f"{one} and {other} differ")
    print("equal")


def valid(export_path, schema_path):
    import jsonschema

    schema = read(schema_path)
    export = read(export_path)
    # The schema knows no list of records under one name, which prov writes and reads; what came in so goes out so.
    listed = {
        name
        for name, bundle in export["bundle"].items()
        for section, records in bundle.items()
        if section not in ("prefix", "bundle") and any(isinstance(record, list) for record in records.values())
    }
    for name in listed:
        del export["bundle"][name]
    errors = list(jsonschema.Draft4Validator(schema).iter_errors(export))
    if errors:
        fail(f"{errors[0].json_path}: {errors[0].message[:200]}")
    print(f"valid: {len(export['bundle'])} bundles; {len(listed)} with records in lists are not judged")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["same", export, *paths]:
            same(export, paths)
        case ["equal", one, other]:
            equal(one, other)
        case ["valid", export, schema]:
            valid(export, schema)
        case _:
            print(__doc__)
            sys.exit(2)
