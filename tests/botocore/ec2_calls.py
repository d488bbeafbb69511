"""Every operation of EC2 that the simulator has."""

import json

from judged import ACCOUNT, REGION, until


def network(aws):
    ec2 = aws.ec2
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "closed & <quiet>"}]}]
    aws.refused("InvalidVpc.Range", ec2.create_vpc, CidrBlock="10.0.0.0/8")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.1/16", TagSpecifications=tags)["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": True})
    for attribute in ("enableDnsHostnames", "enableDnsSupport"):
        ec2.describe_vpc_attribute(VpcId=vpc, Attribute=attribute)
    ec2.describe_vpcs(VpcIds=[vpc])
    assert ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["closed & <quiet>"]}])["Vpcs"]
    aws.refused("InvalidVpcID.NotFound", ec2.describe_vpcs, VpcIds=["vpc-0123456789abcdef0"])
    aws.refused("InvalidVpcID.NotFound", ec2.delete_vpc, VpcId="vpc-0123456789abcdef0")
    ec2.describe_regions()
    ec2.describe_availability_zones()

    zones = [f"{REGION}{letter}" for letter in "ab"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for number, zone in enumerate(zones, 1)
    ]
    aws.refused("InvalidSubnet.Conflict", ec2.create_subnet, VpcId=vpc, CidrBlock="10.0.1.128/25")
    ec2.modify_subnet_attribute(SubnetId=subnets[0], MapPublicIpOnLaunch={"Value": False})
    ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    assert len(aws.pages(ec2, "describe_subnets", "Subnets", PaginationConfig={"PageSize": 5})) >= 2
    aws.refused(["InvalidSubnetID.NotFound", "InvalidSubnetId.NotFound"], ec2.describe_subnets,
                SubnetIds=["subnet-0123456789abcdef0"])
    tag(aws, vpc)
    return vpc, subnets


def tag(aws, vpc):
    ec2 = aws.ec2
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "team", "Value": "red"}, {"Key": "empty", "Value": ""}])
    ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [vpc]}])
    ec2.delete_tags(Resources=[vpc], Tags=[{"Key": "team"}])
    aws.refused("InvalidVpcID.NotFound", ec2.create_tags, Resources=["vpc-0123456789abcdef0"],
                Tags=[{"Key": "a", "Value": "b"}])


def routes(aws, vpc, subnets):
    ec2 = aws.ec2
    main = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"][0]
    token = {"ClientToken": "one-route-table"}
    table = ec2.create_route_table(VpcId=vpc, **token)["RouteTable"]["RouteTableId"]
    assert ec2.create_route_table(VpcId=vpc, **token)["RouteTable"]["RouteTableId"] == table
    association = ec2.associate_route_table(RouteTableId=table, SubnetId=subnets[0])["AssociationId"]
    aws.refused("Resource.AlreadyAssociated", ec2.associate_route_table,
                RouteTableId=main["RouteTableId"], SubnetId=subnets[0])
    association = ec2.replace_route_table_association(
        AssociationId=association, RouteTableId=main["RouteTableId"])["NewAssociationId"]
    association = ec2.replace_route_table_association(AssociationId=association, RouteTableId=table)["NewAssociationId"]

    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    aws.refused("RouteAlreadyExists", ec2.create_route, RouteTableId=table, DestinationCidrBlock="0.0.0.0/0",
                GatewayId=gateway)
    ec2.replace_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.describe_route_tables(RouteTableIds=[table])
    ec2.describe_internet_gateways()
    aws.refused("DependencyViolation", ec2.delete_internet_gateway, InternetGatewayId=gateway)
    aws.refused("DependencyViolation", ec2.delete_vpc, VpcId=vpc)
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    aws.refused("InvalidRoute.NotFound", ec2.delete_route, RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    aws.refused("DependencyViolation", ec2.delete_route_table, RouteTableId=table)
    return table, association


def ways_out(aws, vpc, subnets, table):
    """What an isolated network must not have, and the controller therefore has to see."""
    ec2 = aws.ec2
    nat = ec2.create_nat_gateway(SubnetId=subnets[0], ConnectivityType="private")["NatGateway"]["NatGatewayId"]
    ec2.describe_nat_gateways(Filter=[{"Name": "vpc-id", "Values": [vpc]}])
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="192.0.2.0/24", NatGatewayId=nat)
    ec2.describe_route_tables(RouteTableIds=[table])
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="192.0.2.0/24")
    ec2.delete_nat_gateway(NatGatewayId=nat)
    aws.refused("NatGatewayNotFound", ec2.describe_nat_gateways, NatGatewayIds=["nat-0123456789abcdef0"])

    gateway = ec2.create_egress_only_internet_gateway(VpcId=vpc)["EgressOnlyInternetGateway"]
    ec2.describe_egress_only_internet_gateways()
    ec2.delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=gateway["EgressOnlyInternetGatewayId"])

    gateway = ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    ec2.attach_vpn_gateway(VpcId=vpc, VpnGatewayId=gateway)
    ec2.describe_vpn_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc]}])
    ec2.enable_vgw_route_propagation(RouteTableId=table, GatewayId=gateway)
    ec2.disable_vgw_route_propagation(RouteTableId=table, GatewayId=gateway)
    ec2.detach_vpn_gateway(VpcId=vpc, VpnGatewayId=gateway)
    ec2.delete_vpn_gateway(VpnGatewayId=gateway)

    other = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    peering = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=other)["VpcPeeringConnection"]
    peering = peering["VpcPeeringConnectionId"]
    ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=[peering])
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    ec2.describe_vpc_peering_connections()
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.9.0.0/16", VpcPeeringConnectionId=peering)
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="10.9.0.0/16")
    ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering)
    ec2.delete_vpc(VpcId=other)

    transit = {"TransitGatewayId": "tgw-0123456789abcdef0", "VpcId": vpc, "SubnetIds": subnets[:1]}
    attachment = ec2.create_transit_gateway_vpc_attachment(**transit)["TransitGatewayVpcAttachment"]
    ec2.describe_transit_gateway_vpc_attachments()
    ec2.delete_transit_gateway_vpc_attachment(
        TransitGatewayAttachmentId=attachment["TransitGatewayAttachmentId"])


