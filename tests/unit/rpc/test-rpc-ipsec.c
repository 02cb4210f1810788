/* SPDX-License-Identifier: Apache-2.0 */
/* test-rpc-ipsec.c - IPsec, L2TP and the register of routers through the dispatcher. */
#include "core/rpc/ipsec_config.h"
#include "core/rpc/rpc_priv.h"
#include "tests/unit/rpc/fixture.h"

#include <string.h>

static bool
stored_psk_is(struct fixture *f, const char *text)
{
    g_autoptr(GBytes) psk = store_get_secret(f->host.store, IPSEC_SECRET_PSK);

    return psk && g_bytes_get_size(psk) == strlen(text) &&
           memcmp(g_bytes_get_data(psk, NULL), text, strlen(text)) == 0;
}

static void
test_services(void)
{
    struct fixture f = {0};

    fixture_open(&f, NULL);
    g_autoptr(record_t) first = fixture_call(&f, "GetIPsecServices", record_new(), PE_OK);
    g_assert_false(record_bool(first, "L2TP_IPsec_bool"));
    g_assert_false(record_bool(first, "HasSecret_bool"));
    g_assert_cmpstr(record_text(first, "Weak_str"), ==, "sha1");

    /* Not without a key; and what is refused changes nothing. */
    fixture_do(&f, "SetIPsecServices", fixture_record("L2TP_IPsec_bool=true", NULL),
               PE_INVALID_PARAMETER);
    fixture_do(&f, "SetIPsecServices",
               fixture_record("IPsec_Secret_str=vpn", "Weak_str=sha1,des", NULL),
               PE_INVALID_PARAMETER);
    g_assert_false(stored_psk_is(&f, "vpn"));
    fixture_do(&f, "SetIPsecServices", fixture_record("PublicAddress_str=192.0.2", NULL),
               PE_INVALID_PARAMETER);
    fixture_do(&f, "SetIPsecServices", fixture_record("DpdSeconds_u32=1", NULL),
               PE_INVALID_PARAMETER);

    g_autoptr(record_t) set =
        fixture_call(&f, "SetIPsecServices",
                     fixture_record("L2TP_IPsec_bool=true", "IPsec_Secret_str=vpn",
                                    "L2TP_DefaultHub_str=ONE", "Weak_str=SHA1,modp1024", NULL),
                     PE_OK);
    g_assert_true(record_bool(set, "L2TP_IPsec_bool"));
    g_assert_true(record_bool(set, "HasSecret_bool"));
    g_assert_cmpstr(record_text(set, "IPsec_Secret_str"), ==, "");
    g_assert_true(stored_psk_is(&f, "vpn"));

    /* What is left out, and an empty key, stay. */
    g_autoptr(record_t) again =
        fixture_call(&f, "SetIPsecServices",
                     fixture_record("EtherIP_IPsec_bool=true", "IPsec_Secret_str=", NULL), PE_OK);
    g_assert_true(record_bool(again, "L2TP_IPsec_bool"));
    g_assert_cmpstr(record_text(again, "L2TP_DefaultHub_str"), ==, "ONE");
    g_assert_true(stored_psk_is(&f, "vpn"));
    fixture_close(&f);
}

static void
test_weak(void)
{
    g_assert_cmpuint(ipsec_weak_bits("none"), ==, 0);
    g_assert_cmpuint(ipsec_weak_bits(""), ==, 0);
    g_assert_cmpuint(ipsec_weak_bits("SHA1, md5"), ==, 1 | 8);
    g_assert_cmpuint(ipsec_weak_bits("modp1024,3des"), ==, 2 | 4);
}

