"""A second verifier of evidence packages, written from the VERIFY.md that a package carries and from nothing else, with Python's
standard library alone. It is no part of what is shipped: it shows that the guide is enough.

    python3 verify.py --vkey LEDGER.vkey FOLDER

It lands on the signed root, verifies every frame, lists the population and draws every sample again. It does not judge
tests. Exit status: 0 when all of it holds, 1 when not; what does not hold is said first.
"""

import argparse
import base64
import csv
import datetime
import hashlib
import hmac
import io
import os
import re
import struct
import sys


def sha256(data):
    return hashlib.sha256(data).digest()


def need(holds, what):
    if not holds:
        print(what)
        sys.exit(1)


# Ed25519, RFC 8032 section 5.1.7, slowly.

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(one, other):
    (x1, y1, z1, t1), (x2, y2, z2, t2) = one, other
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar, point):
    out = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            out = add(out, point)
        point, scalar = add(point, point), scalar >> 1
    return out


def point(data):
    number = int.from_bytes(data, "little")
    y, sign = number & (1 << 255) - 1, number >> 255
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or not x and sign:
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed(key, message, signature):
    at, r, s = point(key), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if at is None or r is None or s >= ORDER or len(signature) != 64:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    (x1, y1, z1, _), (x2, y2, z2, _) = times(s, BASE), add(r, times(h, at))
    return (x1 * z2 - x2 * z1) % P == 0 and (y1 * z2 - y2 * z1) % P == 0


# The tree.

def root_of(leaves):
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\1" + root_of(leaves[:split]) + root_of(leaves[split:]))


def append(stack, leaf):
    """The stack holds complete subtrees, the largest first: how many leaves, and the root."""
    stack.append((1, leaf))
    while len(stack) > 1 and stack[-1][0] == stack[-2][0]:
        (count, left), (_, right) = stack[-2:]
        stack[-2:] = [(2 * count, sha256(b"\1" + left + right))]


def fold(stack):
    root = stack[-1][1]
    for _, left in reversed(stack[:-1]):
        root = sha256(b"\1" + left + root)
    return root


