# Programs of others judge an evidence package; sourced by interop.sh, whose helpers it uses. A ledger gets one of nearly
# everything, and its FedRAMP package goes to sha256sum, bagit, frictionless, compliance-trestle, oscal-validate and the
# schema of OCSF. Then one change in a copy, which each of them must refuse.

bagit_version=1.9.0 frictionless_version=5.21.0 trestle_version=5.2.0 oscal_validate_version=0.5.0 ocsf_version=1.2.0
jsonschema_rs_version=0.61.2
packages=$work/packages

# A Python that is new enough; prints its path.
python_from() {
  local wanted=$1 candidate
  for candidate in python3 python3.14 python3.13 python3.12 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python3; do
    if "$candidate" -c "import sys, venv, ensurepip; sys.exit(sys.version_info < ($wanted))" 2>/dev/null; then
      command -v "$candidate"
      return 0
    fi
  done
  return 1
}

# Everything that an evidence package can be about, as far as the command line can say it.
evidence_ledger() (
  cd "$work" || return 1
  exec >>"$work/evidence.log" 2>&1
  as() { local who=$1; shift; "$deedbook" --signer "$who" --json "$@"; }
  member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" | head -n 1; }
  request() { as "$@" | member request_id; }
  set -ex
  local admin=$1/keys/admin.key id hold name framework
  for name in alice bob agent gate gate2; do "$deedbook" key new --name "$name" --out "$name.key"; done
  as "$admin" principal add --kind human --id alice --role reviewer --key alice.key.pub
  as "$admin" principal add --kind human --id bob --role reviewer --key bob.key.pub
  as "$admin" principal add --kind agent --id a1 --responsible alice --key agent.key.pub
  # Approvals: given and used, used again, denied, withdrawn, taken back, and done without.
  printf '%s' '{"action":"data.export","resource":"dataset:customers","dataset_sources":["customers@42"],"destination":"s3://x/y"}' >export.json
  id=$(request agent.key action submit export.json)
  as bob.key approve "$id" --yes --reason fine
  as agent.key action redeem "$id" export.json
  as agent.key action redeem "$id" export.json || [ $? -eq 3 ]
  as agent.key action report "$id" --status succeeded
  as bob.key deny "$(request agent.key action submit export.json)" --yes --reason no
  as agent.key action cancel "$(request agent.key action submit export.json)" --reason late
  id=$(request agent.key action submit export.json)
  as bob.key approve "$id" --yes --reason fine
  as bob.key grant revoke "$id" --reason never
  id=$(request alice.key break-glass export.json --reason fire --incident i-1)
  as bob.key action review "$id" --outcome ratified --reason fine
  # Sources, and what they state.
  as agent.key source open --heartbeat-s 60
  as agent.key source heartbeat --heartbeat-s 60
  as agent.key source gap --lost 3 --cause lost --reason disk
  as agent.key source close
  cat >lines.jsonl <<'END'
{"kind":"data.accessed","occurred":"2026-01-05T03:00:00Z","facts":{"actor":{"kind":"agent","id":"a1"},"outcome":"succeeded","datasets":[{"role":"input","name":"orders","version":"7"}]},"body":{"who":"é\u0000\u202e"}}
{"kind":"data.accessed","occurred":"2026-01-05T03:00:00Z","facts":{"datasets":[{"role":"output","name":"orders"}]}}
{"kind":"data.accessed","occurred":"2026-01-05T03:00:00Z","facts":{"outcome":"denied"}}
{"kind":"model.invoked","occurred":"2026-01-05T03:00:00Z","facts":{"actor":{"kind":"service","id":"s"},"outcome":"failed","models":[{"role":"used","name":"m"}],"parents":[{"source":"x","event_id":"00112233445566778899aabbccddeeff"}]}}
{"kind":"execution.reported","stream":"action/x","occurred":"2026-01-05T03:00:00Z","facts":{"action_type":"data.read","outcome":"running","on_behalf_of":[{"id":"carol"}],"responsible":{"id":"dave"},"environment":"production","resource_class":"r","data_class":"d"}}
END
  as bob.key append lines.jsonl
  printf '%s' '{"eventType":"COMPLETE","eventTime":"2026-01-05T03:00:00Z","producer":"p","schemaURL":"s","run":{"runId":"00000000-0000-4000-8000-000000000001"},"job":{"namespace":"n","name":"j"},"inputs":[{"namespace":"n","name":"d"}]}' >in.jsonl
  as "$admin" lineage import --format openlineage in.jsonl
  printf '%s' '{"prefix":{"ex":"http://example.org/"},"entity":{"ex:e":{}}}' >in.json
  as "$admin" lineage import --format prov in.json
  # Reviews, and governance of everything there is.
  as bob.key review log --from 2020-01-01 --to "$(date -u +%F)"
  as bob.key exception dispose --test T08 --code GOVERNED_ALONE --index 1 --as accepted --reason small
  echo 'key,time' >theirs.csv
  as bob.key reconcile --source agent --from 2020-01-01 --to 2030-01-01 theirs.csv
  as "$admin" principal grant --kind human --id bob --role auditor
  as "$admin" principal revoke --kind human --id bob --role auditor
  as "$admin" principal link --id bob --channel slack/T1 --account U1
  as bob.key principal delegate --id bob --to alice
  as "$admin" principal add --kind team --id t1
  as "$admin" principal add --kind service --id s1 --responsible bob
  as "$admin" principal disable --kind service --id s1
  as "$admin" key enroll --source gate gate.key.pub
  as "$admin" key rotate gate.key.pub gate2.key.pub
  as "$admin" key revoke gate2.key.pub
  as "$admin" retention set --days 1 --class billing --reason law
  hold=$(as "$admin" hold place --reason matter 1-2 | member hold)
  as "$admin" hold release "$hold" --reason closed
  as "$admin" erase --yes --reason asked --actor agent/a1
  echo '@id("known") permit (principal, action, resource) when { principal.tenant == resource.tenant };' >own.cedar
  as "$admin" policy publish own.cedar
  as "$admin" policy retire
  mkdir "$packages"
  for framework in soc2 fedramp iso27001 iso42001 eu-ai-act; do
    as "$admin" export --framework "$framework" --from 2020-01-01 --to 2030-01-01 --vkey "$1/ledger.vkey" --out "$packages/$framework"
  done
)

