"""The judge must be able to find something: good answers pass it, and each kind of deviation is named."""

import json
import unittest

import botocore.session

from shapes import Judge

SESSION = botocore.session.get_session()


def judged(service, operation, status, body, headers=()):
    model = SESSION.get_service_model(service)
    judge = Judge()
    body = body if isinstance(body, str) else json.dumps(body)
    judge.answer(model, model.operation_model(operation), status, dict(headers), body.encode())
    return judge.report()


def vpcs(inner, name="DescribeVpcs", namespace="http://ec2.amazonaws.com/doc/2016-11-15/"):
    return f'<{name}Response xmlns="{namespace}"><requestId>r</requestId>{inner}</{name}Response>'


NOTEBOOK = {
    "NotebookInstanceArn": "arn:aws:sagemaker:us-east-1:111122223333:notebook-instance/n",
    "NotebookInstanceName": "n", "NotebookInstanceStatus": "InService", "CreationTime": 1795366800.5,
}


class Judging(unittest.TestCase):
    def passes(self, *answer, **more):
        self.assertEqual(judged(*answer, **more), [])

    def names(self, what, *answer, **more):
        report = judged(*answer, **more)
        self.assertTrue(any(what in line for line in report), report)

    def test_a_json_answer_that_fits_passes(self):
        self.passes("sagemaker", "DescribeNotebookInstance", 200, NOTEBOOK)

    def test_an_unknown_member_is_named(self):
        self.names(".Foo: not in the model", "sagemaker", "DescribeNotebookInstance", 200, {**NOTEBOOK, "Foo": 1})

    def test_a_wrong_enum_value_is_named(self):
        wrong = {**NOTEBOOK, "NotebookInstanceStatus": "inService"}
        self.names("'inService' is none of", "sagemaker", "DescribeNotebookInstance", 200, wrong)

    def test_a_time_in_text_is_named(self):
        wrong = {**NOTEBOOK, "CreationTime": "2026-11-22T17:00:00Z"}
        self.names("is no timestamp", "sagemaker", "DescribeNotebookInstance", 200, wrong)

    def test_a_time_in_milliseconds_is_named(self):
        wrong = {**NOTEBOOK, "CreationTime": 1795366800500}
        self.names("no time in seconds", "sagemaker", "DescribeNotebookInstance", 200, wrong)

    def test_null_is_named(self):
        self.names("null", "sagemaker", "DescribeNotebookInstance", 200, {**NOTEBOOK, "FailureReason": None})

    def test_a_missing_required_member_is_named(self):
        summary = {"NotebookInstances": [{"NotebookInstanceName": "n"}]}
        self.names("NotebookInstanceArn: required and missing", "sagemaker", "ListNotebookInstances", 200, summary)

    def test_a_string_for_a_number_is_named(self):
        self.names("is no integer", "codeartifact", "DescribeDomain", 200, {"domain": {"repositoryCount": "1"}})

    def test_text_that_breaks_the_pattern_is_named(self):
        self.names("does not match", "codeartifact", "DescribeDomain", 200, {"domain": {"owner": "12345678901x"}})

    def test_an_xml_answer_that_fits_passes(self):
        inner = "<vpcSet><item><vpcId>vpc-1</vpcId><state>available</state><isDefault>false</isDefault></item></vpcSet>"
        self.passes("ec2", "DescribeVpcs", 200, vpcs(inner))

    def test_an_unknown_element_is_named(self):
        self.names(".vpcSet[].VpcId: not in", "ec2", "DescribeVpcs", 200, vpcs("<vpcSet><item><VpcId/></item></vpcSet>"))

    def test_a_list_element_of_another_name_is_named(self):
        self.names("list element member", "ec2", "DescribeVpcs", 200, vpcs("<vpcSet><member/></vpcSet>"))

    def test_a_boolean_of_another_spelling_is_named(self):
        inner = "<vpcSet><item><isDefault>True</isDefault></item></vpcSet>"
        self.names("'True' is no boolean", "ec2", "DescribeVpcs", 200, vpcs(inner))

    def test_another_root_or_namespace_is_named(self):
        self.names("root element", "ec2", "DescribeVpcs", 200, vpcs("", name="DescribeSubnets"))
        self.names("root element", "ec2", "DescribeVpcs", 200, vpcs("", namespace="http://example.org/"))

    def test_the_state_of_an_endpoint_is_lower_camel_case(self):
        inner = "<vpcEndpointSet><item><state>{}</state></item></vpcEndpointSet>"
        good, bad = (vpcs(inner.format(state), name="DescribeVpcEndpoints") for state in ("available", "Available"))
        self.passes("ec2", "DescribeVpcEndpoints", 200, good)
        self.names("'Available' is none of", "ec2", "DescribeVpcEndpoints", 200, bad)

    def test_a_query_answer_without_its_wrapper_is_named(self):
        body = ('<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">{}<ResponseMetadata>'
                "<RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>")
        inner = "<Account>111122223333</Account>"
        wrapped = f"<GetCallerIdentityResult>{inner}</GetCallerIdentityResult>"
        self.passes("sts", "GetCallerIdentity", 200, body.format(wrapped))
        self.names("0 elements GetCallerIdentityResult", "sts", "GetCallerIdentity", 200, body.format(inner))

    def test_a_required_xml_member_that_is_missing_is_named(self):
        body = ('<GetRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetRoleResult><Role>'
                "<RoleName>r</RoleName></Role></GetRoleResult><ResponseMetadata/></GetRoleResponse>")
        self.names(".Role.Arn: required and missing", "iam", "GetRole", 200, body)

    def test_an_error_that_the_operation_does_not_have_is_named(self):
        headers = {"x-amzn-errortype": "ServiceQuotaExceededException"}
        self.passes("codeartifact", "CreateDomain", 402, {"message": "m"}, headers=headers)
        self.names("is not in the model", "codeartifact", "DescribeDomain", 402, {"message": "m"}, headers=headers)

    def test_an_error_with_another_status_is_named(self):
        headers = {"x-amzn-errortype": "ConflictException"}
        self.names("instead of 409", "codeartifact", "CreateDomain", 400, {"message": "m"}, headers=headers)

    def test_an_unknown_member_of_an_error_is_named(self):
        headers = {"x-amzn-errortype": "ConflictException"}
        body = {"message": "m", "resourceKind": "domain"}
        self.names("resourceKind: not in", "codeartifact", "CreateDomain", 409, body, headers=headers)

    def test_a_failure_of_the_simulator_is_named(self):
        self.names("status 500", "ec2", "DescribeVpcs", 500, "oops")

    def test_an_unknown_error_of_ec2_is_named(self):
        body = "<Response><Errors><Error><Code>{}</Code><Message>m</Message></Error></Errors><RequestID>r</RequestID></Response>"
        self.passes("ec2", "DeleteVpc", 400, body.format("DependencyViolation"))
        self.names("unknown code", "ec2", "DeleteVpc", 400, body.format("VpcHasDependencies"))


if __name__ == "__main__":
    unittest.main()
