"""Holds raw answers of the simulator against botocore's service models.

botocore's own parsers are lenient: an unknown member, a missing one or a misspelt enum value passes. Here the raw body
is walked beside the output shape of the operation, and every deviation becomes a sentence.
"""

import base64
import json
import re
from datetime import datetime
from xml.etree import ElementTree

# Facts that the models do not state, with the place where the models deviate from what AWS sends.
WIRE_ENUMS = {
    # "For an internet gateway, the state is available when attached", says the model's own text of the member.
    ("ec2", "AttachmentStatus", ".internetGatewaySet[].attachmentSet[].state"): {"available"},
    # The model spells the states PascalCase, the wire does not.
    ("ec2", "State", ""): {
        "pendingAcceptance", "pending", "available", "deleting", "deleted", "rejected", "failed", "expired", "partial",
    },
    # "This data type can only have a value of Policy", says the model's own text of it.
    ("iam", "PermissionsBoundaryAttachmentType", ""): {"Policy"},
}

# Error codes that any operation of the service may answer, whether the model lists them there or not.
COMMON_ERRORS = {
    "iam": {"AccessDenied", "ValidationError", "Throttling", "InvalidClientTokenId", "ExpiredToken", "InvalidAction",
            "MalformedInput", "ServiceFailure", "ServiceUnavailable", "MissingParameter", "InvalidParameterValue"},
    "sts": {"AccessDenied", "ValidationError", "Throttling", "InvalidClientTokenId", "ExpiredToken", "InvalidAction"},
    "codeartifact": {"AccessDeniedException", "ThrottlingException", "ValidationException", "InternalServerException",
                     "ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "ResourceNotFoundException",
                     "ConflictException"},
    "sagemaker": {"AccessDeniedException", "ThrottlingException", "ValidationException", "InternalFailure",
                  "ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "ServiceUnavailable"},
}

# EC2's model has no errors at all; these are codes of EC2's published list of error codes and of its documentation.
EC2_ERRORS = set("""
    AuthFailure UnauthorizedOperation RequestLimitExceeded DryRunOperation InvalidClientTokenId RequestExpired
    DependencyViolation IncorrectState IdempotentParameterMismatch OperationNotPermitted UnsupportedOperation
    MissingParameter UnknownParameter InvalidAction InvalidParameter InvalidParameterValue InvalidParameterCombination
    InvalidNextToken InvalidPaginationToken MalformedPolicyDocument InvalidPolicyDocument InvalidServiceName
    InvalidFilter FilterLimitExceeded InvalidTagKey.Malformed TagLimitExceeded InvalidID
    VpcLimitExceeded SubnetLimitExceeded SecurityGroupLimitExceeded RulesPerSecurityGroupLimitExceeded
    SecurityGroupsPerInterfaceLimitExceeded VpcEndpointLimitExceeded RouteTableLimitExceeded RouteLimitExceeded
    InternetGatewayLimitExceeded NetworkInterfaceLimitExceeded NatGatewayLimitExceeded InsufficientFreeAddressesInSubnet
    InvalidVpcID.NotFound InvalidVpcID.Malformed InvalidVpcId.Malformed InvalidVpc.Range InvalidVpcRange InvalidVpcState
    InvalidSubnetID.NotFound InvalidSubnetID.Malformed InvalidSubnetId.NotFound InvalidSubnet.Conflict InvalidSubnet.Range
    InvalidSubnet InvalidZone.NotFound InvalidAvailabilityZone
    InvalidGroup.NotFound InvalidGroup.Duplicate InvalidGroup.Reserved InvalidGroupId.Malformed InvalidGroup.InUse
    CannotDelete InvalidPermission.NotFound InvalidPermission.Duplicate InvalidPermission.Malformed
    InvalidSecurityGroupID.NotFound InvalidSecurityGroupRuleId.NotFound InvalidSecurityGroupRuleId.Malformed
    InvalidSecurityGroupRule.RuleIdsMissing
    InvalidRouteTableID.NotFound InvalidRouteTableID.Malformed InvalidRouteTableId.Malformed InvalidAssociationID.NotFound
    Resource.AlreadyAssociated RouteAlreadyExists InvalidRoute.NotFound InvalidRoute.Malformed InvalidRoute.InvalidState
    InvalidVpcEndpointId.NotFound InvalidVpcEndpointId.Malformed InvalidVpcEndpoint.NotFound
    InvalidVpcEndpointType PrivateDnsNameEnabledNotSupported
    InvalidInternetGatewayID.NotFound InvalidInternetGatewayId.Malformed Gateway.NotAttached Resource.AlreadyAttached
    InvalidNetworkInterfaceID.NotFound InvalidNetworkInterfaceId.Malformed InvalidNetworkInterface.NotFound
    InvalidNetworkInterface.InUse InvalidNetworkAclID.NotFound InvalidNetworkAclEntry.NotFound
    NetworkAclEntryAlreadyExists InvalidDhcpOptionID.NotFound InvalidDhcpOptionsID.NotFound InvalidPrefixListId.NotFound
    InvalidPrefixListID.NotFound InvalidVpcPeeringConnectionID.NotFound InvalidVpcPeeringConnectionId.Malformed
    NatGatewayNotFound NatGatewayMalformed InvalidNatGatewayID.NotFound InvalidGatewayID.NotFound
    InvalidAllocationID.NotFound InvalidTransitGatewayID.NotFound InvalidVpnGatewayID.NotFound
    InvalidResourceType.Unknown InvalidCidr.InUse
""".split())


class Judge:
    """Collects what is wrong, once per operation and place."""

    def __init__(self):
        self.problems = {}
        self.succeeded = set()
        self.refused = {}
        self.answers = 0

    def answer(self, service_model, operation_model, status, headers, body):
        """Judges one answer."""
        self.answers += 1
        service = service_model.service_name
        operation = operation_model.name
        place = f"{service}:{operation}"
        walk = Walk(self, service, place)
        if status >= 500:
            walk.wrong("", f"status {status}: {body[:300]!r}")
        elif status >= 300:
            code = walk.refusal(service_model, operation_model, status, headers, body)
            self.refused.setdefault((service, operation), set()).add(code)
        else:
            self.succeeded.add((service, operation))
            walk.success(service_model, operation_model, status, headers, body)

    def wrong(self, place, path, what):
        self.problems.setdefault((place, re.sub(r"\[\d+\]", "[]", path), what), 0)
        self.problems[place, re.sub(r"\[\d+\]", "[]", path), what] += 1

    def report(self):
        return [
            f"{place} {path or '(answer)'}: {what}" + (f" ({times} times)" if times > 1 else "")
            for (place, path, what), times in sorted(self.problems.items())
        ]


class Walk:
    """One body beside one shape."""

    def __init__(self, judge, service, place):
        self.judge, self.service, self.place = judge, service, place

    def wrong(self, path, what):
        self.judge.wrong(self.place, path, what)

    # --- an answer with a result ---

    def success(self, service_model, operation_model, status, headers, body):
        protocol = service_model.metadata["protocol"]
        shape = operation_model.output_shape
        expected = operation_model.http.get("responseCode", 200)
        if status != expected:
            self.wrong("", f"status {status} instead of {expected}")
        if protocol in ("query", "ec2"):
            self.markup(service_model, operation_model, body)
            return
        if shape is not None and shape.serialization.get("payload"):
            self.headers(shape, headers)
            return
        if shape is None:
            if body.strip() not in (b"", b"{}"):
                self.wrong("", f"a body where the model has none: {body[:100]!r}")
            return
        if not body and not shape.members:
            return
        try:
            value = json.loads(body)
        except ValueError:
            self.wrong("", f"not JSON: {body[:100]!r}")
            return
        self.headers(shape, headers)
        self.json(shape, value, "")

    def headers(self, shape, headers):
        for name, member in shape.members.items():
            if member.serialization.get("location") == "header" and name in shape.required_members:
                if member.serialization["locationName"].lower() not in {key.lower() for key in headers}:
                    self.wrong(name, "the header is missing")

    def markup(self, service_model, operation_model, body):
        try:
            root = ElementTree.fromstring(body)
        except ElementTree.ParseError as error:
            self.wrong("", f"not XML ({error}): {body[:100]!r}")
            return
        namespace = (service_model.metadata.get("xmlNamespace")
                     or f"http://ec2.amazonaws.com/doc/{service_model.metadata['apiVersion']}/")
        expected = f"{{{namespace}}}{operation_model.name}Response"
        if root.tag.rstrip("/") != expected and root.tag.replace("/}", "}") != expected.replace("/}", "}"):
            self.wrong("", f"root element {root.tag} instead of {expected}")
        shape = operation_model.output_shape
        children = list(root)
        if service_model.metadata["protocol"] == "ec2":
            ids = [child for child in children if tag(child) == "requestId"]
            if len(ids) != 1:
                self.wrong("", f"{len(ids)} elements requestId")
            children = [child for child in children if tag(child) != "requestId"]
            if shape is None:
                # EC2 answers <return>true</return> to what has no result; botocore's model leaves it out.
                children = [child for child in children if tag(child) != "return"]
        else:
            if "ResponseMetadata" not in map(tag, children):
                self.wrong("", "no ResponseMetadata")
            children = [child for child in children if tag(child) != "ResponseMetadata"]
            wrapper = shape is not None and shape.serialization.get("resultWrapper")
            if wrapper:
                wrapped = [child for child in children if tag(child) == wrapper]
                for child in children:
                    if tag(child) != wrapper:
                        self.wrong("", f"element {tag(child)} beside the result")
                if len(wrapped) != 1:
                    self.wrong("", f"{len(wrapped)} elements {wrapper}")
                    return
                children = list(wrapped[0])
        if shape is None:
            # An empty result element is what the services really send here.
            for child in children:
                if len(child) or (child.text or "").strip():
                    self.wrong("", f"element {tag(child)} where the model has no output")
            return
        self.xml_structure(shape, children, "", known_return=service_model.metadata["protocol"] == "ec2")

    # --- JSON ---

    def json(self, shape, value, path):
        kind = shape.type_name
        if value is None:
            self.wrong(path, "null")
        elif kind == "structure":
            self.json_structure(shape, value, path)
        elif kind == "list":
            if not isinstance(value, list):
                self.wrong(path, f"{type(value).__name__} instead of a list")
                return
            self.length(shape, value, path)
            for index, item in enumerate(value):
                self.json(shape.member, item, f"{path}[{index}]")
        elif kind == "map":
            if not isinstance(value, dict):
                self.wrong(path, f"{type(value).__name__} instead of a map")
                return
            for key, item in value.items():
                self.json(shape.key, key, f"{path}{{key}}")
                self.json(shape.value, item, f"{path}{{}}")
        else:
            self.json_scalar(shape, value, path)

    def json_structure(self, shape, value, path):
        if not isinstance(value, dict):
            self.wrong(path, f"{type(value).__name__} instead of a structure")
            return
        members = {
            member.serialization.get("name", name): (name, member)
            for name, member in shape.members.items()
            if member.serialization.get("location") in (None,)
        }
        for key, item in value.items():
            if key not in members:
                self.wrong(f"{path}.{key}", "not in the model")
            else:
                self.json(members[key][1], item, f"{path}.{key}")
        for wire, (name, _) in members.items():
            if name in shape.required_members and wire not in value:
                self.wrong(f"{path}.{wire}", "required and missing")

    def json_scalar(self, shape, value, path):
        kind = shape.type_name
        good = {
            "string": isinstance(value, str),
            "character": isinstance(value, str),
            "boolean": isinstance(value, bool),
            "integer": isinstance(value, int) and not isinstance(value, bool),
            "long": isinstance(value, int) and not isinstance(value, bool),
            "float": isinstance(value, (int, float)) and not isinstance(value, bool),
            "double": isinstance(value, (int, float)) and not isinstance(value, bool),
            "blob": isinstance(value, str),
            "timestamp": isinstance(value, (int, float)) and not isinstance(value, bool),
        }[kind]
        if kind == "timestamp" and shape.serialization.get("timestampFormat") in ("iso8601", "rfc822"):
            good = isinstance(value, str) and iso8601(value)
        if not good:
            self.wrong(path, f"{value!r} is no {kind}")
        elif kind == "string":
            self.string(shape, value, path)
        elif kind == "timestamp" and not 1_000_000_000 < float(value) < 10_000_000_000:
            self.wrong(path, f"{value!r} is no time in seconds")
        elif kind == "blob":
            try:
                base64.b64decode(value, validate=True)
            except ValueError:
                self.wrong(path, "not base64")

    # --- XML ---

    def xml_structure(self, shape, children, path, known_return=False):
        members = {}
        for name, member in shape.members.items():
            flat = member.type_name == "list" and member.serialization.get("flattened")
            wire = member.serialization.get("name", name)
            if flat:
                wire = member.member.serialization.get("name", wire)
            members[wire] = (name, member, flat)
        seen = {}
        for child in children:
            seen.setdefault(tag(child), []).append(child)
        for wire, elements in seen.items():
            if wire not in members:
                if not (known_return and wire == "return" and not path):
                    self.wrong(f"{path}.{wire}", "not in the model")
                continue
            name, member, flat = members[wire]
            if flat:
                for index, element in enumerate(elements):
                    self.xml(member.member, element, f"{path}.{wire}[{index}]")
                continue
            if len(elements) > 1:
                self.wrong(f"{path}.{wire}", f"{len(elements)} times")
            self.xml(member, elements[0], f"{path}.{wire}")
        for wire, (name, _, _) in members.items():
            if name in shape.required_members and wire not in seen:
                self.wrong(f"{path}.{wire}", "required and missing")

    def xml(self, shape, element, path):
        kind = shape.type_name
        if kind == "structure":
            self.no_text(element, path)
            self.xml_structure(shape, list(element), path)
        elif kind == "list":
            self.no_text(element, path)
            wanted = shape.member.serialization.get("name", "member")
            self.length(shape, list(element), path)
            for index, item in enumerate(element):
                if tag(item) != wanted:
                    self.wrong(path, f"list element {tag(item)} instead of {wanted}")
                else:
                    self.xml(shape.member, item, f"{path}[{index}]")
        elif kind == "map":
            for entry in element:
                parts = {tag(part): part for part in entry}
                key = parts.get(shape.key.serialization.get("name", "key"))
                value = parts.get(shape.value.serialization.get("name", "value"))
                if key is None or value is None:
                    self.wrong(path, f"map entry with {sorted(parts)}")
                else:
                    self.xml(shape.key, key, f"{path}{{key}}")
                    self.xml(shape.value, value, f"{path}{{}}")
        else:
            if len(element):
                self.wrong(path, f"elements in a {kind}")
                return
            self.xml_scalar(shape, element.text or "", path)

    def no_text(self, element, path):
        if (element.text or "").strip():
            self.wrong(path, f"text {element.text.strip()[:40]!r} where elements belong")

    def xml_scalar(self, shape, text, path):
        kind = shape.type_name
        good = {
            "boolean": text in ("true", "false"),
            "integer": re.fullmatch(r"-?\d+", text),
            "long": re.fullmatch(r"-?\d+", text),
            "float": re.fullmatch(r"-?\d+(\.\d+)?", text),
            "double": re.fullmatch(r"-?\d+(\.\d+)?", text),
            "timestamp": iso8601(text),
        }.get(kind, True)
        if not good:
            self.wrong(path, f"{text!r} is no {kind}")
        elif kind == "string":
            self.string(shape, text, path)

    # --- both ---

    def string(self, shape, value, path):
        if shape.enum:
            exceptions = WIRE_ENUMS.get((self.service, shape.name, ""))
            exceptions = WIRE_ENUMS.get((self.service, shape.name, re.sub(r"\[\d+\]", "[]", path)), exceptions)
            allowed = exceptions or set(shape.enum)
            if value not in allowed:
                self.wrong(path, f"{value!r} is none of {sorted(allowed)}"[:300])
        self.length(shape, value, path)
        pattern = shape.metadata.get("pattern")
        if pattern and not matches(pattern, value):
            self.wrong(path, f"{value!r} does not match {pattern}")

    def length(self, shape, value, path):
        least, most = shape.metadata.get("min"), shape.metadata.get("max")
        if least is not None and len(value) < least:
            self.wrong(path, f"length {len(value)}, at least {least}")
        if most is not None and len(value) > most:
            self.wrong(path, f"length {len(value)}, at most {most}")

    # --- an answer with an error ---

    def refusal(self, service_model, operation_model, status, headers, body):
        protocol = service_model.metadata["protocol"]
        if protocol in ("query", "ec2"):
            code = self.markup_error(protocol, body)
        else:
            code = self.json_error(operation_model, headers, body)
        if code is None:
            return None
        if self.service == "ec2":
            if code not in EC2_ERRORS:
                self.wrong("error", f"unknown code {code}")
            return code
        modelled = {wire_code(shape): shape for shape in operation_model.error_shapes}
        everywhere = {wire_code(service_model.shape_for(name)) for name in service_model.shape_names
                      if service_model.shape_for(name).type_name == "structure"
                      and service_model.shape_for(name).metadata.get("exception")}
        if code not in modelled and code not in COMMON_ERRORS[self.service]:
            hint = " (of other operations only)" if code in everywhere else ""
            self.wrong("error", f"code {code} is not in the model of the operation{hint}")
        shape = modelled.get(code)
        stated = shape.metadata.get("error", {}).get("httpStatusCode") if shape else None
        if stated and stated != status:
            self.wrong("error", f"{code} with status {status} instead of {stated}")
        return code

    def markup_error(self, protocol, body):
        try:
            root = ElementTree.fromstring(body)
        except ElementTree.ParseError as error:
            self.wrong("error", f"not XML ({error}): {body[:100]!r}")
            return None
        wanted = ("Response", "Errors/Error") if protocol == "ec2" else ("ErrorResponse", "Error")
        for element in root.iter():
            element.tag = tag(element)
        found = root.find(wanted[1])
        if root.tag != wanted[0] or found is None:
            self.wrong("error", f"no {wanted[0]}/{wanted[1]}: {body[:200]!r}")
            return None
        request_id = root.find("RequestID" if protocol == "ec2" else "RequestId")
        if request_id is None:
            self.wrong("error", "no request id")
        if not (found.findtext("Message") or "").strip():
            self.wrong("error", "no message")
        code = found.findtext("Code")
        if not code:
            self.wrong("error", "no code")
        return code

    def json_error(self, operation_model, headers, body):
        headers = {key.lower(): value for key, value in headers.items()}
        try:
            value = json.loads(body)
        except ValueError:
            self.wrong("error", f"not JSON: {body[:100]!r}")
            return None
        code = (headers.get("x-amzn-errortype") or value.get("__type") or "").split(":")[0].split("#")[-1]
        if not code:
            self.wrong("error", "no code")
            return None
        if not (value.get("message") or value.get("Message")):
            self.wrong("error", f"{code} without a message")
        for shape in operation_model.error_shapes:
            if wire_code(shape) == code:
                members = {key: item for key, item in value.items() if key != "__type"}
                if self.service == "sagemaker":
                    # The model says Message, the service answers message.
                    members = {("Message" if key == "message" else key): item for key, item in members.items()}
                self.json_structure(shape, members, f"error {code}")
        return code


def wire_code(shape):
    return shape.metadata.get("error", {}).get("code", shape.name)


def tag(element):
    return element.tag.split("}")[-1]


def iso8601(text):
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text):
        return False
    try:
        datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return False
    return True


def matches(pattern, value):
    """Whether the whole value matches; a pattern in a dialect that Python does not read says nothing."""
    translated = (pattern.replace(r"[\P{C}\s]", r"[^\x00-\x08\x0e-\x1b\x7f]").replace(r"\P{C}", r"[^\x00-\x1f\x7f]").replace(r"\p{L}", "a-zA-Z")
                  .replace(r"\p{Z}", r"\s").replace(r"\p{N}", "0-9").replace(r"\p{M}", "").replace(r"\p{S}", "")
                  .replace(r"\p{P}", ""))
    try:
        return re.fullmatch(translated, value, re.DOTALL) is not None
    except re.error:
        return True
