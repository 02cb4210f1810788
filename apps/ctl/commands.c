/* SPDX-License-Identifier: Apache-2.0 */
/* commands.c - the table of commands, in the order of the help. */
#include "apps/ctl/ctl.h"

#include <string.h>

const struct ctl_option ctl_global_options[] = {
    {"--state", N_("DIR"), N_("state folder of the server on this machine"), false},
    {"--socket", N_("PATH"), N_("socket of the server on this machine"), false},
    {"--server", N_("HOST:PORT"), N_("another machine, over HTTPS"), false},
    {"--hub", N_("HUB"), N_("log in as the administrator of this hub"), false},
    {"--password-file", N_("FILE"), N_("file with the password for --server"), false},
    {"--fingerprint", N_("SHA256"), N_("fingerprint of the server's certificate"), false},
    {"--ca", N_("FILE"), N_("authorities to trust, PEM"), false},
    {"--json", NULL, N_("answers as JSON"), false},
    {"--help", NULL, N_("this help, or that of a command"), false},
    {"--version", NULL, N_("version of the program"), false},
    {NULL, NULL, NULL, false},
};

#define PASSWORD_OPTIONS                                                                        \
    {"--password-stdin", NULL, N_("the password is the first line of the input"), false},       \
    {                                                                                           \
        "--password-file", N_("FILE"), N_("the password is the first line of this file"), false \
    }

const struct ctl_option ctl_password_options[] = {PASSWORD_OPTIONS, {NULL, NULL, NULL, false}};

static const struct ctl_option cert_set_options[] = {
    {"--cert", N_("FILE"), N_("certificate, PEM with its chain, or DER"), false},
    {"--key", N_("FILE"), N_("private key, PEM or DER"), false},
    {NULL, NULL, NULL, false},
};

static const struct ctl_option cert_regenerate_options[] = {
    {"--cn", N_("NAME"), N_("common name; the name of the machine otherwise"), false},
    {NULL, NULL, NULL, false},
};

static const struct ctl_option hub_create_options[] = {
    {"--max-sessions", N_("N"), N_("limit of sessions, 0 for none"), false},
    {"--no-enum", NULL, N_("hide the hub from strangers"), false},
    {"--offline", NULL, N_("do not take it online"), false},
    PASSWORD_OPTIONS,
    {NULL, NULL, NULL, false},
};

static const struct ctl_option hub_set_options[] = {
    {"--max-sessions", N_("N"), N_("limit of sessions, 0 for none"), false},
    {"--no-enum", NULL, N_("hide the hub from strangers"), false},
    {"--enum", NULL, N_("show the hub to strangers"), false},
    {"--password", NULL, N_("ask for a new password of the hub's administrator"), false},
    PASSWORD_OPTIONS,
    {NULL, NULL, NULL, false},
};

#define USER_OPTIONS                                                                             \
    PASSWORD_OPTIONS, {"--anonymous", NULL, N_("logs in without proof"), false},                 \
        {"--cert", N_("FILE"), N_("logs in with this certificate"), false},                      \
        {"--signed-cert", NULL, N_("logs in with a certificate of a trusted authority"), false}, \
        {"--cn", N_("CN"), N_("common name that the certificate must have"), false},             \
        {"--radius", NULL, N_("logs in with what the RADIUS server knows"), false},              \
        {"--domain", NULL, N_("logs in with what the domain knows"), false},                     \
        {"--external-name", N_("NAME"), N_("name there, when it is another"), false},            \
        {"--serial", N_("HEX"), N_("serial number that the certificate must have"), false},      \
        {"--realname", N_("TEXT"), N_("full name"), false},                                      \
        {"--note", N_("TEXT"), N_("remark"), false},                                             \
        {"--group", N_("GROUP"), N_("group, whose policy holds unless there is one"), false},    \
        {"--address4", N_("ADDRESS/LENGTH[,...]"),                                               \
         N_("fixed IPv4 address, with ,gateway=IP and ,dns=IP; none: by DHCP"), false},          \
        {"--address6", N_("ADDRESS/LENGTH[,...]"), N_("the same for IPv6"), false},              \
        {"--expires", N_("DATE"), N_("end of the account, like 2030-12-31, or never"), false},   \
    {                                                                                            \
        "--policy", N_("NAME=VALUE"), N_("item of the security policy"), true                    \
    }