static void
test_routers(void)
{
    struct fixture f = {0};
    struct record *in;
    size_t len = 0;

    fixture_open(&f, NULL);
    fixture_do(&f, "CreateHub", fixture_record("HubName_str=ONE", NULL), PE_OK);
    fixture_do(&f, "AddEtherIpId",
               fixture_record("Id_str=x", "HubName_str=TWO", "UserName_str=u", NULL),
               PE_HUB_NOT_FOUND);
    fixture_do(&f, "AddEtherIpId",
               fixture_record("Id_str=x", "HubName_str=ONE", "UserName_str=u",
                              "IsAggressive_bool=true", NULL),
               PE_INVALID_PARAMETER);
    fixture_do(
        &f, "AddEtherIpId",
        fixture_record("Id_str=x", "HubName_str=ONE", "UserName_str=u", "LocalSession_u32=7", NULL),
        PE_INVALID_PARAMETER);
    in = fixture_record("Id_str=Branch", "HubName_str=one", "UserName_str=u", "Password_str=p",
                        "Secret_str=long", "IsAggressive_bool=true", "LocalSession_u32=7",
                        "PeerSession_u32=8", NULL);
    record_set_bin(in, "LocalCookie_bin", "\1\2\3\4", 4);
    g_autoptr(record_t) added = fixture_call(&f, "AddEtherIpId", in, PE_OK);
    g_assert_cmpstr(record_text(added, "HubName_str"), ==, "ONE");
    g_assert_cmpstr(record_text(added, "Password_str"), ==, "");
    g_assert_true(record_bool(added, "HasSecret_bool"));
    g_assert_cmpuint(record_u32(added, "PeerSession_u32"), ==, 8);
    g_assert_cmpmem(record_bin(added, "LocalCookie_bin", &len), 4, "\1\2\3\4", 4);
    (void)record_bin(added, "PeerCookie_bin", &len);
    g_assert_cmpuint(len, ==, 0);

    /* Written anew without a key it keeps its own; an empty one takes it away. */
    g_autoptr(record_t) anew = fixture_call(
        &f, "AddEtherIpId",
        fixture_record("Id_str=BRANCH", "HubName_str=ONE", "UserName_str=v", NULL), PE_OK);
    g_assert_true(record_bool(anew, "HasSecret_bool"));
    g_assert_cmpuint(record_u32(anew, "LocalSession_u32"), ==, 0);
    g_autoptr(record_t) bare = fixture_call(
        &f, "AddEtherIpId",
        fixture_record("Id_str=BRANCH", "HubName_str=ONE", "UserName_str=v", "Secret_str=", NULL),
        PE_OK);
    g_assert_false(record_bool(bare, "HasSecret_bool"));
    g_autoptr(record_t) all = fixture_call(&f, "EnumEtherIpId", record_new(), PE_OK);
    g_assert_cmpuint(record_count(all, "Settings"), ==, 1);
    fixture_do(&f, "DeleteEtherIpId", fixture_record("Id_str=branch", NULL), PE_OK);
    fixture_do(&f, "GetEtherIpId", fixture_record("Id_str=branch", NULL), PE_NOT_FOUND);
    fixture_close(&f);
}

static void
test_static(void)
{
    struct ipsec_static s;

    g_assert_true(ipsec_static_parse("7:4294967295:01020304:0a0b0c0d0e0f1011:1", &s));
    g_assert_cmpuint(s.local_session, ==, 7);
    g_assert_cmpuint(s.peer_session, ==, UINT32_MAX);
    g_assert_cmpuint(s.local_cookie_len, ==, 4);
    g_assert_cmpuint(s.peer_cookie_len, ==, 8);
    g_assert_cmpuint(s.peer_cookie[7], ==, 0x11);
    g_assert_true(s.sublayer);
    g_autofree char *text = ipsec_static_print(&s);
    g_assert_cmpstr(text, ==, "7:4294967295:01020304:0a0b0c0d0e0f1011:1");
    static const char *const bad[] = {"", "1:2", "0:2:::", "1:2:01:::", "1:2:0102030g::", "a:2:::"};
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
        g_assert_false(ipsec_static_parse(bad[i], &s));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rpc/ipsec/services", test_services);
    g_test_add_func("/rpc/ipsec/weak", test_weak);
    g_test_add_func("/rpc/ipsec/routers", test_routers);
    g_test_add_func("/rpc/ipsec/static", test_static);
    return g_test_run();
}
