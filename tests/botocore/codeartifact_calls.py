"""Every operation of CodeArtifact that the simulator has, and what pip is handed by it."""

import hashlib
import json

from judged import ACCOUNT

DOMAIN = {"domain": "test-artifact-domain"}
STORE = {**DOMAIN, "repository": "pypi-store"}
WORK = {**DOMAIN, "repository": "test-artifact-repository"}
SAFE = {**DOMAIN, "repository": "safe"}
OWN = {"format": "generic", "namespace": "team", "package": "own-package"}


def policy(action):
    statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def domains(aws):
    client = aws.codeartifact
    client.create_domain(tags=[{"key": "a", "value": "b"}], **DOMAIN)
    refusal = aws.refused("ConflictException", client.create_domain, **DOMAIN)
    assert refusal["resourceType"] == "domain", refusal
    client.describe_domain(domainOwner=ACCOUNT, **DOMAIN)
    client.create_domain(domain="other")
    assert len(aws.pages(client, "list_domains", "domains", PaginationConfig={"PageSize": 1})) == 2
    client.delete_domain(domain="other")
    aws.refused("ResourceNotFoundException", client.describe_domain, domain="nothing")
    aws.refused("ResourceNotFoundException", client.get_domain_permissions_policy, **DOMAIN)
    kept = client.put_domain_permissions_policy(policyDocument=policy("codeartifact:ReadFromRepository"), **DOMAIN)
    aws.refused("ConflictException", client.put_domain_permissions_policy, policyRevision="stale",
                policyDocument=policy("codeartifact:ReadFromRepository"), **DOMAIN)
    client.put_domain_permissions_policy(policyRevision=kept["policy"]["revision"],
                                         policyDocument=policy("codeartifact:GetAuthorizationToken"), **DOMAIN)
    client.get_domain_permissions_policy(**DOMAIN)
    client.delete_domain_permissions_policy(**DOMAIN)


def repositories(aws):
    client = aws.codeartifact
    client.create_repository(description="of PyPI", **STORE)
    client.associate_external_connection(externalConnection="public:pypi", **STORE)
    upstreams = [{"repositoryName": "pypi-store"}]
    arn = client.create_repository(upstreams=upstreams, tags=[{"key": "a", "value": "b"}], **WORK)["repository"]["arn"]
    client.create_repository(**SAFE)
    aws.refused("ConflictException", client.create_repository, **SAFE)
    aws.refused(["ConflictException", "ValidationException"], client.associate_external_connection,
                externalConnection="public:pypi", **WORK)
    aws.refused("ValidationException", client.update_repository, upstreams=[{"repositoryName": WORK["repository"]}],
                **WORK)
    client.update_repository(description="of notebooks", upstreams=upstreams, **WORK)
    client.describe_repository(**STORE)
    client.describe_repository(domainOwner=ACCOUNT, **WORK)
    client.list_repositories(maxResults=1)
    assert len(aws.pages(client, "list_repositories_in_domain", "repositories", PaginationConfig={"PageSize": 1}, **DOMAIN)) == 3
    client.tag_resource(resourceArn=arn, tags=[{"key": "c", "value": ""}])
    client.list_tags_for_resource(resourceArn=arn)
    client.untag_resource(resourceArn=arn, tagKeys=["c"])
    aws.refused("ResourceNotFoundException", client.get_repository_permissions_policy, **WORK)
    client.put_repository_permissions_policy(policyDocument=policy("codeartifact:ReadFromRepository"), **WORK)
    client.get_repository_permissions_policy(**WORK)
    client.delete_repository_permissions_policy(**WORK)
    aws.refused("ConflictException", client.delete_domain, **DOMAIN)
    client.get_authorization_token(durationSeconds=900, **DOMAIN)
    aws.refused("ValidationException", client.get_authorization_token, durationSeconds=60, **DOMAIN)
    for name in ("pypi", "npm"):
        client.get_repository_endpoint(format=name, **WORK)


def asset_of(version, content=b"bytes"):
    """What it takes to publish a version of the own package."""
    return {"packageVersion": version, "assetName": f"own-package-{version}.bin", "assetContent": content,
            "assetSHA256": hashlib.sha256(content).hexdigest(), **OWN, **SAFE}


def packages(aws):
    client = aws.codeartifact
    source, target = STORE["repository"], SAFE["repository"]
    copied = client.copy_package_versions(
        **DOMAIN, sourceRepository=source, destinationRepository=target, format="pypi", package="requests",
        versions=["2.32.3"], includeFromUpstream=True)
    assert "2.32.3" in copied["successfulVersions"], copied
    failed = client.copy_package_versions(
        **DOMAIN, sourceRepository=source, destinationRepository=target, format="pypi", package="requests",
        versions=["0.0.1"], includeFromUpstream=True)
    assert failed["failedVersions"]["0.0.1"]["errorCode"] == "NOT_FOUND", failed
    for version in ("1.0", "1.1", "1.2"):
        client.publish_package_version(**asset_of(version))
    aws.refused("ConflictException", client.publish_package_version, **asset_of("1.0", b"other bytes"))
    client.list_packages(maxResults=1, **SAFE)
    client.describe_package(**OWN, **SAFE)
    client.list_package_versions(maxResults=1, **OWN, **SAFE)
    one = {"packageVersion": "1.0", **OWN, **SAFE}
    client.describe_package_version(**one)
    asset = client.list_package_version_assets(**one)["assets"][0]["name"]
    published = {"packageVersion": "2.32.3", "format": "pypi", "package": "requests", **SAFE}
    client.list_package_version_dependencies(**published)
    client.get_package_version_readme(**published)
    client.get_package_version_asset(asset=asset, **one)["asset"].read()
    aws.refused("ResourceNotFoundException", client.describe_package_version, packageVersion="9", **OWN, **SAFE)
    client.put_package_origin_configuration(restrictions={"publish": "ALLOW", "upstream": "BLOCK"}, **OWN, **SAFE)
    client.update_package_versions_status(versions=["1.0"], targetStatus="Archived", **OWN, **SAFE)
    client.dispose_package_versions(versions=["1.1"], **OWN, **SAFE)
    client.list_package_versions(status="Archived", **OWN, **SAFE)
    client.delete_package_versions(versions=["1.0", "7"], **OWN, **SAFE)
    client.delete_package(**OWN, **SAFE)
    aws.refused("ResourceNotFoundException", client.describe_package, **OWN, **SAFE)


def removal(aws):
    client = aws.codeartifact
    client.disassociate_external_connection(externalConnection="public:pypi", **STORE)
    for repository in (WORK, SAFE, STORE):
        client.delete_repository(**repository)
    aws.refused("ResourceNotFoundException", client.describe_repository, **WORK)
    client.delete_domain(**DOMAIN)


def everything(aws):
    domains(aws)
    repositories(aws)
    packages(aws)
    removal(aws)