static const struct ctl_option user_create_options[] = {
    USER_OPTIONS,
    {NULL, NULL, NULL, false},
};

static const struct ctl_option user_set_options[] = {
    USER_OPTIONS,
    {"--password", NULL, N_("ask for a new password"), false},
    {"--no-group", NULL, N_("take the user out of the group"), false},
    {"--no-policy", NULL, N_("take the security policy away"), false},
    {NULL, NULL, NULL, false},
};

#define GROUP_OPTIONS                                                         \
    {"--realname", N_("TEXT"), N_("full name"), false},                       \
        {"--note", N_("TEXT"), N_("remark"), false},                          \
    {                                                                         \
        "--policy", N_("NAME=VALUE"), N_("item of the security policy"), true \
    }

static const struct ctl_option group_create_options[] = {
    GROUP_OPTIONS,
    {NULL, NULL, NULL, false},
};

static const struct ctl_option group_set_options[] = {
    GROUP_OPTIONS,
    {"--no-policy", NULL, N_("take the security policy away"), false},
    {NULL, NULL, NULL, false},
};

static const struct ctl_option message_options[] = {
    {"--file", N_("FILE"), N_("the text is in this file"), false},
    {NULL, NULL, NULL, false},
};

static const struct ctl_option policy_options[] = {
    {"--policy", N_("NAME=VALUE"), N_("item of the security policy"), true},
    {"--no-policy", NULL, N_("take the security policy away"), false},
    {NULL, NULL, NULL, false},
};

static const struct ctl_option bridge_create_options[] = {
    {"--tap", NULL, N_("make a new TAP adapter of that name"), false},
    {NULL, NULL, NULL, false},
};

static const struct ctl_column listener_columns[] = {
    {"Ports_u32", N_("PORT")},
    {"Enables_bool", N_("ENABLED")},
    {"Errors_bool", N_("ERROR")},
    {NULL, NULL},
};

static const struct ctl_column hub_columns[] = {
    {"HubName_str", N_("HUB")},
    {"Online_bool", N_("ONLINE")},
    {"NumUsers_u32", N_("USERS")},
    {"NumSessions_u32", N_("SESSIONS")},
    {"NumMacTables_u32", N_("MACS")},
    {"NumLogin_u32", N_("LOGINS")},
    {"LastCommTime_dt", N_("LAST TRAFFIC")},
    {NULL, NULL},
};

static const struct ctl_column user_columns[] = {
    {"Name_str", N_("USER")},
    {"GroupName_str", N_("GROUP")},
    {"Realname_utf", N_("FULL NAME")},
    {"AuthType_u32", N_("LOGIN")},
    {"NumLogin_u32", N_("LOGINS")},
    {"LastLoginTime_dt", N_("LAST LOGIN")},
    {"Expires_dt", N_("EXPIRES")},
    {"DenyAccess_bool", N_("DENIED")},
    {NULL, NULL},
};

static const struct ctl_column group_columns[] = {
    {"Name_str", N_("GROUP")},
    {"Realname_utf", N_("FULL NAME")},
    {"NumUsers_u32", N_("USERS")},
    {"DenyAccess_bool", N_("DENIED")},
    {NULL, NULL},
};

static const struct ctl_column access_columns[] = {
    {"Id_u32", N_("ID")},
    {"Priority_u32", N_("PRIORITY")},
    {"Active_bool", N_("ACTIVE")},
    {"Hits_u64", N_("HITS")},
    {"Rule_utf", N_("RULE")},
    {"Note_utf", N_("NOTE")},
    {NULL, NULL},
};

static const struct ctl_column set_columns[] = {
    {"Name_str", N_("NAME")},
    {"NumAddresses_u32", N_("COUNT")},
    {"Addresses_str", N_("ADDRESSES")},
    {NULL, NULL},
};