def lists_and_options(aws, vpc, subnets):
    ec2 = aws.ec2
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    entry = {"NetworkAclId": acl, "RuleNumber": 100, "Protocol": "6", "Egress": False, "CidrBlock": "10.0.0.0/16",
             "PortRange": {"From": 443, "To": 443}}
    ec2.create_network_acl_entry(RuleAction="allow", **entry)
    ec2.replace_network_acl_entry(RuleAction="deny", **entry)
    inside = [{"Name": "association.subnet-id", "Values": [subnets[0]]}]
    default = ec2.describe_network_acls(Filters=inside)["NetworkAcls"][0]
    association = next(one["NetworkAclAssociationId"] for one in default["Associations"]
                       if one["SubnetId"] == subnets[0])
    association = ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=acl)["NewAssociationId"]
    ec2.describe_network_acls(NetworkAclIds=[acl])
    aws.refused("DependencyViolation", ec2.delete_network_acl, NetworkAclId=acl)
    ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=default["NetworkAclId"])
    ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=100, Egress=False)
    ec2.delete_network_acl(NetworkAclId=acl)

    configuration = [{"Key": "domain-name-servers", "Values": ["10.0.0.2"]}]
    options = ec2.create_dhcp_options(DhcpConfigurations=configuration)["DhcpOptions"]["DhcpOptionsId"]
    ec2.associate_dhcp_options(DhcpOptionsId=options, VpcId=vpc)
    ec2.describe_dhcp_options(DhcpOptionsIds=[options])
    aws.refused("DependencyViolation", ec2.delete_dhcp_options, DhcpOptionsId=options)
    ec2.associate_dhcp_options(DhcpOptionsId="default", VpcId=vpc)
    ec2.delete_dhcp_options(DhcpOptionsId=options)


