// Judge reads a running ledger over HTTP and judges it with golang.org/x/mod alone: the signed note, every entry,
// every tile, proofs of inclusion and of consistency. It shares no code with Deedbook and imports nothing of it.
//
// It exits with 0 when it accepts, 1 when it refuses, 2 when it could not look.
package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// tileHeight is fixed by C2SP tlog-tiles, which therefore leaves it out of its paths.
const tileHeight = 8

// pageBytesMax bounds an answer: a bundle of 256 entries, each as long as its length can say.
const pageBytesMax = 256 * (2 + 65_535)

// log is a log to be judged.
type log struct {
	prefix   string
	verifier note.Verifier
	client   http.Client
}

// errUnreachable marks failures to look, as opposed to what was seen.
var errUnreachable = errors.New("cannot look")

func (l *log) get(page string) ([]byte, error) {
	answer, err := l.client.Get(l.prefix + "/" + page)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", errUnreachable, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, pageBytesMax+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %s: %v", errUnreachable, page, err)
	case answer.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s: %s: %s", page, answer.Status, bytes.TrimSpace(body))
	case len(body) > pageBytesMax:
		return nil, fmt.Errorf("%s: longer than %d bytes", page, pageBytesMax)
	}
	return body, nil
}

// path is a tile's page. x/mod names the height, and calls entries data.
func path(tile tlog.Tile) string {
	path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight), "tile/", 1)
	return strings.Replace(path, "tile/data/", "tile/entries/", 1)
}

// Height, ReadTiles and SaveTiles make a log a tlog.TileReader.
func (l *log) Height() int { return tileHeight }

func (l *log) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	pages := make([][]byte, len(tiles))
	for i, tile := range tiles {
		page, err := l.get(path(tile))
		if err != nil {
			return nil, err
		}
		if len(page) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", path(tile), len(page))
		}
		pages[i] = page
	}
	return pages, nil
}

func (l *log) SaveTiles([]tlog.Tile, [][]byte) {}

// tree opens a checkpoint: a note signed by the log's key, whose text is origin, size and root.
func (l *log) tree(page string) (tlog.Tree, error) {
	var tree tlog.Tree
	message, err := l.get(page)
	if err != nil {
		return tree, err
	}
	opened, err := note.Open(message, note.VerifierList(l.verifier))
	if err != nil {
		return tree, fmt.Errorf("%s: %v", page, err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != l.verifier.Name() || lines[3] != "" {
		return tree, fmt.Errorf("%s: not origin, size and root", page)
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil || tree.N < 1 {
		return tree, fmt.Errorf("%s: size %q", page, lines[1])
	}
	if tree.Hash, err = tlog.ParseHash(lines[2]); err != nil {
		return tree, fmt.Errorf("%s: root: %v", page, err)
	}
	return tree, nil
}

// leaves hashes every entry of the tree, out of the bundles.
func (l *log) leaves(size int64) ([]tlog.Hash, error) {
	var leaves []tlog.Hash
	for int64(len(leaves)) < size {
		first := int64(len(leaves))
		width := min(size-first, 1<<tileHeight)
		page := path(tlog.Tile{H: tileHeight, L: -1, N: first >> tileHeight, W: int(width)})
		bundle, err := l.get(page)
		if err != nil {
			return nil, err
		}
		for range width {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				return nil, fmt.Errorf("%s ends before its last entry", page)
			}
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			leaves = append(leaves, tlog.RecordHash(bundle[2:end]))
			bundle = bundle[end:]
		}
		if len(bundle) > 0 {
			return nil, fmt.Errorf("%s has %d bytes too many", page, len(bundle))
		}
	}
	return leaves, nil
}

// store keeps every hash of a tree, in tlog's order.
type store []tlog.Hash

func (s *store) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hashes[i] = (*s)[index]
	}
	return hashes, nil
}

func build(leaves []tlog.Hash) (*store, error) {
	var hashes store
	for i, leaf := range leaves {
		more, err := tlog.StoredHashesForRecordHash(int64(i), leaf, &hashes)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, more...)
	}
	return &hashes, nil
}

// sameRoot insists that hashes make the root that was signed.
func sameRoot(tree tlog.Tree, hashes tlog.HashReader) error {
	root, err := tlog.TreeHash(tree.N, hashes)
	if err == nil && root != tree.Hash {
		err = fmt.Errorf("their root is %v, the signed one %v", root, tree.Hash)
	}
	return err
}