static const struct ctl_column source_columns[] = {
    {"Id_u32", N_("ID")},          {"Priority_u32", N_("PRIORITY")},
    {"Deny_bool", N_("DENY")},     {"IpAddress_ip", N_("ADDRESS")},
    {"SubnetMask_ip", N_("MASK")}, {NULL, NULL},
};

static const struct ctl_column session_columns[] = {
    {"Name_str", N_("SESSION")},      {"Username_str", N_("USER")},
    {"ClientIP_ip", N_("ADDRESS")},   {"Hostname_str", N_("HOST")},
    {"CurrentNumTcp_u32", N_("TCP")}, {"PacketSize_u64", N_("BYTES")},
    {"CreatedTime_dt", N_("SINCE")},  {NULL, NULL},
};

static const struct ctl_column ip_columns[] = {
    {"Key_u32", N_("KEY")},
    {"IpAddress_ip", N_("ADDRESS")},
    {"MacAddress_bin", N_("MAC")},
    {"VlanId_u32", N_("VLAN")},
    {"SessionName_str", N_("SESSION")},
    {"DhcpAllocated_bool", N_("DHCP")},
    {"UpdatedTime_dt", N_("LAST USED")},
    {NULL, NULL},
};

static const struct ctl_column option_columns[] = {
    {"Name_str", N_("NAME")},
    {"Value_u32", N_("VALUE")},
    {"Descrption_utf", N_("WHAT IT DOES")},
    {NULL, NULL},
};

static const struct ctl_column mac_columns[] = {
    {"Key_u32", N_("KEY")},         {"MacAddress_bin", N_("MAC")},
    {"VlanId_u32", N_("VLAN")},     {"SessionName_str", N_("SESSION")},
    {"UpdatedTime_dt", N_("SEEN")}, {NULL, NULL},
};

static const struct ctl_column bridge_columns[] = {
    {"HubNameLB_str", N_("HUB")},  {"DeviceName_str", N_("DEVICE")}, {"TapMode_bool", N_("TAP")},
    {"Online_bool", N_("ONLINE")}, {"Active_bool", N_("ACTIVE")},    {NULL, NULL},
};

static const struct ctl_column device_columns[] = {
    {"DeviceName_str", N_("DEVICE")},
    {NULL, NULL},
};

static const struct ctl_column lease_columns[] = {
    {"IpAddress_ip", N_("ADDRESS")}, {"MacAddress_bin", N_("MAC")},    {"Hostname_str", N_("HOST")},
    {"LeasedTime_dt", N_("SINCE")},  {"ExpireTime_dt", N_("EXPIRES")}, {NULL, NULL},
};

static const struct ctl_column flow_columns[] = {
    {"Protocol_u32", N_("PROTOCOL")}, {"SrcHost_str", N_("CLIENT")},   {"SrcPort_u32", N_("PORT")},
    {"DestHost_str", N_("OUTSIDE")},  {"DestPort_u32", N_("PORT")},    {"SendSize_u64", N_("SENT")},
    {"RecvSize_u64", N_("RECEIVED")}, {"CreatedTime_dt", N_("SINCE")}, {NULL, NULL},
};

static const struct ctl_column peer_columns[] = {
    {"Remote_str", N_("Address")},
    {"Id_str", N_("Identity")},
    {"Ike_str", N_("IKE")},
    {"Esp_str", N_("ESP")},
    {"NumCarriers_u32", N_("Tunnels")},
    {"ConnectedTime_dt", N_("Since")},
    {NULL, NULL},
};

static const struct ctl_column router_columns[] = {
    {"Id_str", N_("Identity")},
    {"HubName_str", N_("Hub")},
    {"UserName_str", N_("User")},
    {"HasSecret_bool", N_("Own key")},
    {"LocalSession_u32", N_("Static session")},
    {NULL, NULL},
};

static const struct ctl_column ca_columns[] = {
    {"Key_u32", N_("KEY")},
    {"SubjectName_utf", N_("SUBJECT")},
    {"IssuerName_utf", N_("ISSUER")},
    {"Expires_dt", N_("EXPIRES")},
    {NULL, NULL},
};