# --- the judges

says_sha256sum() { (cd "$1" && sha256sum --quiet -c manifest-sha256.txt tagmanifest-sha256.txt && echo "$(wc -l <manifest-sha256.txt) files"); }
says_bagit() { "$python" -m bagit --validate --quiet "$1" && echo 'a valid bag'; }
says_tables() { "$python" interop/evidence/tables.py "$1/data"; }
says_ocsf() { "$python" interop/evidence/ocsf.py 1.8.0 "$1"; }
# Each document of a package, alone in a workspace that then is validated whole.
says_trestle() (
  rm -rf "$work/trestle" && mkdir "$work/trestle" && cd "$work/trestle" || return 2
  # It follows imports from the workspace's own folder.
  cp "$1"/data/oscal/*.json .
  "${python%/*}/trestle" init --local >"$work/trestle.log" 2>&1 || { cat "$work/trestle.log"; return 2; }
  for file in "$1"/data/oscal/*.json; do
    "${python%/*}/trestle" import -f "$file" -o "$(basename "$file" .json)" >"$work/trestle.log" 2>&1 \
      || { echo "$(basename "$file")"; cat "$work/trestle.log"; return 1; }
  done
  "${python%/*}/trestle" validate -a >"$work/trestle.log" 2>&1 || { cat "$work/trestle.log"; return 1; }
  echo "$(find . -mindepth 2 -name '*.json' | wc -l) documents imported and valid"
)
says_oscal_validate() {
  local file
  for file in "$1"/data/oscal/*.json; do
    "${python%/*}/oscal-validate" --resolve "$1/data/oscal" "$file" || return 1
  done
}
says_own() { "$deedbook" oscal check "$1"/data/oscal/*.json; }

serve "$work/evidence"
if ! evidence_ledger "$work/evidence"; then
  tail -n 20 "$work/evidence.log" >&2
  fail 'the evidence packages were not made'
fi
for framework in soc2 fedramp iso27001 iso42001 eu-ai-act; do
  verdict 0 "sha256sum accepts the package for $framework" says_sha256sum "$packages/$framework"
  verdict 0 "deedbook oscal check accepts it" says_own "$packages/$framework"
done
package=$packages/fedramp
broken=$work/broken
cp -r "$package" "$broken"
sed -i '2s/,/;/' "$broken/data/population.csv"
sed -i '1s/"class_uid":[0-9]*/"class_uid":6003/' "$broken/data/ocsf/events.jsonl"
sed -i '0,/"uuid": "/s/"uuid": "......../"uuid": "nothexxx/' "$broken"/data/oscal/assessment-results.json
verdict 1 'sha256sum refuses changed files' says_sha256sum "$broken"

if python=$(python_with "bagit-$bagit_version" "bagit==$bagit_version"); then
  verdict 0 "bagit $bagit_version accepts the package" says_bagit "$package"
  verdict 1 "bagit $bagit_version refuses changed files" says_bagit "$broken"
else
  skip "bagit $bagit_version" "$python"
fi
if python=$(python_with "frictionless-$frictionless_version" "frictionless==$frictionless_version"); then
  verdict 0 "frictionless $frictionless_version reads every table" says_tables "$package"
  verdict 1 "frictionless $frictionless_version refuses a row with a cell too few" says_tables "$broken"
else
  skip "frictionless $frictionless_version" "$python"
fi
if python=$(python_with "ocsf-json-schema-$ocsf_version" "ocsf-json-schema==$ocsf_version" \
    "jsonschema-rs==$jsonschema_rs_version"); then
  for framework in fedramp soc2; do
    verdict 0 "OCSF 1.8.0 accepts every event for $framework" says_ocsf "$packages/$framework/data/ocsf/events.jsonl"
  done
  verdict 1 'OCSF 1.8.0 refuses an event of another class' says_ocsf "$broken/data/ocsf/events.jsonl"
else
  skip "ocsf-json-schema $ocsf_version" "$python"
fi
if python=$(python_with "compliance-trestle-$trestle_version" "compliance-trestle==$trestle_version"); then
  for framework in soc2 fedramp iso27001 iso42001 eu-ai-act; do
    verdict 0 "compliance-trestle $trestle_version accepts OSCAL for $framework" says_trestle "$packages/$framework"
  done
  verdict 1 "compliance-trestle $trestle_version refuses a wrong UUID" says_trestle "$broken"
else
  skip "compliance-trestle $trestle_version" "$python"
fi
if base_python=$(python_from 3,12) && python=$(python_with "oscal-validate-$oscal_validate_version" \
    "oscal-validate==$oscal_validate_version"); then
  for framework in soc2 fedramp iso27001 iso42001 eu-ai-act; do
    verdict 0 "oscal-validate $oscal_validate_version accepts OSCAL for $framework" says_oscal_validate "$packages/$framework"
  done
  verdict 1 "oscal-validate $oscal_validate_version refuses a wrong UUID" says_oscal_validate "$broken"
else
  skip "oscal-validate $oscal_validate_version" "${python:-there is no Python 3.12 or later}"
fi
base_python=python3
