/* SPDX-License-Identifier: Apache-2.0 */
/* test-nthash.c - RFC 1320 A.5, the NT hash of known passwords, passwords beyond ASCII. */

#include "core/crypto/nthash.h"

#include <glib.h>

#include <string.h>

static void
assert_hash(const uint8_t hash[NT_HASH_SIZE], const char *want)
{
    GString *s = g_string_new(NULL);
    for (unsigned i = 0; i < NT_HASH_SIZE; i++)
        g_string_append_printf(s, "%02x", hash[i]);
    g_assert_cmpstr(s->str, ==, want);
    g_string_free(s, TRUE);
}

static const struct {
    const char *text, *want;
} known[] = {
    {"", "31d6cfe0d16ae931b73c59d7e0c089c0"},
    {"a", "bde52cb31de33e46245e05fbdbd6fb24"},
    {"abc", "a448017aaf21d8525fc10ae87aa6729d"},
    {"message digest", "d9130a8164549fe818874806e1c7014b"},
    {"abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9"},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
     "043f8582f241db351ce627e153e7f0e4"},
    {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
     "e33b4ddc9c38f2199c3e7b164fcc0536"},
};

static void
test_md4(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        uint8_t h[NT_HASH_SIZE];
        md4(known[i].text, strlen(known[i].text), h);
        assert_hash(h, known[i].want);
    }
}

static void
test_nt_hash(void)
{
    uint8_t h[NT_HASH_SIZE], want[NT_HASH_SIZE];
    nt_hash("microsoft", h);
    assert_hash(h, "535aa08a36ce010447800ef9308f056e");
    nt_hash("", h);
    assert_hash(h, "31d6cfe0d16ae931b73c59d7e0c089c0");
    nt_hash("password", h);
    assert_hash(h, "8846f7eaee8fb117ad06bdd830b7586c");

    nt_hash("\xc3\xa4\xe2\x82\xac", h); /* a-umlaut, euro sign */
    md4("\xe4\x00\xac\x20", 4, want);
    g_assert_cmpmem(h, sizeof(h), want, sizeof(want));
    nt_hash("\xf0\x9f\x94\x91", h); /* U+1F511: a pair of surrogates */
    md4("\x3d\xd8\x11\xdd", 4, want);
    g_assert_cmpmem(h, sizeof(h), want, sizeof(want));
    nt_hash("\xe4", h); /* not UTF-8 */
    md4("\xe4\x00", 2, want);
    g_assert_cmpmem(h, sizeof(h), want, sizeof(want));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nthash/md4", test_md4);
    g_test_add_func("/nthash/nt-hash", test_nt_hash);
    return g_test_run();
}
