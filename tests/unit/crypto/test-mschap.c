/* SPDX-License-Identifier: Apache-2.0 */
/* test-mschap.c - the examples of RFC 2759, 9.2, and RFC 3079, 3.5.3 (128 bits), and keys as
 * another implementation computes them. */

#include "core/crypto/mschap.h"

#include <glib.h>

#include <string.h>

static const uint8_t authenticator_challenge[] = {0x5B, 0x5D, 0x7C, 0x7D, 0x7B, 0x3F, 0x2F, 0x3E,
                                                  0x3C, 0x2C, 0x60, 0x21, 0x32, 0x26, 0x26, 0x28};
static const uint8_t peer_challenge[] = {0x21, 0x40, 0x23, 0x24, 0x25, 0x5E, 0x26, 0x2A,
                                         0x28, 0x29, 0x5F, 0x2B, 0x3A, 0x33, 0x7C, 0x7E};
static const char answer[] = "S=407A5589115FD0D6209F510FE9C04566932CDA56";

static void
assert_hex(const uint8_t *bytes, size_t len, const char *want)
{
    g_autoptr(GString) s = g_string_new(NULL);

    for (size_t i = 0; i < len; i++)
        g_string_append_printf(s, "%02X", bytes[i]);
    g_assert_cmpstr(s->str, ==, want);
}

struct example {
    uint8_t hash[MSCHAP_HASH], nt[NT_HASH_SIZE], hash_hash[NT_HASH_SIZE], response[MSCHAP_RESPONSE];
};

static void
example_init(struct example *e)
{
    nt_hash("clientPass", e->nt);
    mschap_hash_hash(e->nt, e->hash_hash);
    g_assert_true(mschap_challenge_hash(peer_challenge, authenticator_challenge, "User", e->hash));
    g_assert_true(mschap_response(e->hash, e->nt, e->response));
}

static void
test_response(void)
{
    struct example e;

    example_init(&e);
    assert_hex(e.hash, sizeof(e.hash), "D02E4386BCE91226");
    assert_hex(e.nt, sizeof(e.nt), "44EBBA8D5312B8D611474411F56989AE");
    assert_hex(e.hash_hash, sizeof(e.hash_hash), "41C00C584BD2D91C4017A2A12FA59F3F");
    assert_hex(e.response, sizeof(e.response), "82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF");
}

static void
test_authenticator(void)
{
    struct example e;
    char text[MSCHAP_AUTHENTICATOR_TEXT];

    example_init(&e);
    g_assert_true(mschap_authenticator(e.hash_hash, e.response, e.hash, text));
    g_assert_cmpstr(text, ==, answer);
    g_assert_true(mschap_authenticator_is_right(answer, e.hash_hash, e.response, e.hash));
    text[10] = text[10] == '1' ? '2' : '1';
    g_assert_false(mschap_authenticator_is_right(text, e.hash_hash, e.response, e.hash));
    g_assert_false(mschap_authenticator_is_right("S=40", e.hash_hash, e.response, e.hash));
    g_assert_false(mschap_authenticator_is_right("", e.hash_hash, e.response, e.hash));
}

static void
test_keys(void)
{
    struct example e;
    struct mschap_keys keys;

    example_init(&e);
    g_assert_true(mschap_server_keys(e.hash_hash, e.response, &keys));
    assert_hex(keys.send, sizeof(keys.send), "8B7CDC149B993A1BA118CB153F56DCCB");
    assert_hex(keys.receive, sizeof(keys.receive), "D5F0E9521E3EA9589645E86051C82226");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mschap/response", test_response);
    g_test_add_func("/mschap/authenticator", test_authenticator);
    g_test_add_func("/mschap/keys", test_keys);
    return g_test_run();
}