class Package:
    def __init__(self, folder, key):
        self.folder = folder
        self.name, identity, body = key.strip().split("+", 2)
        typed = base64.b64decode(body)
        need(typed[0] == 1, "the verifier key is of another type")
        self.id, self.key = sha256(self.name.encode() + b"\n" + typed)[:4], typed[1:]
        need(self.id.hex() == identity, "the verifier key has another id")
        lines = self.read("data/question.txt").decode().splitlines()
        self.question = dict(line.split(" ", 1) for line in lines[1:])
        self.begins, self.ends = map(int, self.question["interval"].split())
        self.keys = {row["key_id"]: row for row in self.table("data/keys.csv")}

    def read(self, path):
        with open(os.path.join(self.folder, path), "rb") as file:
            return file.read()

    def has(self, path):
        return os.path.exists(os.path.join(self.folder, path))

    def table(self, path):
        return list(csv.DictReader(io.StringIO(self.read(path).decode(), newline="")))

    def manifests(self):
        for manifest in ["tagmanifest-sha256.txt", "manifest-sha256.txt"]:
            for line in self.read(manifest).decode().splitlines():
                digest, path = line.split("  ")
                need(sha256(self.read(path)).hex() == digest, f"{path}: other bytes than the manifest names")

    def note(self, path, size):
        text, signatures = self.read(path).split(b"\n\n", 1)
        text += b"\n"
        found, names = False, []
        for line in signatures.decode().splitlines():
            _, name, signature = line.split(" ")
            names.append(name)
            signature = base64.b64decode(signature)
            if name == self.name and signature[:4] == self.id:
                need(signed(self.key, text, signature[4:]), f"{path}: the signature does not hold")
                found = True
        need(found, f"{path}: signed by {' '.join(names)}, and not by the key given, of {self.name}: take that ledger's ledger.vkey")
        _, said, root = text.decode().splitlines()
        need(int(said) == size, f"{path}: of another size")
        return base64.b64decode(root)

    def frontier(self):
        if not self.begins:
            return []
        data = self.read("data/start.bin")
        data = data[data.index(b"\n") + 1:]
        tag, length = struct.unpack(">HI", data[:6])
        need(tag == 0x331, "start.bin: no frontier")
        roots = [data[at:at + 32] for at in range(6, 6 + length, 32)]
        sizes = [1 << bit for bit in reversed(range(64)) if self.begins >> bit & 1]
        stack = list(zip(sizes, roots, strict=True))
        need(fold(stack) == self.note("checkpoints/start.txt", self.begins), "start.bin: the frontier leads elsewhere")
        return stack

    def entries(self):
        data, at, index, stack = self.read("data/entries.bin"), 0, self.begins, self.frontier()
        received, frame, rows = 0, None, []
        while at < len(data):
            length = int.from_bytes(data[at:at + 2], "big")
            entry, at = data[at + 2:at + 2 + length], at + 2 + length
            need(len(entry) == length and length > 3, f"entry {index}: cut")
            append(stack, sha256(b"\0" + entry))
            split = 3 + int.from_bytes(entry[1:3], "big")
            need(entry[0] == 1 and entry[3] == 0xfa, f"entry {index}: no entry")
            facts, seal = fields(entry[4:split], index), fields(entry[split:], index)
            now = int.from_bytes(seal[0x201], "big")
            need(now >= received, f"entry {index}: received before the one before it")
            received = now
            place, count = (int.from_bytes(seal[tag], "big") for tag in (0x204, 0x205))
            frame = (seal[0x206], seal[0x207], []) if place == 0 else frame
            frame[2].append(sha256(b"\0" + entry[3:split]))
            if place == count - 1:
                self.frame(frame, seal[0x203], count, index - place)
            rows.append((index, facts, now, sha256(b"\0" + entry)))
            index += 1
        need(index == self.ends, "entries.bin: too few or too many")
        root = self.note("checkpoints/end.txt", self.ends)
        need(fold(stack) == root, "entries.bin: the entries lead to another root")
        need(self.begins or rows[0][3].hex() == self.question["ledger"], "the ledger is another one")
        return rows, root

    def frame(self, frame, digest, count, first):
        header, block, leaves = frame
        message = b"DSSEv1 33 application/vnd.deedbook.frame.v1 %d " % len(header) + header
        what = f"the frame at {first}"
        need(sha256(message + block) == digest, f"{what}: another digest")
        need(header[:32].hex() == (self.question["ledger"] if first else "0" * 64), f"{what}: of another ledger")
        need(int.from_bytes(header[60:62], "big") == count, f"{what}: of another length")
        need(len(leaves) == count and header[62:94] == root_of(leaves), f"{what}: other facts")
        need(block[0] == header[94] > 0, f"{what}: a signature is missing")
        for nth in range(block[0]):
            key = header[95 + 35 * nth:][3:35]
            signature = block[1 + 100 * nth:][:100]
            need(signature[2:34] == key, f"{what}: signatures in another order")
            row = self.keys.get(key.hex())
            need(row is not None, f"{what}: by an unknown key")
            public = bytes.fromhex(row["public_key"])
            need(sha256(public) == key, f"{what}: keys.csv has another key")
            until = int(row["until"]) if row["until"] else self.ends
            need(not first or int(row["from"]) < first <= until, f"{what}: by a key that is not in force")
            need(signed(public[2:], message, signature[36:]), f"{what}: the signature does not hold")

    def population(self, rows):
        if self.question["filter"] != "all":
            return
        kinds = re.findall(r"0x([0-9a-f]{4}) `([a-z_.]+)`", self.read("VERIFY.md").decode())
        kinds = {int(number, 16): name for number, name in kinds}
        begin, end = micros(self.question["from"]), micros(self.question["to"])
        wanted = [(str(index), facts[2].hex(), leaf.hex(), kinds[int.from_bytes(facts[1], "big")], facts[3].hex(),
                   int.from_bytes(facts[8], "big"), now) for index, facts, now, leaf in rows if begin <= now < end]
        listed = [(row["index"], row["event_id"], row["leaf_hash"], row["kind"], row["source"],
                   micros(row["occurred"]), micros(row["received"])) for row in self.table("data/population.csv")]
        need(listed == wanted, "population.csv: other rows than the entries give")

    def samples(self, root, folder, stratum):
        nonce = self.question["nonce"]
        nonce = b"" if nonce == "none" else bytes.fromhex(nonce)
        seed = sha256(b"sample/v1" + root + sha256(self.read(f"{folder}/population.csv")) + nonce)
        drawn, strata = [], {}
        for row in self.table(f"{folder}/population.csv"):
            value = hmac.new(seed, int(row["index"]).to_bytes(8, "big"), "sha256").hexdigest()
            strata.setdefault(row[stratum], []).append((value, row["index"]))
        for name, rows in strata.items():
            drawn += [(name, *row) for row in sorted(rows)[:int(self.question["sample"])]]
        said = [(row["stratum"], row["draw"], row["index"]) for row in self.table(f"{folder}/samples.csv")]
        need(sorted(drawn) == sorted(said), f"{folder}/samples.csv: another draw")


