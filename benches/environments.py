#!/usr/bin/env python3
"""What a hundred environments of the example `isolated-sagemaker` cost, in one account and region.

The release build of the controller keeps them against a real kube-apiserver and the simulated AWS, as processes of their
own. Counted are the AWS calls until all are ready, the calls of a whole round of drift checks, and the most memory that
the controller ever held. Ends with 1 if a round wrote, read more than AWS forces, or the memory passed the limit.

    environments.py CONTROLLER SANDBOX [--environments N] [--domains N] [--limit-mib N]

CONTROLLER is the release program, SANDBOX the one with the simulator in it; KUBEBUILDER_ASSETS says where etcd and
kube-apiserver are. The controller keeps to AWS's budget of 0.3 endpoints per second, whether or not anything throttles it:
100 environments take a quarter of an hour, two rounds another ten minutes.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import boto3
import yaml

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
ACCOUNT, REGION, NAMESPACE = "111122223333", "us-east-1", "data-science"
# Checks of all environments come together once in four fifths of `driftCheckInterval`, by the clock.
INTERVAL_SECONDS = 300
PERIOD_SECONDS = INTERVAL_SECONDS * 4 // 5
TRUST = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
EVERYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


class Foreground:
    """A program that prints how to reach it and runs until it is told to stop."""

    def __init__(self, command, pattern, **more):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **more)
        self.found = {}
        for line in self.process.stdout:
            for name, expression in pattern.items():
                if match := re.search(expression, line):
                    self.found[name] = match.group(1)
            if len(self.found) == len(pattern):
                return
        raise SystemExit(f"{command} did not start")

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)


def clients(url):
    session = boto3.session.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key="any", region_name=REGION)
    return {name: session.client(name, endpoint_url=url) for name in ("ec2", "iam", "sagemaker")}


def isolated_notebook(aws, number):
    """What scenario C finds: somebody's notebook in a VPC, with a subnet, a group and a role of theirs."""
    ec2, iam, sagemaker = aws["ec2"], aws["iam"], aws["sagemaker"]
    vpc = ec2.create_vpc(CidrBlock="10.60.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.60.1.0/24", AvailabilityZone=f"{REGION}a")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="notebook", Description="notebook", VpcId=vpc)["GroupId"]
    role = iam.create_role(RoleName=f"Notebook-{number}", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    sagemaker.create_notebook_instance(
        NotebookInstanceName=f"notebook-{number}", InstanceType="ml.t3.medium", RoleArn=role, SubnetId=subnet,
        SecurityGroupIds=[group], DirectInternetAccess="Disabled",
    )
    return {"vpc": vpc, "subnet": subnet, "group": group, "role": role, "notebook": f"notebook-{number}"}


def manifest(example, number, domains, there):
    """The example for one such notebook. The first environment of a domain manages it, the others share it."""
    spec = json.loads(json.dumps(example["spec"]))
    name = f"team-{number:03}"
    spec["network"]["vpc"]["id"] = there["vpc"]
    spec["network"]["subnets"][0]["id"] = there["subnet"]
    spec["network"]["securityGroups"]["notebooks"]["id"] = there["group"]
    spec["executionRole"]["arn"] = there["role"]
    spec["notebooks"][0]["name"] = there["notebook"]
    packages = spec["packages"]
    packages["domain"]["name"] = f"shared-{number % domains}"
    packages["repositories"][1]["name"] = packages["install"]["repository"] = name
    if number >= domains:
        packages["domain"]["existing"] = True
        packages["repositories"][0] = {"name": packages["repositories"][0]["name"], "existing": True}
    return {**example, "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}


def memory_mib(pid, field):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE).group(1)) / 1024