def groups(aws, vpc):
    ec2 = aws.ec2
    group = ec2.create_security_group(GroupName="endpoints", Description="of endpoints", VpcId=vpc)["GroupId"]
    aws.refused("InvalidGroup.Duplicate", ec2.create_security_group, GroupName="endpoints", Description="again",
                VpcId=vpc)
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    ranges = {**https, "IpRanges": [{"CidrIp": "10.0.0.0/16", "Description": "of the VPC"}]}
    tags = [{"ResourceType": "security-group-rule", "Tags": [{"Key": "owner", "Value": "us"}]}]
    rule = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[ranges], TagSpecifications=tags)
    rule = rule["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    aws.refused("InvalidPermission.Duplicate", ec2.authorize_security_group_ingress, GroupId=group,
                IpPermissions=[ranges])
    pair = {**https, "UserIdGroupPairs": [{"GroupId": group}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[pair])
    ec2.authorize_security_group_egress(
        GroupId=group, IpPermissions=[{**https, "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}]}])
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=everything)
    aws.refused("InvalidPermission.NotFound", ec2.revoke_security_group_egress, GroupId=group,
                IpPermissions=everything)
    ec2.describe_security_groups(GroupIds=[group])
    ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    changed = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv4": "10.0.1.0/24", "Description": "less"}
    ec2.modify_security_group_rules(
        GroupId=group, SecurityGroupRules=[{"SecurityGroupRuleId": rule, "SecurityGroupRule": changed}])
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[rule])
    aws.refused("InvalidSecurityGroupRuleId.NotFound", ec2.revoke_security_group_ingress, GroupId=group,
                SecurityGroupRuleIds=[rule])
    aws.refused("InvalidGroup.NotFound", ec2.describe_security_groups, GroupIds=["sg-0123456789abcdef0"])
    return group


def endpoints(aws, vpc, subnets, table, group):
    ec2 = aws.ec2
    ec2.describe_vpc_endpoint_services()
    ec2.describe_vpc_endpoint_services(ServiceNames=[f"com.amazonaws.{REGION}.codeartifact.api"])
    aws.refused("InvalidServiceName", ec2.create_vpc_endpoint, VpcId=vpc, VpcEndpointType="Interface",
                ServiceName=f"com.amazonaws.{REGION}.nothing", SubnetIds=subnets[:1])
    gateway = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3", VpcEndpointType="Gateway",
                                      RouteTableIds=[table])["VpcEndpoint"]["VpcEndpointId"]
    interface = ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.codeartifact.api", VpcEndpointType="Interface",
        SubnetIds=subnets[:1], SecurityGroupIds=[group], PrivateDnsEnabled=True, ClientToken="one-endpoint",
    )["VpcEndpoint"]["VpcEndpointId"]
    aws.refused("IdempotentParameterMismatch", ec2.create_vpc_endpoint, VpcId=vpc, VpcEndpointType="Interface",
                ServiceName=f"com.amazonaws.{REGION}.sts", SubnetIds=subnets[:1], ClientToken="one-endpoint")
    aws.refused("InvalidParameter", ec2.create_vpc_endpoint, VpcId=vpc, VpcEndpointType="Interface",
                ServiceName=f"com.amazonaws.{REGION}.codeartifact.api", SubnetIds=subnets[:1], PrivateDnsEnabled=True)
    ids = {"VpcEndpointIds": [gateway, interface]}
    until(lambda: all(one["State"] == "available" for one in ec2.describe_vpc_endpoints(**ids)["VpcEndpoints"]))
    ec2.modify_vpc_endpoint(VpcEndpointId=interface, AddSubnetIds=subnets[1:])
    until(lambda: all(one["State"] == "available" for one in ec2.describe_vpc_endpoints(**ids)["VpcEndpoints"]))
    policy = '{"Statement":[{"Effect":"Allow","Principal":"*","Action":"codeartifact:*","Resource":"*"}]}'
    ec2.modify_vpc_endpoint(VpcEndpointId=interface, PolicyDocument=policy)
    ec2.modify_vpc_endpoint(VpcEndpointId=gateway, ResetPolicy=True)
    ec2.describe_route_tables(RouteTableIds=[table])
    ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    ec2.describe_prefix_lists()
    lists = ec2.describe_managed_prefix_lists()["PrefixLists"]
    ec2.get_managed_prefix_list_entries(PrefixListId=lists[0]["PrefixListId"])
    aws.refused("DependencyViolation", ec2.delete_subnet, SubnetId=subnets[0])
    aws.refused("DependencyViolation", ec2.delete_security_group, GroupId=group)
    # Not found is part of a successful answer here.
    answer = ec2.delete_vpc_endpoints(VpcEndpointIds=[gateway, interface, "vpce-0123456789abcdef0"])
    assert answer["Unsuccessful"][0]["Error"]["Code"].endswith("NotFound"), answer
    vpc_of = [{"Name": "vpc-id", "Values": [vpc]}]
    until(lambda: all(one["State"] == "deleted" for one in ec2.describe_vpc_endpoints(Filters=vpc_of)["VpcEndpoints"]))
    aws.refused(["InvalidVpcEndpointId.NotFound", "InvalidVpcEndpoint.NotFound"], ec2.describe_vpc_endpoints,
                VpcEndpointIds=["vpce-0123456789abcdef0"])


