"""Which operations the simulator implements: found by asking it for each one that botocore's models have.

Every operation is called once without any parameter, in an account of its own. One that requires parameters must
refuse that; the answer is judged like any other.
"""

import http.client
import json
import re
from urllib.parse import urlencode, urlsplit

ACCOUNT = "999999999999"
UNKNOWN = {"InvalidAction", "UnknownOperationException"}


def implemented(endpoint, models, judge):
    """The pairs of service and operation that the simulator knows."""
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=30)
    known = set()
    for service, model in models.items():
        for name in model.operation_names:
            operation = model.operation_model(name)
            status, headers, body = ask(connection, service, model, operation)
            if any(code.encode() in body or code in headers.get("x-amzn-errortype", "") for code in UNKNOWN):
                continue
            known.add((service, name))
            if status < 300 and operation.input_shape is not None and operation.input_shape.required_members:
                required = ", ".join(operation.input_shape.required_members)
                judge.wrong(f"{service}:{name}", "", f"done without the required {required}")
            elif status >= 300:
                judge.answer(model, operation, status, headers, body)
    connection.close()
    return known


def ask(connection, service, model, operation):
    scope = f"Credential={ACCOUNT}/20261122/us-east-1/{service}/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=00"}
    method, path, body = "POST", "/", ""
    protocol = model.metadata["protocol"]
    if protocol in ("query", "ec2"):
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = urlencode({"Action": operation.name, "Version": model.api_version})
    elif protocol == "json":
        headers["Content-Type"] = "application/x-amz-json-1.1"
        headers["X-Amz-Target"] = f"{model.metadata['targetPrefix']}.{operation.name}"
        body = "{}"
    else:
        method = operation.http["method"]
        path = re.sub(r"\{[^}]*\}", "x", operation.http["requestUri"])
        body = json.dumps({}) if method in ("POST", "PUT") else ""
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return response.status, {key.lower(): value for key, value in response.getheaders()}, response.read()
