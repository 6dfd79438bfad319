#!/usr/bin/env bash
# Queries of lineage on a generated graph of a million nodes: our passes, petgraph's algorithms, and the traces of five edges
# once more as a recursive query in PostgreSQL, on the same edges and from the same nodes. PostgreSQL is Debian's package,
# installed if it is missing; it runs on a cluster of its own in a folder that goes away, on a socket and no port. Times are
# taken inside the database, so that no client is in them, and its answers must have the sizes of ours. Called by
# `make bench-lineage`.
#
# Exit status: 0 also when PostgreSQL cannot be had, which a line `NOT RUN: ...` says; 1 when an answer differs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
server=
cleanup() {
  [ -z "$server" ] || as_postgres "$bin/pg_ctl" --pgdata "$work/cluster" --mode immediate stop >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 2' INT TERM

LINEAGE_TABLES=$work cargo bench --locked --bench lineage

find_postgres() { find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1; }
skip() { printf 'NOT RUN: PostgreSQL: %s\n' "$1"; exit 0; }
bin=$(find_postgres)
if [ -z "$bin" ]; then
  scripts/prerequisites.sh postgresql || skip 'its package cannot be installed here'
  bin=$(find_postgres)
fi
[ -n "$bin" ] || skip 'its package has no programs'

# PostgreSQL refuses to be root.
as_postgres() {
  if [ "$(id -u)" -eq 0 ]; then runuser --user postgres -- "$@"; else "$@"; fi
}
chmod 755 "$work"
mkdir "$work/cluster" "$work/socket"
[ "$(id -u)" -ne 0 ] || chown postgres "$work/cluster" "$work/socket"
cd "$work"
as_postgres "$bin/initdb" --pgdata "$work/cluster" --auth trust --no-sync >/dev/null
# All of it fits into memory, as ours does; syncing is off, for nothing that is written is measured.
as_postgres "$bin/pg_ctl" --pgdata "$work/cluster" --wait --log "$work/socket/log" \
  --options "-k $work/socket -c listen_addresses= -c shared_buffers=1GB -c work_mem=256MB -c fsync=off -c jit=off" \
  start >/dev/null
server=started

as_postgres "$bin/psql" --quiet --no-psqlrc --host "$work/socket" --dbname postgres --set ON_ERROR_STOP=1 \
  --no-align --tuples-only <<SQL
CREATE TABLE edges (cause int NOT NULL, effect int NOT NULL);
CREATE TABLE traces (node int NOT NULL, up int NOT NULL, down int NOT NULL);
\copy edges FROM '$work/edges.csv' CSV
\copy traces FROM '$work/traces.csv' CSV
CREATE INDEX ON edges (effect) INCLUDE (cause);
CREATE INDEX ON edges (cause) INCLUDE (effect);
VACUUM ANALYZE edges;
CREATE TABLE times (round int, micros double precision, differs boolean);
CREATE FUNCTION measure(round int) RETURNS void LANGUAGE plpgsql AS \$\$
DECLARE
  t record;
  start timestamptz;
  ups int;
  downs int;
BEGIN
  FOR t IN SELECT * FROM traces LOOP
    start := clock_timestamp();
    WITH RECURSIVE reached (node, depth) AS (
      SELECT t.node, 0
      UNION SELECT e.cause, r.depth + 1 FROM reached r JOIN edges e ON e.effect = r.node WHERE r.depth < 5
    ) SELECT count(DISTINCT reached.node) INTO ups FROM reached;
    WITH RECURSIVE reached (node, depth) AS (
      SELECT t.node, 0
      UNION SELECT e.effect, r.depth + 1 FROM reached r JOIN edges e ON e.cause = r.node WHERE r.depth < 5
    ) SELECT count(DISTINCT reached.node) INTO downs FROM reached;
    INSERT INTO times
      VALUES (round, extract(epoch FROM clock_timestamp() - start) * 1e6, ups <> t.up OR downs <> t.down);
  END LOOP;
END \$\$;
DO \$\$ BEGIN FOR round IN 0..9 LOOP PERFORM measure(round); END LOOP; END \$\$;
SELECT format('  PostgreSQL %s: traces of 5 edges, up and down: median %s us, p99 %s us; %s of %s answers differ from ours',
  current_setting('server_version'), round(percentile_cont(0.5) WITHIN GROUP (ORDER BY micros)),
  round(percentile_cont(0.99) WITHIN GROUP (ORDER BY micros)), count(*) FILTER (WHERE differs), count(*))
FROM times WHERE round > 0;
DO \$\$ BEGIN IF EXISTS (SELECT FROM times WHERE differs) THEN RAISE 'answers differ'; END IF; END \$\$;
SQL
