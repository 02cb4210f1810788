/* SPDX-License-Identifier: Apache-2.0 */
/* test-rpc-access.c - access rules, sets and source addresses through the dispatcher. */
#include "core/rpc/access_config.h"
#include "core/rpc/rpc_priv.h"
#include "core/rpc/wire/json.h"
#include "tests/unit/rpc/fixture.h"

#include <string.h>

static void
open_with_hub(struct fixture *f)
{
    fixture_open(f, NULL);
    fixture_do(f, "CreateHub", fixture_record("HubName_str=A", "Online_bool=true", NULL), PE_OK);
}

/* What a method says to JSON; NULL when it refused with that code. */
static struct record *
call_json(struct fixture *f, const char *method, const char *json, int code)
{
    const struct rpc_method *m = rpc_method_find(method);
    GError *error = NULL;
    g_autoptr(GString) text = g_string_new(json);
    (void)g_string_replace(text, "'", "\"", 0);
    json_t *object = rpc_json_parse(text->str, text->len, &error);

    g_assert_no_error(error);
    struct record *in = record_from_json(object, m->in, &error);
    g_assert_no_error(error);
    json_decref(object);
    return fixture_call(f, method, in, code);
}

static void
do_json(struct fixture *f, const char *method, const char *json, int code)
{
    record_free(call_json(f, method, json, code));
}

#define FULL                                                                                   \
    "'Note_utf':'why','Active_bool':true,'Priority_u32':7,'Discard_bool':false,"               \
    "'IsIPv6_bool':false,'SrcIpAddress_ip':'10.1.2.0','SrcSubnetMask_ip':'255.255.255.0',"     \
    "'DestIpAddress_ip':'10.9.9.9','DestSubnetMask_ip':'255.255.255.255','Protocol_u32':6,"    \
    "'SrcPortStart_u32':1,'SrcPortEnd_u32':65535,'DestPortStart_u32':80,'DestPortEnd_u32':81," \
    "'SrcUsername_str':'anna','DestUsername_str':'staff','CheckSrcMac_bool':true,"             \
    "'SrcMacAddress_bin':'XgAAAAAB','SrcMacMask_bin':'////////','CheckDstMac_bool':true,"      \
    "'DstMacAddress_bin':'XgAAAAAC','DstMacMask_bin':'/wAAAAAA','CheckTcpState_bool':true,"    \
    "'Established_bool':true,'Delay_u32':10,'Jitter_u32':20,'Loss_u32':30,"                    \
    "'RedirectUrl_str':'http://x/'"