static const struct ctl_column ban_columns[] = {
    {"Address_str", N_("ADDRESS")},
    {"Times_u32", N_("TIMES")},
    {"Until_dt", N_("UNTIL")},
    {NULL, NULL},
};

static const struct ctl_column allow_columns[] = {
    {"Prefix_str", N_("ADDRESSES")},
    {NULL, NULL},
};

static const struct ctl_column log_file_columns[] = {
    {"FilePath_str", N_("FILE")},
    {"FileSize_u32", N_("BYTES")},
    {"UpdatedTime_dt", N_("CHANGED")},
    {NULL, NULL},
};

static const struct ctl_column log_columns[] = {
    {"Name_str", N_("LOG")},
    {"Lines_u64", N_("LINES")},
    {"Dropped_u64", N_("DROPPED")},
    {"Unwritten_u64", N_("UNWRITTEN")},
    {"Alarm_bool", N_("ALARM")},
    {"Problem_utf", N_("PROBLEM")},
    {NULL, NULL},
};

static const struct ctl_column crl_columns[] = {
    {"Key_u32", N_("KEY")},
    {"CrlInfo_utf", N_("CERTIFICATES")},
    {NULL, NULL},
};

static const struct ctl_column caps_columns[] = {
    {"CapsName_str", N_("NAME")},
    {"CapsValue_u32", N_("VALUE")},
    {"CapsDescrption_utf", N_("MEANING")},
    {NULL, NULL},
};

#define SHOW(m, f)      .run = ctl_run_show, .method = (m), .fields = (f)
#define CHANGE(m, f, k) .run = ctl_run_change, .method = (m), .fields = (f), .constants = (k)
#define LIST(m, f, l, c) \
    .run = ctl_run_list, .method = (m), .fields = (f), .list = (l), .columns = (c)
#define ON "Enable_bool=true"

