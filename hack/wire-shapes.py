#!/usr/bin/env python3
"""Writes src/sandbox/wire/shapes.json: what AWS's answers look like, for the operations that the simulator has.

Names, types, enumerations and required members come from botocore's service models (see requirements.txt); nothing
else of the models is taken. The unit tests hold every answer of the simulator against this file.
"""

import json
import pathlib
import re

import botocore.loaders

ROOT = pathlib.Path(__file__).resolve().parent.parent
SERVICES = ["ec2", "iam", "sts", "codeartifact", "sagemaker"]
# Words that occur in the source but are no operations of the simulator, with shapes by the hundred.
NOT_SIMULATED = {("sagemaker", name) for name in ("Search", "CreateDomain", "DescribeDomain", "DeleteDomain")}


def named_in_source():
    text = "".join(path.read_text() for path in (ROOT / "src/sandbox").rglob("*.rs"))
    return set(re.findall(r'"([A-Z][A-Za-z]+)"', text))


def describe(shapes, name, found):
    if name in found:
        return
    shape = shapes[name]
    kind = shape["type"]
    if kind == "structure":
        found[name] = {"members": {}, "required": []}
        for member, reference in shape["members"].items():
            wire = reference.get("locationName", member)
            if reference.get("location") == "header" or member == shape.get("payload"):
                wire = member
            found[name]["members"][wire] = reference["shape"]
            if member in shape.get("required", []):
                found[name]["required"].append(wire)
            describe(shapes, reference["shape"], found)
    elif kind == "list":
        found[name] = {"list": shape["member"]["shape"]}
        describe(shapes, shape["member"]["shape"], found)
    elif kind == "map":
        found[name] = {"map": shape["value"]["shape"]}
        describe(shapes, shape["value"]["shape"], found)
    elif "enum" in shape:
        found[name] = {"enum": shape["enum"]}
    else:
        found[name] = {"scalar": kind}


def main():
    loader = botocore.loaders.Loader()
    wanted = named_in_source()
    out = {}
    for service in SERVICES:
        model = loader.load_service_model(service, "service-2")
        operations, found = {}, {}
        for name, operation in sorted(model["operations"].items()):
            if name in wanted and (service, name) not in NOT_SIMULATED:
                operations[name] = operation.get("output", {}).get("shape")
                if operations[name]:
                    describe(model["shapes"], operations[name], found)
        out[service] = {"operations": operations, "shapes": dict(sorted(found.items()))}
    target = ROOT / "src/sandbox/wire/shapes.json"
    target.write_text(json.dumps(out, indent=None, separators=(",", ":"), sort_keys=False).replace("},", "},\n") + "\n")
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
