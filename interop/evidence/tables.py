"""Reads every table of an evidence package with frictionless.

    tables.py FOLDER

Exit status 0 when each CSV below FOLDER is well-formed: one header, as many cells as it has in every row, no blank row, and no
entry twice in a population where each stands once. The last line says what was judged.
"""

import csv
import pathlib
import sys

from frictionless import Resource, Schema, validate


def main(folder):
    root = pathlib.Path(folder)
    wrong, files = 0, sorted(root.rglob("*.csv"))
    for path in files:
        # All cells are text here: what they mean is the package's own to say.
        with open(path, encoding="utf-8", newline="") as lines:
            names = next(csv.reader(lines))
        listed = path.name == "population.csv" and path.parent == root
        schema = Schema.from_descriptor({
            "fields": [{"name": name, "type": "string"} for name in names],
            "primaryKey": ["index"] if listed else [],
        })
        report = validate(Resource(path=path.relative_to(root).as_posix(), basepath=str(root), schema=schema))
        for task in report.tasks:
            for error in task.errors:
                wrong += 1
                print(f"{path}: {error.message}", file=sys.stderr)
    print(f"{len(files)} tables, {wrong} errors")
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