def interfaces(aws, subnets, group):
    ec2 = aws.ec2
    one = ec2.create_network_interface(SubnetId=subnets[0], Groups=[group], Description="by hand")["NetworkInterface"]
    one = one["NetworkInterfaceId"]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=one, Description={"Value": "still by hand"})
    ec2.describe_network_interfaces(NetworkInterfaceIds=[one])
    ec2.delete_network_interface(NetworkInterfaceId=one)
    aws.refused("InvalidNetworkInterfaceID.NotFound", ec2.describe_network_interfaces, NetworkInterfaceIds=[one])


def pages(aws, vpc):
    """More of what is listed than fits a page of the smallest size that EC2 takes."""
    ec2 = aws.ec2
    numbers = range(6)
    groups = [ec2.create_security_group(GroupName=f"page-{number}", Description="of a page", VpcId=vpc)["GroupId"]
              for number in numbers]
    tables = [ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for _ in numbers]
    acls = [ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"] for _ in numbers]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.1{number}.0/24")["Subnet"]["SubnetId"] for number in numbers]
    endpoint = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.sts", VpcEndpointType="Interface",
                                       SubnetIds=subnets[:1])["VpcEndpoint"]["VpcEndpointId"]
    interfaces = [ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
                  for subnet in subnets]
    ec2.create_tags(Resources=groups, Tags=[{"Key": "page", "Value": "yes"}])
    size = {"PaginationConfig": {"PageSize": 5}}
    for operation, key in [
        ("describe_security_groups", "SecurityGroups"), ("describe_security_group_rules", "SecurityGroupRules"),
        ("describe_route_tables", "RouteTables"), ("describe_network_acls", "NetworkAcls"), ("describe_tags", "Tags"),
        ("describe_subnets", "Subnets"), ("describe_network_interfaces", "NetworkInterfaces"),
    ]:
        paged, whole = aws.pages(ec2, operation, key, **size), getattr(ec2, operation)()[key]
        assert len(paged) == len(whole) > 5 and all(one in paged for one in whole), (operation, len(paged), len(whole))
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    for interface in interfaces:
        ec2.delete_network_interface(NetworkInterfaceId=interface)
    for group, table, acl, subnet in zip(groups, tables, acls, subnets):
        ec2.delete_security_group(GroupId=group)
        ec2.delete_route_table(RouteTableId=table)
        ec2.delete_network_acl(NetworkAclId=acl)
        until(lambda: deleted(ec2, subnet))


def deleted(ec2, subnet):
    """Whether the subnet can be deleted: the interface of an endpoint outlives it for a moment."""
    try:
        ec2.delete_subnet(SubnetId=subnet)
    except ec2.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "DependencyViolation", error
        return False
    return True


def removal(aws, vpc, subnets, table, association, group):
    ec2 = aws.ec2
    ec2.delete_security_group(GroupId=group)
    ec2.disassociate_route_table(AssociationId=association)
    ec2.delete_route_table(RouteTableId=table)
    for subnet in subnets:
        ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)


def denied(aws):
    """EC2 as somebody sees it who may do nothing."""
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}]}
    role = aws.iam.create_role(RoleName="stranger", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    session = aws.sts.assume_role(RoleArn=role, RoleSessionName="stranger")["Credentials"]
    ec2 = aws.client("ec2", aws_access_key_id=session["AccessKeyId"], aws_session_token=session["SessionToken"],
                     aws_secret_access_key=session["SecretAccessKey"])
    aws.refused("UnauthorizedOperation", ec2.describe_vpcs)
    aws.iam.delete_role(RoleName="stranger")
    aws.refused("AuthFailure", ec2.describe_vpcs)


def everything(aws):
    vpc, subnets = network(aws)
    table, association = routes(aws, vpc, subnets)
    ways_out(aws, vpc, subnets, table)
    lists_and_options(aws, vpc, subnets)
    group = groups(aws, vpc)
    endpoints(aws, vpc, subnets, table, group)
    interfaces(aws, subnets, group)
    pages(aws, vpc)
    removal(aws, vpc, subnets, table, association, group)
    denied(aws)
