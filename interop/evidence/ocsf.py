"""Holds events against the schema of OCSF that the package `ocsf-json-schema` carries.

    ocsf.py VERSION FILE

FILE has an event a line. Each is judged by the schema of its own class, with the profiles that it names itself. Exit status
0 when all are accepted; 1 when one is not, and then the first few are shown. The last line says what was judged.
"""

import collections
import json
import sys

import jsonschema_rs
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema


def main(version, file):
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version))
    validators, counts, wrong = {}, collections.Counter(), 0
    with open(file, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            event = json.loads(line)
            name = schema.lookup_class_name_from_uid(event["class_uid"])
            profiles = tuple(event["metadata"].get("profiles", []))
            if (name, profiles) not in validators:
                validators[name, profiles] = jsonschema_rs.Draft202012Validator(
                    schema.get_class_schema(name, list(profiles))
                )
            errors = list(validators[name, profiles].iter_errors(event))
            if event["metadata"]["version"] != version:
                errors.append(f"version {event['metadata']['version']}")
            counts[name] += 1
            if errors:
                wrong += 1
                if wrong <= 5:
                    print(f"line {number}, {name}: {errors[0]}", file=sys.stderr)
    classes = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    print(f"{sum(counts.values())} events, {wrong} refused: {classes}")
    return 1 if wrong or not counts else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