/* Each field of the table comes back as it went in: the table itself says which there are. */
static void
test_every_field(void)
{
    struct fixture f = {0};

    open_with_hub(&f);
    do_json(&f, "AddAccess", "{'HubName_str':'A','AccessListSingle':[{" FULL "}]}", PE_OK);
    do_json(&f, "SetAddressSet",
            "{'HubName_str':'A','Name_str':'Office','Addresses_str':'10.0.0.0/8,fd00::1'}", PE_OK);
    do_json(&f, "AddAccess",
            "{'HubName_str':'A','AccessListSingle':[{'Priority_u32':1,'IsIPv6_bool':true,"
            "'SrcIpAddress6_bin':'/QAAAAAAAAAAAAAAAAAAAQ==',"
            "'SrcSubnetMask6_bin':'//8AAAAAAAAAAAAAAAAAAA==',"
            "'DestAddressSet_str':'@OFFICE'}]}",
            PE_OK);
    do_json(&f, "AddAccess",
            "{'HubName_str':'A','AccessListSingle':[{'Priority_u32':1,'IsIPv6_bool':true,"
            "'SrcAddressSet_str':'office',"
            "'DestIpAddress6_bin':'/QAAAAAAAAAAAAAAAAAAAQ==',"
            "'DestSubnetMask6_bin':'//8AAAAAAAAAAAAAAAAAAA=='}]}",
            PE_OK);
    g_autoptr(record_t) all = call_json(&f, "EnumAccess", "{'HubName_str':'A'}", PE_OK);
    g_assert_cmpuint(record_count(all, "AccessList"), ==, 3);

    /* Set the list to what was told: nothing changes, and no field is empty in all of the rules. */
    g_autoptr(record_t) again = fixture_call(&f, "SetAccessList", g_steal_pointer(&all), PE_OK);
    const struct rpc_method *m = rpc_method_find("SetAccessList");
    const struct rpc_field *rule = rpc_field_find(m->in, "AccessList")->members;
    static const uint8_t zero[16] = {0};
    for (unsigned i = 0; rule[i].name; i++) {
        bool said = false;
        for (unsigned k = 0; k < 3; k++) {
            const struct record *row = record_at(again, "AccessList", k);
            size_t len = 0;
            const void *bytes = "";
            switch (rpc_type_of(rule[i].name)) {
            case RPC_BOOL:
                said |= record_bool(row, rule[i].name);
                break;
            case RPC_U32:
                said |= record_u32(row, rule[i].name) != 0;
                break;
            case RPC_STR:
            case RPC_UTF:
                said |= record_text(row, rule[i].name)[0] != '\0';
                break;
            case RPC_BIN:
                bytes = record_bin(row, rule[i].name, &len);
                said |= len > 0 && memcmp(bytes, zero, len) != 0;
                break;
            case RPC_IP:
                said |= memcmp(record_ip(row, rule[i].name).b, zero, 4) != 0;
                break;
            default:
                break;
            }
        }
        if (!said && strcmp(rule[i].name, "Discard_bool") != 0)
            g_error("%s is lost on its way", rule[i].name);
    }
    g_assert_cmpstr(record_text(record_at(again, "AccessList", 0), "Rule_utf"), ==,
                    "pass tcp from 10.1.2.0/24 user anna mac 5e:00:00:00:00:01 port 1-65535 to "
                    "10.9.9.9 user staff mac 5e:00:00:00:00:02/ff:00:00:00:00:00 port 80-81, "
                    "established, delay 10 ms, jitter 20 %, loss 30 %, redirect to http://x/");
    fixture_close(&f);
}

static void
test_numbers(void)
{
    struct fixture f = {0};

    open_with_hub(&f);
    g_autoptr(record_t) one = call_json(
        &f, "AddAccess", "{'HubName_str':'A','AccessListSingle':[{'Active_bool':true}]}", PE_OK);
    const struct record *row = record_at(one, "AccessListSingle", 0);
    g_assert_cmpuint(record_u32(row, "Id_u32"), ==, 1);
    g_assert_cmpuint(record_u32(row, "Priority_u32"), ==, 10); /* behind the others */
    g_autoptr(record_t) two = call_json(
        &f, "AddAccess", "{'HubName_str':'A','AccessListSingle':[{'Discard_bool':true}]}", PE_OK);
    row = record_at(two, "AccessListSingle", 0);
    g_assert_cmpuint(record_u32(row, "Priority_u32"), ==, 20);
    do_json(&f, "SetAccess",
            "{'HubName_str':'A','AccessListSingle':[{'Id_u32':2,'Priority_u32':5}]}", PE_OK);
    do_json(&f, "SetAccess",
            "{'HubName_str':'A','AccessListSingle':[{'Id_u32':9,'Priority_u32':5}]}", PE_NOT_FOUND);
    do_json(&f, "DeleteAccess", "{'HubName_str':'A','Id_u32':1}", PE_OK);
    do_json(&f, "DeleteAccess", "{'HubName_str':'A','Id_u32':1}", PE_NOT_FOUND);
    g_autoptr(record_t) all = call_json(&f, "EnumAccess", "{'HubName_str':'A'}", PE_OK);
    g_assert_cmpuint(record_count(all, "AccessList"), ==, 1);
    row = record_at(all, "AccessList", 0);
    g_assert_cmpuint(record_u32(row, "Id_u32"), ==, 2);
    g_autoptr(record_t) status = call_json(&f, "GetHubStatus", "{'HubName_str':'A'}", PE_OK);
    g_assert_cmpuint(record_u32(status, "NumAccessLists_u32"), ==, 1);
    g_assert_false(record_bool(row, "Discard_bool"));
    fixture_close(&f);
}

