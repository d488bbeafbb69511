"""Holds a running simulator against botocore's models: check.py http://127.0.0.1:PORT

Calls every operation that the simulator implements with boto3 and judges every answer, good or refused. Prints what is
wrong, one line each, and ends with 1 if anything is.
"""

import sys
import traceback

import botocore.session

import codeartifact_calls
import ec2_calls
import iam_calls
import sagemaker_calls
from implemented import implemented
from judged import Clients
from shapes import Judge

SERVICES = ("ec2", "iam", "sts", "codeartifact", "sagemaker")
# What the simulator knows only to say that there is none.
ONLY_REFUSED = {("sagemaker", "DescribeDomain")}
SCENARIOS = (iam_calls, ec2_calls, codeartifact_calls, sagemaker_calls)


def check(endpoint):
    session = botocore.session.get_session()
    models = {service: session.get_service_model(service) for service in SERVICES}
    judge = Judge()
    known = implemented(endpoint, models, judge)
    aws = Clients(endpoint, judge, models)
    for scenario in SCENARIOS:
        try:
            scenario.everything(aws)
        except Exception as error:  # whatever ends a scenario early is a finding like any other
            where = traceback.extract_tb(error.__traceback__)
            step = next(frame for frame in reversed(where) if frame.filename.endswith("_calls.py"))
            judge.wrong(scenario.__name__, f"line {step.lineno}", f"{error!r} at {step.line}")
    for service, operation in sorted(known - judge.succeeded - ONLY_REFUSED):
        judge.wrong(f"{service}:{operation}", "", "implemented, but never seen to succeed" + refusals(judge, service, operation))
    return known, judge


def refusals(judge, service, operation):
    seen = judge.refused.get((service, operation))
    return f" (refused with {', '.join(sorted(filter(None, seen)))})" if seen else ""


def main():
    known, judge = check(sys.argv[1])
    for line in judge.report():
        print(line)
    counts = ", ".join(f"{sum(1 for one in known if one[0] == service)} of {service}" for service in SERVICES)
    print(f"{len(known)} operations ({counts}), {judge.answers} answers judged, {len(judge.problems)} findings")
    return 1 if judge.problems or not known else 0


if __name__ == "__main__":
    sys.exit(main())
