/* SPDX-License-Identifier: Apache-2.0 */
/* test-ovpn-cookie.c - a server's session id proves address, client and time, and nothing else
 * does.
 */

#include "core/proto/openvpn/cookie.h"

#include <glib.h>

static const uint8_t key[OVPN_COOKIE_KEY] = {1, 2, 3};
static const uint8_t client[OVPN_SID] = {9, 9, 9};

static struct endpoint
endpoint(const char *ip, uint16_t port)
{
    struct endpoint e = {.port = port};

    g_assert_true(ip_parse(ip, &e.ip));
    return e;
}

static void
test_time(void)
{
    struct endpoint peer = endpoint("192.0.2.1", 1194);
    const int64_t made = 1000 * OVPN_COOKIE_SLOT_S;
    uint8_t sid[OVPN_SID];

    ovpn_cookie_make(key, &peer, client, made, sid);
    g_assert_true(ovpn_cookie_check(key, &peer, client, made, sid));
    g_assert_true(ovpn_cookie_check(key, &peer, client, made + 2 * OVPN_COOKIE_SLOT_S, sid));
    g_assert_true(ovpn_cookie_check(key, &peer, client, made + 3 * OVPN_COOKIE_SLOT_S - 1, sid));
    g_assert_false(ovpn_cookie_check(key, &peer, client, made + 3 * OVPN_COOKIE_SLOT_S, sid));
    g_assert_false(ovpn_cookie_check(key, &peer, client, made - 1, sid));
}

static void
test_who(void)
{
    static const char *const others[] = {"192.0.2.2", "2001:db8::1", "::"};
    struct endpoint peer = endpoint("192.0.2.1", 1194);
    uint8_t sid[OVPN_SID];
    uint8_t other[32] = {0};

    ovpn_cookie_make(key, &peer, client, 5000, sid);
    for (unsigned i = 0; i < G_N_ELEMENTS(others); i++) {
        struct endpoint e = endpoint(others[i], 1194);
        g_assert_false(ovpn_cookie_check(key, &e, client, 5000, sid));
    }
    struct endpoint e = endpoint("192.0.2.1", 1195);
    g_assert_false(ovpn_cookie_check(key, &e, client, 5000, sid));
    g_assert_false(ovpn_cookie_check(key, &peer, other, 5000, sid));
    g_assert_false(ovpn_cookie_check(other, &peer, client, 5000, sid));
    for (unsigned bit = 0; bit < 8 * OVPN_SID; bit++) {
        uint8_t forged[OVPN_SID];
        memcpy(forged, sid, OVPN_SID);
        forged[bit / 8] ^= (uint8_t)(1 << bit % 8);
        g_assert_false(ovpn_cookie_check(key, &peer, client, 5000, forged));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/openvpn/cookie/time", test_time);
    g_test_add_func("/openvpn/cookie/who", test_who);
    return g_test_run();
}
