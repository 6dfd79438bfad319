"""Posts events with the published Python client of OpenLineage, and writes down what it sent.

    client.py URL FILE

URL is a server's HTTP address; FILE gets each event as it left the client, before compression, one a line and each once.
It judges nothing but the answers' status codes; whoever calls it compares FILE with what the server exports.
"""

import gzip
import sys
from datetime import datetime, timezone

import requests
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import (
    Dataset,
    DatasetEvent,
    InputDataset,
    Job,
    JobEvent,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
)
from openlineage.client.facet_v2 import (
    column_lineage_dataset,
    documentation_dataset,
    documentation_job,
    nominal_time_run,
    parent_run,
    schema_dataset,
)
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpCompression, HttpConfig, HttpTransport
from openlineage.client.uuid import generate_new_uuid

PRODUCER = "https://example.org/deedbook/interop"


class Recorder(requests.Session):
    """A session that keeps each body that it sends, and the status of each answer."""

    def __init__(self):
        super().__init__()
        self.sent, self.statuses = [], []

    def post(self, url, data=None, headers=None, **more):
        body = data.encode("utf-8") if isinstance(data, str) else data
        if headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        answer = super().post(url, data=data, headers=headers, **more)
        self.sent.append(body)
        self.statuses.append(answer.status_code)
        return answer


def now():
    return datetime.now(timezone.utc).isoformat()


def client(url, recorder, **more):
    return OpenLineageClient(transport=HttpTransport(HttpConfig(url=url, session=recorder, **more)))


def events():
    """A parent and its child from start to end, one that fails, a job and a dataset that change by themselves."""
    job = Job("interop", "täglich.orders", {"documentation": documentation_job.DocumentationJobFacet("每日 orders \"quoted\"\n")})
    parent, child = str(generate_new_uuid()), str(generate_new_uuid())
    fields = [schema_dataset.SchemaDatasetFacetFields("id", "INT"), schema_dataset.SchemaDatasetFacetFields("été", "TEXT")]
    orders = InputDataset("postgres://db:5432", "shop.public.orders", facets={
        "schema": schema_dataset.SchemaDatasetFacet(fields),
    })
    lineage = column_lineage_dataset.Fields([column_lineage_dataset.InputField("postgres://db:5432", "shop.public.orders", "id")])
    report = OutputDataset("s3://lake", "reports/daily", facets={
        "columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet(fields={"id": lineage}),
    })
    run = Run(child, {
        "nominalTime": nominal_time_run.NominalTimeRunFacet(now()),
        "parent": parent_run.ParentRunFacet(parent_run.Run(parent), parent_run.Job("interop", "parent")),
    })
    for state in (RunState.START, RunState.COMPLETE):
        yield RunEvent(eventTime=now(), producer=PRODUCER, run=run, job=job, inputs=[orders], outputs=[report], eventType=state)
    yield RunEvent(eventTime=now(), producer=PRODUCER, run=Run(parent), job=Job("interop", "parent"), eventType=RunState.FAIL)
    yield JobEvent(eventTime=now(), producer=PRODUCER, job=job, inputs=[orders], outputs=[report])
    facets = {"documentation": documentation_dataset.DocumentationDatasetFacet("what the day brought")}
    yield DatasetEvent(eventTime=now(), producer=PRODUCER, dataset=Dataset("s3://lake", "reports/daily", facets=facets))


def main(url, path):
    recorder = Recorder()
    ways = [{}, {"compression": HttpCompression.GZIP}, {"auth": ApiKeyTokenProvider({"api_key": "a key"})}]
    emitted = []
    for way in ways:
        for event in events():
            client(url, recorder, **way).emit(event)
            emitted.append(event)
    fresh = len(emitted)
    for event in emitted:
        client(url, recorder).emit(event)
    if recorder.statuses != [201] * fresh + [200] * fresh:
        sys.exit(f"the answers were {recorder.statuses}")
    if recorder.sent[:fresh] != recorder.sent[fresh:]:
        sys.exit("the client writes one event in two ways")
    with open(path, "wb") as out:
        for body in recorder.sent[:fresh]:
            out.write(body + b"\n")
    print(f"{fresh} events of openlineage-python, plain, in gzip and with an API key, each sent twice")


if __name__ == "__main__":
    main(*sys.argv[1:])