static void
test_refused(void)
{
    static const char *const bad[] = {
        "", /* no rule at all */
        "{'Priority_u32':1},{'Priority_u32':2}",
        "{'Protocol_u32':256}",
        "{'SrcPortStart_u32':65536}",
        "{'SrcMacAddress_bin':'XgA='}",
        "{'SrcIpAddress_ip':'fd00::1'}",
        "{'IsIPv6_bool':true,'SrcIpAddress_ip':'10.0.0.1'}",
        "{'DestSubnetMask6_bin':'/QAAAAAAAAAAAAAAAAAAAQ=='}",
        "{'IsIPv6_bool':true,'SrcIpAddress6_bin':'XgA='}",
        "{'SrcUsername_str':'include:/etc/shadow'}",
        "{'Delay_u32':10001}",
    };
    struct fixture f = {0};

    open_with_hub(&f);
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        g_autofree char *json =
            g_strdup_printf("{'HubName_str':'A','AccessListSingle':[%s]}", bad[i]);
        do_json(&f, "AddAccess", json, PE_INVALID_PARAMETER);
    }
    do_json(&f, "AddAccess", "{'HubName_str':'A','AccessListSingle':[{'SrcAddressSet_str':'no'}]}",
            PE_NOT_FOUND);
    do_json(&f, "AddAccess", "{'HubName_str':'B','AccessListSingle':[{}]}", PE_HUB_NOT_FOUND);
    do_json(&f, "EnumAccess", "{'HubName_str':'B'}", PE_HUB_NOT_FOUND);
    do_json(&f, "SetAccessList",
            "{'HubName_str':'A','AccessList':[{'Priority_u32':1},{'Priority_u32':0}]}",
            PE_INVALID_PARAMETER);
    g_autoptr(record_t) all = call_json(&f, "EnumAccess", "{'HubName_str':'A'}", PE_OK);
    g_assert_cmpuint(record_count(all, "AccessList"), ==, 0);
    fixture_close(&f);
}

#define TRY "{'HubName_str':'A','SrcIpAddress_ip':'10.0.0.1','DestIpAddress_ip':'10.0.0.2'"

static void
check_try(struct fixture *f, const char *rest, const char *verdict, uint32_t id)
{
    g_autofree char *json = g_strdup_printf(TRY "%s}", rest);
    g_autoptr(record_t) out = call_json(f, "TestAccess", json, PE_OK);

    g_assert_cmpstr(record_text(out, "Verdict_str"), ==, verdict);
    g_assert_cmpuint(record_u32(out, "Id_u32"), ==, id);
}

static void
test_try(void)
{
    struct fixture f = {0};

    open_with_hub(&f);
    check_try(&f, "", "pass", 0);
    do_json(&f, "AddAccess",
            "{'HubName_str':'A','AccessListSingle':[{'Active_bool':true,'Discard_bool':true,"
            "'Protocol_u32':6,'DestPortStart_u32':22}]}",
            PE_OK);
    do_json(&f, "AddAccess",
            "{'HubName_str':'A','AccessListSingle':[{'Active_bool':true,'Discard_bool':true,"
            "'DestUsername_str':'bob'}]}",
            PE_OK);
    check_try(&f, ",'DestPort_u32':22", "discard", 1);
    check_try(&f, ",'DestPort_u32':80", "undecided", 2);
    check_try(&f, ",'DestPort_u32':80,'DestUsername_str':'carl'", "pass", 0);
    check_try(&f, ",'DestPort_u32':80,'DestUsername_str':'BOB'", "discard", 2);
    check_try(&f, ",'DestPort_u32':22,'Protocol_u32':17,'DestUsername_str':'carl'", "pass", 0);
    do_json(&f, "TestAccess",
            "{'HubName_str':'A','SrcIpAddress_ip':'10.0.0.1','DestIpAddress_ip':'fd00::1'}",
            PE_INVALID_PARAMETER);
    do_json(&f, "TestAccess", TRY ",'DestPort_u32':65536}", PE_INVALID_PARAMETER);
    fixture_close(&f);
}

