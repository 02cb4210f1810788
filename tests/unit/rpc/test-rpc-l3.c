/* SPDX-License-Identifier: Apache-2.0 */
/* test-rpc-l3.c - options of virtual hosts and of OpenVPN through the dispatcher, and the archive
 * of profiles. */
#include "core/rpc/openvpn_config.h"
#include "core/rpc/rpc_priv.h"
#include "core/rpc/securenat_config.h"
#include "core/rpc/zip.h"
#include "tests/unit/rpc/fixture.h"

#include <zlib.h>

static struct record *
options_of(struct fixture *f)
{
    return fixture_call(f, "GetSecureNATOption", fixture_record("RpcHubName_str=ONE", NULL), PE_OK);
}

static void
check_ip(const struct record *r, const char *field, const char *want)
{
    char text[IP_TEXT];
    struct ip ip = record_ip(r, field);

    g_assert_cmpstr(ip.family ? ip_print(&ip, text) : "", ==, want);
}

static void
test_securenat_options(void)
{
    struct fixture f = {0};
    size_t len = 0;

    fixture_open(&f, NULL);
    fixture_do(&f, "CreateHub", fixture_record("HubName_str=ONE", NULL), PE_OK);
    fixture_do(&f, "GetSecureNATOption", fixture_record("RpcHubName_str=TWO", NULL),
               PE_HUB_NOT_FOUND);
    g_autoptr(record_t) first = options_of(&f);
    g_autoptr(record_t) again = options_of(&f);
    check_ip(first, "Ip_ip", "192.168.30.1");
    check_ip(first, "DhcpLeaseIPStart_ip", "192.168.30.10");
    g_assert_true(record_bool(first, "UseNat_bool"));
    (void)record_bin(first, "MacAddress_bin", &len);
    g_assert_cmpuint(len, ==, 6);
    /* Drawn once. */
    g_assert_cmpmem(record_bin(first, "MacAddress_bin", &len), 6,
                    record_bin(again, "MacAddress_bin", &len), 6);
    g_assert_cmpstr(record_text(first, "Prefix6_str"), ==, record_text(again, "Prefix6_str"));
    g_assert_true(g_str_has_prefix(record_text(first, "Prefix6_str"), "fd"));

    record_set_text(again, "RpcHubName_str", "ONE");
    record_set_text(again, "DhcpPushRoutes_str",
                    "10.0.0.0/255.0.0.0/192.168.30.1, 10.9.0.0/16/192.168.30.2");
    record_set_text(again, "Reservations_str", "02:00:00:00:00:01=192.168.30.50");
    g_autoptr(record_t) set = fixture_call(&f, "SetSecureNATOption", again, PE_OK);
    again = NULL;
    g_assert_cmpstr(record_text(set, "DhcpPushRoutes_str"), ==,
                    "10.0.0.0/255.0.0.0/192.168.30.1, 10.9.0.0/255.255.0.0/192.168.30.2");

    /* A caller who does not know our fields does not lose them. */
    g_autoptr(record_t) theirs = options_of(&f);
    record_set_text(theirs, "RpcHubName_str", "ONE");
    record_remove(theirs, "Reservations_str");
    record_remove(theirs, "Prefix6_str");
    record_set_u32(theirs, "Mtu_u32", 1400);
    fixture_do(&f, "SetSecureNATOption", theirs, PE_OK);
    theirs = NULL;
    g_autoptr(record_t) kept = options_of(&f);
    g_assert_cmpstr(record_text(kept, "Reservations_str"), ==, "02:00:00:00:00:01=192.168.30.50");
    g_assert_cmpstr(record_text(kept, "Prefix6_str"), ==, record_text(first, "Prefix6_str"));
    g_assert_cmpuint(record_u32(kept, "Mtu_u32"), ==, 1400);
    fixture_close(&f);
}

static void
refused(struct fixture *f, const char *field, const char *text)
{
    g_autoptr(record_t) in = options_of(f);

    record_set_text(in, "RpcHubName_str", "ONE");
    record_set_text(in, field, text);
    fixture_do(f, "SetSecureNATOption", g_steal_pointer(&in), PE_INVALID_PARAMETER);
}

static void
test_securenat_refused(void)
{
    struct fixture f = {0};
    struct ip outside;

    fixture_open(&f, NULL);
    fixture_do(&f, "CreateHub", fixture_record("HubName_str=ONE", NULL), PE_OK);
    refused(&f, "DhcpPushRoutes_str", "10.0.0.0/255.0.255.0/192.168.30.1");
    refused(&f, "DhcpPushRoutes_str", "10.0.0.0");
    refused(&f, "Reservations_str", "02:00:00:00:00:01");
    refused(&f, "Prefix6_str", "fd00::/48");
    refused(&f, "DhcpDomainName_str", "a b");
    g_autoptr(record_t) in = options_of(&f);
    record_set_text(in, "RpcHubName_str", "ONE");
    g_assert_true(ip_parse("10.0.0.1", &outside));
    record_set_ip(in, "DhcpLeaseIPStart_ip", &outside);
    fixture_do(&f, "SetSecureNATOption", g_steal_pointer(&in), PE_INVALID_PARAMETER);
    fixture_close(&f);
}

