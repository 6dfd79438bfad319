"""Writes random documents with the package `prov` from PyPI, as PROV-JSON: `write.py SEED COUNT FOLDER`."""

import datetime
import os
import random
import sys

from prov.model import PROV, XSD, Identifier, Literal, Namespace, ProvDocument

# Prefixes that exports use themselves are among them.
SPACES = [
    ("ex", "http://example.org/"),
    ("doc", "http://doc.example/"),
    ("doc_1", "http://doc-1.example/"),
    ("graph", "http://graph.example/"),
    ("lin", "urn:lin.example:"),
]


def value(spaces):
    return random.choice(
        [
            "téxt\u202e \"quoted\" <tag>\n",
            random.randint(-(10**12), 10**12),
            random.random() * 1e9,
            random.random() < 0.5,
            Literal("bonjour", langtag="fr"),
            Literal("10", XSD["unsignedLong"]),
            Literal("AAEC", XSD["base64Binary"]),
            datetime.datetime(2026, 1, 5, 3, 0, random.randint(0, 59), 123456, datetime.timezone.utc),
            random.choice(spaces)["q"],
            Identifier("http://example.org/x?y#z"),
        ]
    )


def fill(bundle, spaces):
    def name(kind):
        return random.choice(spaces)[f"{kind}{random.randint(0, 4)}"]

    def perhaps(kind):
        return name(kind) if random.random() < 0.6 else None

    def attributes():
        return [(name("attribute"), value(spaces)) for _ in range(random.randint(0, 4))]

    for _ in range(random.randint(0, 4)):
        bundle.entity(name("e"), attributes())
    for _ in range(random.randint(0, 3)):
        bundle.activity(name("a"), random.choice([None, datetime.datetime(2026, 1, 5)]), None, attributes())
    for _ in range(random.randint(0, 3)):
        kind = random.choice([PROV["Person"], PROV["Organization"], PROV["SoftwareAgent"], "free"])
        bundle.agent(name("g"), [("prov:type", kind)])
    relations = [
        lambda: bundle.usage(name("a"), perhaps("e"), identifier=perhaps("r"), other_attributes=attributes()),
        lambda: bundle.generation(name("e"), perhaps("a"), identifier=perhaps("r"), other_attributes=attributes()),
        lambda: bundle.communication(name("a"), name("a"), identifier=perhaps("r")),
        lambda: bundle.start(name("a"), perhaps("e"), perhaps("a")),
        lambda: bundle.end(name("a"), perhaps("e"), perhaps("a")),
        lambda: bundle.invalidation(name("e"), perhaps("a")),
        lambda: bundle.derivation(name("e"), name("e"), perhaps("a")),
        lambda: bundle.attribution(name("e"), name("g")),
        lambda: bundle.association(name("a"), perhaps("g"), perhaps("e")),
        lambda: bundle.delegation(name("g"), name("g"), perhaps("a")),
        lambda: bundle.influence(name("e"), name("g")),
        lambda: bundle.specialization(name("e"), name("e")),
        lambda: bundle.alternate(name("e"), name("e")),
        lambda: bundle.membership(name("e"), name("e")),
        lambda: bundle.mention(name("e"), name("e"), name("b")),
    ]
    for _ in range(random.randint(0, 10)):
        random.choice(relations)()


def document():
    out = ProvDocument()
    spaces = [Namespace(*space) for space in random.sample(SPACES, random.randint(1, 4))]
    for space in spaces:
        out.add_namespace(space)
    if random.random() < 0.4:
        out.set_default_namespace("http://default.example/")
    fill(out, spaces)
    for number in range(random.choice([0, 0, 1, 3])):
        bundle = out.bundle(spaces[0][f"bundle{number}"])
        own = Namespace(random.choice(["in", "doc", "ex"]), f"http://inside-{number}.example/")
        bundle.add_namespace(own)
        fill(bundle, [*spaces, own])
    return out


seed, count, folder = sys.argv[1:]
random.seed(int(seed))
os.makedirs(folder)
for number in range(int(count)):
    document().serialize(f"{folder}/{number}.json", indent=random.choice([None, 1]))
