"""boto3 clients whose every answer is judged."""

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ACCOUNT = "111122223333"
REGION = "us-east-1"


class Clients:
    """One client for each service, unmodified but for the ear at each answer."""

    def __init__(self, endpoint, judge, models):
        self.judge = judge
        self.endpoint = endpoint
        self.models = models
        self.session = boto3.session.Session(
            aws_access_key_id=ACCOUNT, aws_secret_access_key="simulated", region_name=REGION)
        for service in models:
            setattr(self, service, self.client(service))

    def client(self, service, **credentials):
        config = Config(retries={"total_max_attempts": 1}, read_timeout=30, connect_timeout=5)
        client = self.session.client(service, endpoint_url=self.endpoint, config=config, **credentials)
        client.meta.events.register("before-parse", self.heard(service))
        return client

    def heard(self, service):
        def hear(operation_model, response_dict, **_):
            body = response_dict["body"]
            body = body if isinstance(body, bytes) else b""
            headers = dict(response_dict["headers"])
            self.judge.answer(self.models[service], operation_model, response_dict["status_code"], headers, body)

        return hear

    def refused(self, codes, operation, **parameters):
        """Calls an operation that has to be refused with one of the codes."""
        codes = {codes} if isinstance(codes, str) else set(codes)
        place = f"{operation.__self__.meta.service_model.service_name}:{operation.__name__}"
        try:
            operation(**parameters)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in codes:
                self.judge.wrong(place, "error", f"{code} instead of {sorted(codes)}: {error}")
            return error.response
        self.judge.wrong(place, "", f"done instead of refused with {sorted(codes)}")
        return {}

    def pages(self, client, operation, key, **parameters):
        """All entries of a list, with the pages as small as possible."""
        entries = []
        for page in client.get_paginator(operation).paginate(**parameters):
            entries += page.get(key, [])
        return entries


def until(done, times=200):
    """Asks again until the answer is there: what takes time in AWS takes none here, but is not instantaneous."""
    for _ in range(times):
        if done():
            return
    raise AssertionError("no end of the wait")