static void
test_securenat_switch(void)
{
    struct fixture f = {0};
    bool on = false;

    fixture_open(&f, NULL);
    fixture_do(&f, "CreateHub", fixture_record("HubName_str=ONE", NULL), PE_OK);
    fixture_do(&f, "EnableSecureNAT", fixture_record("HubName_str=one", NULL), PE_OK);
    g_free(store_securenat_get(f.host.store, "ONE", &on));
    g_assert_true(on);
    fixture_do(&f, "DisableSecureNAT", fixture_record("HubName_str=ONE", NULL), PE_OK);
    g_free(store_securenat_get(f.host.store, "ONE", &on));
    g_assert_false(on);
    fixture_do(&f, "EnableSecureNAT", fixture_record("HubName_str=TWO", NULL), PE_HUB_NOT_FOUND);
    /* Nothing lives in this fixture. */
    fixture_do(&f, "GetSecureNATStatus", fixture_record("HubName_str=ONE", NULL), PE_NOT_FOUND);
    fixture_do(&f, "EnumDHCP", fixture_record("HubName_str=ONE", NULL), PE_NOT_FOUND);
    fixture_do(&f, "EnumNAT", fixture_record("HubName_str=TWO", NULL), PE_HUB_NOT_FOUND);
    fixture_close(&f);
}

static void
test_openvpn_options(void)
{
    struct fixture f = {0};

    fixture_open(&f, NULL);
    g_autoptr(record_t) first = fixture_call(&f, "GetOpenVpnOptions", record_new(), PE_OK);
    g_assert_true(record_bool(first, "Enabled_bool"));
    g_assert_false(record_bool(first, "AllowCbc_bool"));
    /* What is left out stays. */
    g_autoptr(record_t) set = fixture_call(&f, "SetOpenVpnOptions",
                                           fixture_record("UdpPorts_str=1194,1195", NULL), PE_OK);
    g_assert_true(record_bool(set, "Enabled_bool"));
    g_assert_cmpstr(record_text(set, "UdpPorts_str"), ==, "1194,1195");
    g_autoptr(record_t) old = fixture_call(&f, "GetOpenVpnSstpConfig", record_new(), PE_OK);
    g_assert_cmpstr(record_text(old, "OpenVPNPortList_str"), ==, "1194,1195");
    fixture_do(&f, "SetOpenVpnSstpConfig", fixture_record("EnableOpenVPN_bool=false", NULL), PE_OK);
    fixture_do(&f, "SetOpenVpnSstpConfig", fixture_record("EnableSSTP_bool=false", NULL), PE_OK);
    g_autoptr(record_t) both = fixture_call(&f, "GetOpenVpnSstpConfig", record_new(), PE_OK);
    g_assert_false(record_bool(both, "EnableSSTP_bool"));
    g_assert_false(record_bool(both, "EnableOpenVPN_bool")); /* as it was */
    fixture_do(&f, "SetOpenVpnSstpConfig", fixture_record("EnableSSTP_bool=true", NULL), PE_OK);
    g_autoptr(record_t) ports = fixture_call(&f, "GetPortsUDP", record_new(), PE_OK);
    g_assert_cmpuint(record_count(ports, "Ports_u32"), ==, 2);
    g_assert_cmpuint(record_u32_at(ports, "Ports_u32", 1), ==, 1195);

    fixture_do(&f, "SetOpenVpnOptions", fixture_record("Ciphers_str=BF-CBC", NULL),
               PE_INVALID_PARAMETER);
    fixture_do(&f, "SetOpenVpnOptions", fixture_record("Control_str=", NULL), PE_INVALID_PARAMETER);
    fixture_do(&f, "SetOpenVpnOptions", fixture_record("UdpPorts_str=70000", NULL),
               PE_INVALID_PARAMETER);
    fixture_do(&f, "SetOpenVpnOptions", fixture_record("TunMtu_u32=100", NULL),
               PE_INVALID_PARAMETER);
    fixture_do(&f, "SetOpenVpnOptions", fixture_record("PingRestart_u32=5", NULL),
               PE_INVALID_PARAMETER);
    fixture_do(&f, "MakeOpenVpnConfigFile", record_new(), PE_NOT_SUPPORTED); /* by this fixture */
    fixture_close(&f);
}

static uint32_t
le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Read back from its end, as programs do. */
static void
test_zip(void)
{
    static const struct zip_file files[] = {{"one.txt", "hello", 5}, {"two.bin", "\0\1\2", 3}};
    g_autoptr(GByteArray) zip = zip_make(files, 2);
    const uint8_t *end = zip->data + zip->len - 22;

    g_assert_cmphex(le32(end), ==, 0x06054b50);
    const uint8_t *at = zip->data + le32(end + 16);
    g_assert_cmpuint(le32(end + 12), ==, (uint32_t)(end - at));
    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmphex(le32(at), ==, 0x02014b50);
        g_assert_cmpuint(le32(at + 16), ==, crc32(0, files[i].bytes, (uInt)files[i].len));
        g_assert_cmpuint(le32(at + 24), ==, files[i].len);
        const uint8_t *local = zip->data + le32(at + 42);
        size_t name = strlen(files[i].name);
        g_assert_cmphex(le32(local), ==, 0x04034b50);
        g_assert_true(memcmp(local + 30, files[i].name, name) == 0);
        g_assert_true(memcmp(local + 30 + name, files[i].bytes, files[i].len) == 0);
        at += 46 + name;
    }
    g_assert_true(at == end);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rpc/l3/securenat-options", test_securenat_options);
    g_test_add_func("/rpc/l3/securenat-refused", test_securenat_refused);
    g_test_add_func("/rpc/l3/securenat-switch", test_securenat_switch);
    g_test_add_func("/rpc/l3/openvpn-options", test_openvpn_options);
    g_test_add_func("/rpc/l3/zip", test_zip);
    return g_test_run();
}
