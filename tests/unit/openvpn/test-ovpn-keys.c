/* SPDX-License-Identifier: Apache-2.0 */
/* test-ovpn-keys.c - key material from key method 2, and payloads that are no packets. */

#include "core/proto/openvpn/data.h"
#include "tests/unit/openvpn/hex.h"

#include <glib.h>

static void
test_prf(void)
{
    struct ovpn_km2 client = {.from_client = true};
    struct ovpn_km2 server = {0};
    uint8_t client_sid[OVPN_SID];
    uint8_t server_sid[OVPN_SID];
    uint8_t block[OVPN_KEY_BLOCK];

    for (unsigned i = 0; i < sizeof(client.pre_master); i++)
        client.pre_master[i] = (uint8_t)i;
    memset(client.random1, 0x11, 32);
    memset(server.random1, 0x22, 32);
    memset(client.random2, 0x33, 32);
    memset(server.random2, 0x44, 32);
    (void)hex_bytes("0102030405060708", client_sid, OVPN_SID);
    (void)hex_bytes("1112131415161718", server_sid, OVPN_SID);
    g_assert_true(ovpn_keys_by_prf(&client, &server, client_sid, server_sid, block));
    hex_assert(block, 32, "f768d5abf7e4ffd6f2c6c6b9d48d8584d05b443d87aa5880ab173fd01a3bc3f8");
    hex_assert(block + 64, 8, "10dddfd8ca6827d3");
    hex_assert(block + 128, 32, "bf1bfeaf4a1d2661d97edca182bd5d617ea540fec82a96ca2c8e369b5176e5ed");
    hex_assert(block + 192, 8, "0ee73fa601577373");
}

static void
test_special(void)
{
    static const struct {
        const char *bytes;
        enum ovpn_special want;
    } cases[] = {
        {"2a187bf3641eb4cb07ed2d0a981fc748", OVPN_PING},
        {"2a187bf3641eb4cb07ed2d0a981fc749", OVPN_PAYLOAD},
        {"2a187bf3641eb4cb07ed2d0a981fc7", OVPN_PAYLOAD},
        {"2a187bf3641eb4cb07ed2d0a981fc74800", OVPN_PAYLOAD},
        {"287f346bd4ef7a812d56b8d3afc5459c", OVPN_OCC_OTHER},
        {"287f346bd4ef7a812d56b8d3afc5459c00", OVPN_OCC_REQUEST},
        {"287f346bd4ef7a812d56b8d3afc5459c01 5634", OVPN_OCC_REPLY},
        {"287f346bd4ef7a812d56b8d3afc5459c02", OVPN_OCC_OTHER},
        {"287f346bd4ef7a812d56b8d3afc5459c06", OVPN_OCC_EXIT},
        {"287f346bd4ef7a812d56b8d3afc5459d06", OVPN_PAYLOAD},
        {"45", OVPN_PAYLOAD},
        {"", OVPN_PAYLOAD},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint8_t bytes[64];
        size_t n = hex_bytes(cases[i].bytes, bytes, sizeof(bytes));
        g_assert_cmpint(ovpn_special_kind(bytes, n), ==, cases[i].want);
    }
}

static void
test_ciphers(void)
{
    for (unsigned c = OVPN_CIPHER_NONE_AGREED + 1; c < OVPN_N_CIPHERS; c++) {
        const char *name = ovpn_cipher_name((enum ovpn_cipher)c);
        g_autofree char *lower = g_ascii_strdown(name, -1);
        g_assert_cmpuint(ovpn_cipher_parse(name, strlen(name)), ==, c);
        g_assert_cmpuint(ovpn_cipher_parse(lower, strlen(lower)), ==, c);
        g_assert_cmpuint(ovpn_cipher_parse(name, strlen(name) - 1), ==, OVPN_CIPHER_NONE_AGREED);
        g_assert_true(ovpn_cipher_is_aead((enum ovpn_cipher)c) == (strstr(name, "CBC") == NULL));
    }
    g_assert_cmpuint(ovpn_cipher_parse("none", 4), ==, OVPN_CIPHER_NONE_AGREED);
    g_assert_cmpuint(ovpn_cipher_parse("BF-CBC", 6), ==, OVPN_CIPHER_NONE_AGREED);
    g_assert_cmpuint(ovpn_cipher_parse("AES-256-GCM:AES-128-GCM", 11), ==, OVPN_AES_256_GCM);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/openvpn/keys/prf", test_prf);
    g_test_add_func("/openvpn/keys/special", test_special);
    g_test_add_func("/openvpn/keys/ciphers", test_ciphers);
    return g_test_run();
}