// checkTiles holds every tile that the size implies against the entries.
func (l *log) checkTiles(tree tlog.Tree, hashes *store) (int, error) {
	tiles := tlog.NewTiles(tileHeight, 0, tree.N)
	for _, tile := range tiles {
		wanted, err := tlog.ReadTileData(tile, hashes)
		if err != nil {
			return 0, err
		}
		pages, err := l.ReadTiles([]tlog.Tile{tile})
		if err != nil {
			return 0, err
		}
		if !bytes.Equal(pages[0], wanted) {
			return 0, fmt.Errorf("%s is not what the entries hash to", path(tile))
		}
	}
	return len(tiles), nil
}

// checkInclusion proves some entries from tiles alone. tlog.TileHashReader holds a tile against its parent in some
// cases only, so each proof is judged as well.
func (l *log) checkInclusion(tree tlog.Tree, leaves []tlog.Hash, proofs int64) (int, error) {
	tiles := tlog.TileHashReader(tree, l)
	if err := sameRoot(tree, tiles); err != nil {
		return 0, fmt.Errorf("the tiles: %w", err)
	}
	done := 0
	for n := int64(0); n < tree.N; n += max(1, tree.N/proofs) {
		proof, err := tlog.ProveRecord(tree.N, n, tiles)
		if err != nil {
			return done, fmt.Errorf("entry %d: %w", n, err)
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, n, leaves[n]); err != nil {
			return done, fmt.Errorf("entry %d: %w", n, err)
		}
		done++
	}
	return done, nil
}

// checkOlder proves that earlier checkpoints are of the same log, and that their trees stand on their own.
func (l *log) checkOlder(tree tlog.Tree, sizes string) (int, error) {
	tiles := tlog.TileHashReader(tree, l)
	done := 0
	for _, size := range strings.FieldsFunc(sizes, func(r rune) bool { return r == ',' }) {
		older, err := l.tree("checkpoint/" + size)
		if err != nil {
			return done, err
		}
		proof, err := tlog.ProveTree(tree.N, older.N, tiles)
		if err != nil {
			return done, fmt.Errorf("from %d: %w", older.N, err)
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, older.N, older.Hash); err != nil {
			return done, fmt.Errorf("from %d: %w", older.N, err)
		}
		if err := sameRoot(older, tlog.TileHashReader(older, l)); err != nil {
			return done, fmt.Errorf("the tiles of %d entries: %w", older.N, err)
		}
		done++
	}
	return done, nil
}

func judge(l *log, proofs int64, sizes string) (string, error) {
	tree, err := l.tree("checkpoint")
	if err != nil {
		return "", err
	}
	leaves, err := l.leaves(tree.N)
	if err != nil {
		return "", err
	}
	hashes, err := build(leaves)
	if err != nil {
		return "", err
	}
	if err := sameRoot(tree, hashes); err != nil {
		return "", fmt.Errorf("the entries: %w", err)
	}
	tiles, err := l.checkTiles(tree, hashes)
	if err != nil {
		return "", err
	}
	included, err := l.checkInclusion(tree, leaves, proofs)
	if err != nil {
		return "", err
	}
	older, err := l.checkOlder(tree, sizes)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d entries, %d tiles, %d inclusion proofs, %d older checkpoints", tree.N, tiles, included, older), nil
}

func main() {
	prefix := flag.String("url", "", "prefix of the log, such as http://127.0.0.1:7421")
	key := flag.String("vkey", "", "file with the log's verifier key")
	proofs := flag.Int64("proofs", 500, "inclusion proofs to make, spread over the log")
	sizes := flag.String("older", "", "sizes of earlier checkpoints, separated by commas")
	flag.Parse()
	text, err := os.ReadFile(*key)
	if err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(2)
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(text)))
	if err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(2)
	}
	l := &log{prefix: strings.TrimSuffix(*prefix, "/"), verifier: verifier, client: http.Client{Timeout: 30 * time.Second}}
	found, err := judge(l, max(1, *proofs), *sizes)
	switch {
	case errors.Is(err, errUnreachable):
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(2)
	case err != nil:
		fmt.Println("judge: refused:", err)
		os.Exit(1)
	}
	fmt.Println("judge: accepted:", found)
}