def fields(data, index):
    found, last = {}, -1
    while data:
        need(len(data) >= 4, f"entry {index}: cut inside a field")
        tag, length = struct.unpack(">HH", data[:4])
        need(tag > last and len(data) >= 4 + length, f"entry {index}: fields out of order")
        found[tag], data, last = data[4:4 + length], data[4 + length:], tag
    return found


def micros(text):
    since = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ") - datetime.datetime(1970, 1, 1)
    return since // datetime.timedelta(microseconds=1)


def words():
    """The words of the command line, in the order in which VERIFY.md shows them."""
    parser = argparse.ArgumentParser(
        prog="verify.py",
        usage="python3 verify.py --vkey LEDGER.vkey FOLDER",
        description="Verifies an evidence package of Deedbook by what its VERIFY.md says: files, tree, frames, listing, samples.",
        epilog="Exit status: 0 all of that holds, 1 it does not, 2 usage.",
    )
    parser.add_argument("--vkey", required=True, metavar="LEDGER.vkey",
                        help="the ledger's verifier key, got from somebody you trust, and not from the package")
    parser.add_argument("folder", metavar="FOLDER", help="the package, unpacked")
    given = parser.parse_args()
    if not os.path.isfile(given.vkey):
        parser.error(f"{given.vkey}: no file; name the ledger's verifier key")
    if not os.path.isfile(os.path.join(given.folder, "data", "question.txt")):
        parser.error(f"{given.folder}: no package; name the folder in which VERIFY.md and data/ stand")
    with open(given.vkey, encoding="utf-8", errors="replace") as file:
        key = file.read().strip()
    if key.startswith("PRIVATE+KEY+") or not re.fullmatch(r"[^+\s]+\+[0-9a-f]{8}\+[0-9A-Za-z+/]{44}", key):
        parser.error(f"{given.vkey}: no verifier key; that is one line NAME+ID+KEY with the ledger's name, such as ledger.vkey")
    return given.folder, key


def main():
    package = Package(*words())
    package.manifests()
    rows, root = package.entries()
    package.population(rows)
    package.samples(root, "data", "kind")
    tests = sorted(os.listdir(os.path.join(package.folder, "data/tests")))
    for folder in (f"data/tests/{test}" for test in tests):
        if package.has(f"{folder}/samples.csv"):
            package.samples(root, folder, "stratum")
    print(f"{len(rows)} entries lead to {root.hex()}")


main()