class Bench:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.plane = Foreground(
            [arguments.sandbox, "control-plane"],
            {"kubeconfig": r"export KUBECONFIG=(\S+)", "kubectl": r"^\s+(\S+) get namespaces"},
        )
        self.simulator = Foreground(
            [arguments.sandbox, "simulator", "--port", "0", "--delay", "none", "--raised-quotas"],
            {"url": r"answers on (http\S+?),"},
        )
        self.url = self.simulator.found["url"]
        self.controller = None

    def kubectl(self, *args, manifests=None):
        command = [self.plane.found["kubectl"], "--kubeconfig", self.plane.found["kubeconfig"], *args]
        text = yaml.safe_dump_all(manifests) if manifests else None
        return subprocess.run(command, input=text, text=True, check=True, stdout=subprocess.PIPE).stdout

    def start_controller(self):
        environment = os.environ | {
            "KUBECONFIG": self.plane.found["kubeconfig"], "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "any",
        }
        log = open(self.folder / "controller.log", "w")
        self.controller = subprocess.Popen([self.arguments.controller, "controller"], env=environment, stderr=log, stdout=log)

    def unready(self):
        items = json.loads(self.kubectl("get", "ine", "--namespace", NAMESPACE, "--output", "json"))["items"]
        conditions = {item["metadata"]["name"]: item.get("status", {}).get("conditions", []) for item in items}
        of = lambda all, kind: next((one for one in all if one["type"] == kind), {})
        return {name: of(all, "Ready").get("message", "-") for name, all in conditions.items()
                if of(all, "Ready").get("status") != "True" or of(all, "Reconciling").get("status") != "False"}

    def settle(self, what):
        began = told = time.monotonic()
        while left := self.unready():
            if time.monotonic() - told > 60:
                told = time.monotonic()
                name, message = next(iter(left.items()))
                print(f"  {len(left)} not ready after {told - began:.0f} s, such as {name}: {message[:120]}", flush=True)
            if self.controller.poll() is not None:
                raise SystemExit(f"the controller ended; see {self.folder / 'controller.log'}")
            if time.monotonic() - began > 3600:
                raise SystemExit(f"{what}: not ready after an hour")
            time.sleep(5)
        print(f"{what}: ready after {time.monotonic() - began:.0f} s", flush=True)

    def log(self):
        with urllib.request.urlopen(f"{self.url}/_simulator/log") as answer:
            return json.load(answer)

    def clear_log(self):
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/_simulator/log", method="DELETE")).close()

    def round(self):
        """The calls of exactly one round: from the middle between two rounds to the next middle."""
        time.sleep((PERIOD_SECONDS // 2 - time.time()) % PERIOD_SECONDS)
        self.clear_log()
        time.sleep(PERIOD_SECONDS)
        return self.log()

    def stop(self):
        if self.controller:
            self.controller.terminate()
            self.controller.wait(timeout=60)
        self.simulator.stop()
        self.plane.stop()


def excess(calls, environments, domains, pages):
    """Operations called more often in a round than AWS forces."""
    repositories = environments + domains
    forced = Counter({
        "DescribeRepository": repositories, "GetRepositoryPermissionsPolicy": repositories,
        "GetDomainPermissionsPolicy": domains, "DescribeVpcAttribute": 2 * environments,
    })
    return {name: count for name, count in calls.items() if count > forced.get(name, pages)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("controller")
    parser.add_argument("sandbox")
    parser.add_argument("--environments", type=int, default=100)
    parser.add_argument("--domains", type=int, default=10)
    parser.add_argument("--limit-mib", type=int, default=64)
    arguments = parser.parse_args()
    number, domains = arguments.environments, arguments.domains
    folder = pathlib.Path(tempfile.mkdtemp(prefix="cloister-bench-"))
    bench = Bench(arguments, folder)
    try:
        aws = clients(bench.url)
        aws["iam"].create_policy(PolicyName="CloisterNotebookBoundary", PolicyDocument=EVERYTHING)
        with ThreadPoolExecutor(4) as pool:
            there = list(pool.map(lambda index: isolated_notebook(aws, index), range(number)))
        examples = CHECKOUT / "examples"
        example = yaml.safe_load((examples / "isolated-sagemaker.yaml").read_text())
        manifests = [manifest(example, index, domains, there[index]) for index in range(number)]
        bench.kubectl("apply", "--server-side", "--filename", str(CHECKOUT / "crds"))
        bench.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        bench.kubectl("create", "namespace", NAMESPACE)
        bench.kubectl("apply", "--filename", str(examples / "identity.yaml"))
        bench.clear_log()
        bench.start_controller()
        pid = bench.controller.pid
        bench.kubectl("apply", "--filename", "-", manifests=manifests[:domains])
        bench.settle(f"{domains} environments, a domain each")
        bench.kubectl("apply", "--filename", "-", manifests=manifests[domains:])
        bench.settle(f"{number} environments")
        log = bench.log()
        writes = sum(entry["write"] for entry in log)
        throttled = sum(entry["code"] in ("RequestLimitExceeded", "ThrottlingException", "Throttling") for entry in log)
        print(f"until all were ready: {len(log)} calls, {writes} of them writes, {throttled} throttled")
        failed = False
        pages = 3 if number <= 100 else -(-number // 33)
        for index in (1, 2):
            log = bench.round()
            calls = Counter(entry["operation"] for entry in log)
            wrote = Counter(entry["operation"] for entry in log if entry["write"])
            too_many = excess(calls, number, domains, pages)
            failed |= bool(wrote) or (bool(too_many) and index > 1)
            print(f"round {index}: {len(log)} calls, {sum(wrote.values())} writes, more than forced: {too_many or 'none'}")
            print(f"  {dict(sorted(calls.items()))}", flush=True)
        resident, most = memory_mib(pid, "VmRSS"), memory_mib(pid, "VmHWM")
        print(f"resident memory of the controller: {resident:.1f} MiB now, {most:.1f} MiB at most; limit {arguments.limit_mib} MiB")
        failed |= most >= arguments.limit_mib
        return 1 if failed else 0
    finally:
        bench.stop()


if __name__ == "__main__":
    sys.exit(main())