static void
test_sets(void)
{
    struct fixture f = {0};

    open_with_hub(&f);
    do_json(&f, "SetAddressSet", "{'HubName_str':'A','Name_str':'@Lab','Addresses_str':'::/0'}",
            PE_OK);
    do_json(&f, "SetAddressSet", "{'HubName_str':'A','Name_str':'a b','Addresses_str':'::/0'}",
            PE_INVALID_PARAMETER);
    do_json(&f, "SetAddressSet", "{'HubName_str':'A','Name_str':'ok','Addresses_str':'10.0.0'}",
            PE_INVALID_PARAMETER);
    do_json(&f, "AddAccess",
            "{'HubName_str':'A','AccessListSingle':[{'Active_bool':true,'Discard_bool':true,"
            "'SrcAddressSet_str':'lab'}]}",
            PE_OK);
    check_try(&f, "", "pass", 0);
    /* A change of the set is in force at once. */
    do_json(&f, "SetAddressSet", "{'HubName_str':'A','Name_str':'LAB','Addresses_str':'10.0.0.1'}",
            PE_OK);
    check_try(&f, "", "discard", 1);
    do_json(&f, "DeleteAddressSet", "{'HubName_str':'A','Name_str':'lab'}", PE_INVALID_PARAMETER);
    do_json(&f, "DeleteAccess", "{'HubName_str':'A','Id_u32':1}", PE_OK);
    do_json(&f, "DeleteAddressSet", "{'HubName_str':'A','Name_str':'lab'}", PE_OK);
    do_json(&f, "DeleteAddressSet", "{'HubName_str':'A','Name_str':'lab'}", PE_NOT_FOUND);
    g_autoptr(record_t) all = call_json(&f, "EnumAddressSet", "{'HubName_str':'A'}", PE_OK);
    g_assert_cmpuint(record_count(all, "AddressSetList"), ==, 0);
    fixture_close(&f);
}

static void
test_sources(void)
{
    struct fixture f = {0};
    struct ip in = {4, {192, 0, 2, 9}}, out = {4, {198, 51, 100, 1}};

    open_with_hub(&f);
    g_autoptr(record_t) set =
        call_json(&f, "SetAcList",
                  "{'HubName_str':'A','ACList':["
                  "{'Priority_u32':10,'Masked_bool':true,'IpAddress_ip':'192.0.2.0',"
                  "'SubnetMask_ip':'255.255.255.0'},"
                  "{'Priority_u32':20,'Deny_bool':true,'Masked_bool':true,'IpAddress_ip':'0.0.0.0',"
                  "'SubnetMask_ip':'0.0.0.0'},"
                  "{'Priority_u32':30,'Deny_bool':true,'IpAddress_ip':'2001:db8::1'}]}",
                  PE_OK);
    g_assert_cmpuint(record_count(set, "ACList"), ==, 3);
    g_assert_true(record_bool(record_at(set, "ACList", 0), "Masked_bool"));
    g_assert_false(record_bool(record_at(set, "ACList", 2), "Masked_bool"));
    struct hub *hub = hubs_find(f.host.hubs, "A");
    g_assert_true(hub_admits(hub, &in, NULL));
    g_assert_false(hub_admits(hub, &out, NULL));

    do_json(&f, "SetAcList",
            "{'HubName_str':'A','ACList':[{'Priority_u32':1,'Masked_bool':true,"
            "'IpAddress_ip':'10.0.0.0','SubnetMask_ip':'255.0.255.0'}]}",
            PE_INVALID_PARAMETER);
    do_json(&f, "SetAcList",
            "{'HubName_str':'A','ACList':[{'Priority_u32':1,'Masked_bool':true,"
            "'IpAddress_ip':'10.0.0.0','SubnetMask_ip':'ffff::'}]}",
            PE_INVALID_PARAMETER);
    do_json(&f, "SetAcList", "{'HubName_str':'A','ACList':[{'Priority_u32':1}]}",
            PE_INVALID_PARAMETER);
    do_json(&f, "SetAcList", "{'HubName_str':'B','ACList':[]}", PE_HUB_NOT_FOUND);
    g_assert_false(hub_admits(hub, &out, NULL)); /* what was refused changed nothing */
    do_json(&f, "SetAcList", "{'HubName_str':'A','ACList':[]}", PE_OK);
    g_assert_true(hub_admits(hub, &out, NULL));
    hub_unref(hub);
    fixture_close(&f);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rpc/access/every-field", test_every_field);
    g_test_add_func("/rpc/access/numbers", test_numbers);
    g_test_add_func("/rpc/access/refused", test_refused);
    g_test_add_func("/rpc/access/try", test_try);
    g_test_add_func("/rpc/access/sets", test_sets);
    g_test_add_func("/rpc/access/sources", test_sources);
    return g_test_run();
}