const struct ctl_command ctl_commands[] = {
    {"server", "info", NULL, N_("who the server is"), NULL, SHOW("GetServerInfo", NULL)},
    {"server", "status", NULL, N_("how the server does"), NULL, SHOW("GetServerStatus", NULL)},
    {"server", "caps", NULL, N_("what the server can do"), NULL,
     LIST("GetCaps", NULL, "CapsList", caps_columns)},
    {"server", "flush", NULL, N_("write counters to the disk now"), NULL,
     CHANGE("Flush", NULL, NULL)},
    {"server", "password set", NULL, N_("set the password of the server administrator"),
     ctl_password_options, .run = ctl_run_server_password},
    {"server", "cert show", NULL, N_("show the server's certificate"), NULL,
     .run = ctl_run_cert_show},
    {"server", "cert set", NULL, N_("install a certificate and its key"), cert_set_options,
     .run = ctl_run_cert_set},
    {"server", "cert regenerate", NULL, N_("make a new key and a self-signed certificate"),
     cert_regenerate_options, .run = ctl_run_cert_regenerate},

    {"listener", "list", NULL, N_("list TCP ports"), NULL,
     LIST("EnumListener", NULL, "ListenerList", listener_columns)},
    {"listener", "add", "PORT", N_("open a TCP port"), NULL,
     CHANGE("CreateListener", "Port_u32", ON)},
    {"listener", "delete", "PORT", N_("close a TCP port and forget it"), NULL,
     CHANGE("DeleteListener", "Port_u32", NULL)},
    {"listener", "enable", "PORT", N_("open a TCP port that is in the list"), NULL,
     CHANGE("EnableListener", "Port_u32", ON)},
    {"listener", "disable", "PORT", N_("close a TCP port, but keep it in the list"), NULL,
     CHANGE("EnableListener", "Port_u32", "Enable_bool=false")},

    {"hub", "list", NULL, N_("list hubs"), NULL, LIST("EnumHub", NULL, "HubList", hub_columns)},
    {"hub", "create", "NAME", N_("make a hub"), hub_create_options, .run = ctl_run_hub_create},
    {"hub", "show", "HUB", N_("show a hub's settings and counters"), NULL,
     SHOW("GetHub GetHubStatus", "HubName_str")},
    {"hub", "set", "HUB", N_("change a hub"), hub_set_options, .run = ctl_run_hub_set},
    {"hub", "online", "HUB", N_("take a hub online"), NULL,
     CHANGE("SetHubOnline", "HubName_str", "Online_bool=true")},
    {"hub", "offline", "HUB", N_("take a hub offline; its sessions end"), NULL,
     CHANGE("SetHubOnline", "HubName_str", "Online_bool=false")},
    {"hub", "policy show", "HUB", N_("show the policy of users who have none by user or group"),
     NULL, SHOW("GetHubDefaultPolicy", "HubName_str")},
    {"hub", "policy set", "HUB", N_("change it"), policy_options, .run = ctl_run_hub_policy_set},
    {"hub", "option list", "HUB", N_("list the extended options of a hub"), NULL,
     LIST("GetHubExtOptions", "HubName_str", "AdminOptionList", option_columns)},
    {"hub", "option set", "HUB NAME VALUE", N_("change an extended option"), NULL,
     .run = ctl_run_hub_option_set},
    {"hub", "admin-option list", "HUB", N_("list how far the hub's administrator may go"), NULL,
     LIST("GetHubAdminOptions", "HubName_str", "AdminOptionList", option_columns)},
    {"hub", "admin-option set", "HUB NAME VALUE", N_("change one of these options"), NULL,
     .run = ctl_run_hub_admin_option_set},
    {"hub", "message show", "HUB", N_("show what clients are told after the login"), NULL,
     .run = ctl_run_hub_message_show},
    {"hub", "message set", "HUB [TEXT]", N_("change it; an empty text takes it away"),
     message_options, .run = ctl_run_hub_message_set},
    {"hub", "delete", "HUB", N_("delete a hub with its users"), NULL,
     CHANGE("DeleteHub", "HubName_str", NULL)},

    {"user", "list", "HUB", N_("list the users of a hub"), NULL,
     LIST("EnumUser", "HubName_str", "UserList", user_columns)},
    {"user", "create", "HUB NAME", N_("make a user"), user_create_options,
     .run = ctl_run_user_create},
    {"user", "set", "HUB USER", N_("change a user"), user_set_options, .run = ctl_run_user_set},
    {"user", "show", "HUB USER", N_("show a user's settings and counters"), NULL,
     SHOW("GetUser", "HubName_str Name_str")},
    {"user", "delete", "HUB USER", N_("delete a user; the sessions end"), NULL,
     CHANGE("DeleteUser", "HubName_str Name_str", NULL)},
    {"user", "totp create", "HUB USER",
     N_("make a secret for one-time codes, which the user needs from now on"), ctl_totp_options,
     .run = ctl_run_totp_create, .fields = "HubName_str Name_str"},
    {"user", "totp show", "HUB USER", N_("show whether a user needs one-time codes"), NULL,
     SHOW("GetUserTotp", "HubName_str Name_str")},
    {"user", "totp delete", "HUB USER", N_("let a user in without one-time codes"), NULL,
     CHANGE("DeleteUserTotp", "HubName_str Name_str", NULL)},

    {"group", "list", "HUB", N_("list the groups of a hub"), NULL,
     LIST("EnumGroup", "HubName_str", "GroupList", group_columns)},
    {"group", "create", "HUB NAME", N_("make a group"), group_create_options,
     .run = ctl_run_group_create},
    {"group", "set", "HUB GROUP", N_("change a group"), group_set_options,
     .run = ctl_run_group_set},
    {"group", "show", "HUB GROUP", N_("show a group's settings and counters"), NULL,
     SHOW("GetGroup", "HubName_str Name_str")},
    {"group", "delete", "HUB GROUP", N_("delete a group; its members stay"), NULL,
     CHANGE("DeleteGroup", "HubName_str Name_str", NULL)},

    {"access", "list", "HUB", N_("list the access rules of a hub"), NULL,
     LIST("EnumAccess", "HubName_str", "AccessList", access_columns)},
    {"access", "add", "HUB EFFECT", N_("add an access rule that says pass or discard"),
     ctl_access_add_options, .run = ctl_run_access_add},
    {"access", "set", "HUB ID", N_("change an access rule"), ctl_access_set_options,
     .run = ctl_run_access_set},
    {"access", "enable", "HUB ID", N_("put an access rule in force"), NULL,
     .run = ctl_run_access_switch},
    {"access", "disable", "HUB ID", N_("take an access rule out of force"), NULL,
     .run = ctl_run_access_switch},
    {"access", "delete", "HUB ID", N_("remove an access rule"), NULL,
     CHANGE("DeleteAccess", "HubName_str Id_u32", NULL)},
    {"access", "clear", "HUB", N_("remove all access rules of a hub"), NULL,
     CHANGE("SetAccessList", "HubName_str", NULL)},
    {"access", "test", "HUB", N_("would this packet pass, and by which rule?"),
     ctl_access_test_options, .run = ctl_run_access_test},

    {"address-set", "list", "HUB", N_("list the sets of addresses that access rules may name"),
     NULL, LIST("EnumAddressSet", "HubName_str", "AddressSetList", set_columns)},
    {"address-set", "set", "HUB NAME ADDRESSES",
     N_("make a set of addresses and networks, or replace it"), NULL,
     CHANGE("SetAddressSet", "HubName_str Name_str Addresses_str", NULL)},
    {"address-set", "delete", "HUB NAME", N_("remove a set that no rule names"), NULL,
     CHANGE("DeleteAddressSet", "HubName_str Name_str", NULL)},

    {"source", "list", "HUB", N_("list from where clients may log in to a hub"), NULL,
     LIST("GetAcList", "HubName_str", "ACList", source_columns)},
    {"source", "set", "HUB", N_("replace from where clients may log in to a hub"),
     ctl_source_set_options, .run = ctl_run_source_set},

    {"session", "list", "HUB", N_("list the sessions of a hub"), NULL,
     LIST("EnumSession", "HubName_str", "SessionList", session_columns)},
    {"session", "show", "HUB SESSION", N_("show one session"), NULL,
     SHOW("GetSessionStatus", "HubName_str Name_str")},
    {"session", "disconnect", "HUB SESSION", N_("end a session"), NULL,
     CHANGE("DeleteSession", "HubName_str Name_str", NULL)},

    {"mac", "list", "HUB", N_("list the MAC addresses that a hub has learned"), NULL,
     LIST("EnumMacTable", "HubName_str", "MacTable", mac_columns)},
    {"mac", "delete", "HUB KEY", N_("forget a learned MAC address"), NULL,
     CHANGE("DeleteMacTable", "HubName_str Key_u32", NULL)},

    {"ip-table", "list", "HUB", N_("list the IP addresses that a hub has learned"), NULL,
     LIST("EnumIpTable", "HubName_str", "IpTable", ip_columns)},
    {"ip-table", "delete", "HUB KEY", N_("forget a learned IP address"), NULL,
     CHANGE("DeleteIpTable", "HubName_str Key_u32", NULL)},

    {"ca", "list", "HUB", N_("list the authorities that a hub trusts"), NULL,
     LIST("EnumCa", "HubName_str", "CAList", ca_columns)},
    {"ca", "add", "HUB FILE", N_("trust an authority, by its certificate"), NULL,
     CHANGE("AddCa", "HubName_str Cert_bin", NULL)},
    {"ca", "delete", "HUB KEY", N_("end the trust in an authority"), NULL,
     CHANGE("DeleteCa", "HubName_str Key_u32", NULL)},

    {"bridge", "list", NULL, N_("list local bridges"), NULL,
     LIST("EnumLocalBridge", NULL, "LocalBridgeList", bridge_columns)},
    {"bridge", "devices", NULL, N_("list network adapters that can be bridged"), NULL,
     LIST("EnumEthernet", NULL, "EthList", device_columns)},
    {"bridge", "create", "HUB DEVICE", N_("join a hub to a network adapter"), bridge_create_options,
     .run = ctl_run_bridge_create},
    {"bridge", "delete", "HUB DEVICE", N_("remove a local bridge"), NULL,
     CHANGE("DeleteLocalBridge", "HubNameLB_str DeviceName_str", NULL)},

    {"securenat", "enable", "HUB", N_("start NAT and DHCP in a hub"), NULL,
     CHANGE("EnableSecureNAT", "HubName_str", NULL)},
    {"securenat", "disable", "HUB", N_("stop them"), NULL,
     CHANGE("DisableSecureNAT", "HubName_str", NULL)},
    {"securenat", "show", "HUB", N_("show how they are set"), NULL,
     SHOW("GetSecureNATOption", "RpcHubName_str")},
    {"securenat", "set", "HUB", N_("change them"), ctl_securenat_set_options,
     .run = ctl_run_securenat_set},
    {"securenat", "status", "HUB", N_("show how they do"), NULL,
     SHOW("GetSecureNATStatus", "HubName_str")},
    {"securenat", "leases", "HUB", N_("list the leases that DHCP gave"), NULL,
     LIST("EnumDHCP", "HubName_str", "DhcpTable", lease_columns)},
    {"securenat", "flows", "HUB", N_("list the flows that NAT translates"), NULL,
     LIST("EnumNAT", "HubName_str", "NatTable", flow_columns)},

    {"openvpn", "show", NULL, N_("show how OpenVPN is set"), NULL, SHOW("GetOpenVpnOptions", NULL)},
    {"openvpn", "set", NULL, N_("change it"), ctl_openvpn_set_options, .run = ctl_run_openvpn_set},
    {"openvpn", "export", "[HUB]", N_("write a profile for clients"), ctl_openvpn_export_options,
     .run = ctl_run_openvpn_export},
    {"openvpn", "key show", "KIND", N_("print a key file: tls-auth, tls-crypt or tls-crypt-v2"),
     NULL, .run = ctl_run_openvpn_key},

    {"log", "show", "HUB", N_("show what a hub logs, and how its files are kept"), NULL,
     .run = ctl_run_log_show, .method = "GetHubLog", .fields = "HubName_str"},
    {"log", "set", "HUB", N_("change it"), ctl_log_set_options, .run = ctl_run_log_set},
    {"log", "server show", NULL, N_("show how the server's log is kept"), NULL,
     SHOW("GetServerLog", NULL)},
    {"log", "server set", NULL, N_("change it, and the format of all logs"), ctl_log_server_options,
     .run = ctl_run_log_server},
    {"log", "status", NULL, N_("show how the logs do"), NULL,
     LIST("GetLogStatus", NULL, "LogList", log_columns)},
    {"log", "files", NULL, N_("list log files"), NULL,
     LIST("EnumLogFile", NULL, "LogFiles", log_file_columns)},
    {"log", "read", "FILE", N_("print a log file, unpacked"), ctl_log_read_options,
     .run = ctl_run_log_read},

    {"syslog", "show", NULL, N_("show which syslog server gets what, and how that does"), NULL,
     SHOW("GetSysLog GetLogStatus", NULL)},
    {"syslog", "set", NULL, N_("change it"), ctl_syslog_options, .run = ctl_run_syslog_set},

    {"capture", NULL, "HUB", N_("write packets that pass a hub to the output, as pcapng"),
     ctl_capture_options, .run = ctl_run_capture},

    {"sstp", "show", NULL, N_("show whether SSTP and OpenVPN clients are taken"), NULL,
     SHOW("GetOpenVpnSstpConfig", NULL)},
    {"sstp", "enable", NULL, N_("take SSTP clients at every TCP listener"), NULL,
     CHANGE("SetOpenVpnSstpConfig", NULL, "EnableSSTP_bool=true")},
    {"sstp", "disable", NULL, N_("take no new ones"), NULL,
     CHANGE("SetOpenVpnSstpConfig", NULL, "EnableSSTP_bool=false")},

    {"ipsec", "show", NULL, N_("show how IPsec and L2TP are set, and how they do"), NULL,
     SHOW("GetIPsecServices GetIPsecStatus", NULL)},
    {"ipsec", "set", NULL, N_("change it"), ctl_ipsec_set_options, .run = ctl_run_ipsec_set},
    {"ipsec", "peers", NULL, N_("list the peers of IPsec"), NULL,
     LIST("EnumIPsecPeer", NULL, "PeerList", peer_columns)},

    {"router", "list", NULL, N_("list the routers that may bring Ethernet by IPsec"), NULL,
     LIST("EnumEtherIpId", NULL, "Settings", router_columns)},
    {"router", "add", "ID HUB USER", N_("register a router by its identity in IKE, or change it"),
     ctl_router_add_options, .run = ctl_run_router_add,
     .fields = "Id_str HubName_str UserName_str"},
    {"router", "show", "ID", N_("show one router"), NULL, SHOW("GetEtherIpId", "Id_str")},
    {"router", "delete", "ID", N_("remove a router from the register"), NULL,
     CHANGE("DeleteEtherIpId", "Id_str", NULL)},

    {"crl", "list", "HUB", N_("list the certificates that a hub takes no more"), NULL,
     LIST("EnumCrl", "HubName_str", "CRLList", crl_columns)},
    {"crl", "add", "HUB", N_("revoke certificates, by what they have"), ctl_crl_options,
     .run = ctl_run_crl_add, .fields = "HubName_str"},
    {"crl", "show", "HUB KEY", N_("show one entry"), NULL, SHOW("GetCrl", "HubName_str Key_u32")},
    {"crl", "delete", "HUB KEY", N_("remove an entry"), NULL,
     CHANGE("DelCrl", "HubName_str Key_u32", NULL)},

    {"ban", "list", NULL, N_("list the addresses that are banned, for wrong logins"), NULL,
     LIST("EnumBan", NULL, "BanList", ban_columns)},
    {"ban", "delete", "ADDRESS", N_("end a ban"), NULL, CHANGE("DeleteBan", "Address_str", NULL)},
    {"ban", "allow", "PREFIX", N_("never ban these addresses, like 192.0.2.0/24"), NULL,
     CHANGE("AddBanAllow", "Prefix_str", NULL)},
    {"ban", "disallow", "PREFIX", N_("take them from that list"), NULL,
     CHANGE("DeleteBanAllow", "Prefix_str", NULL)},
    {"ban", "allowed", NULL, N_("list the addresses that are never banned"), NULL,
     LIST("EnumBanAllow", NULL, "AllowList", allow_columns)},

    {"radius", "show", "HUB", N_("show the RADIUS servers of a hub, and how they do"), NULL,
     SHOW("GetHubRadius", "HubName_str")},
    {"radius", "set", "HUB", N_("change them"), ctl_radius_set_options, .run = ctl_run_radius_set},
    {"radius", "test", "HUB", N_("ask each of them for a sign of life"), NULL,
     .run = ctl_run_radius_test},

    {"rpc", NULL, "METHOD [JSON]", N_("call a method of the API as it is"), NULL,
     .run = ctl_run_rpc},
    {0},
};

bool
ctl_noun_exists(const char *noun)
{
    for (const struct ctl_command *c = ctl_commands; c->noun; c++)
        if (strcmp(c->noun, noun) == 0)
            return true;
    return false;
}

/* How many of the words begin the verb; 0 when they do not say the whole of it. */
static unsigned
words_of_verb(const char *verb, char **v)
{
    g_auto(GStrv) words = g_strsplit(verb, " ", -1);
    unsigned n = 0;

    for (; words[n]; n++)
        if (!v[n] || strcmp(words[n], v[n]) != 0)
            return 0;
    return n;
}

const struct ctl_command *
ctl_command_match(const char *noun, char **v, unsigned *used)
{
    for (const struct ctl_command *c = ctl_commands; c->noun; c++) {
        if (strcmp(c->noun, noun) != 0)
            continue;
        *used = c->verb ? words_of_verb(c->verb, v) : 0;
        if (*used > 0 || !c->verb)
            return c;
    }
    return NULL;
}
