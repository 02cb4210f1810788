/* SPDX-License-Identifier: Apache-2.0 */
/* test-ike-vendor.c - vendor identifications are what they are the hash of. */

#include "core/proto/ikev1/keys.h"
#include "core/proto/ikev1/vendor.h"
#include "tests/unit/ikev1/hex.h"

#include <glib.h>

#include <string.h>

static unsigned
vendor_of(const char *text)
{
    uint8_t bytes[64];

    return ike1_vendor_of(reader_of(bytes, unhex(text, bytes, sizeof(bytes))));
}

static void
test_hashes(void)
{
    static const struct {
        enum ike1_vendor v;
        const char *text;
    } hashes[] = {
        {IKE1_VENDOR_NATT_RFC, "RFC 3947"},
        {IKE1_VENDOR_NATT_DRAFT03, "draft-ietf-ipsec-nat-t-ike-03"},
        {IKE1_VENDOR_NATT_DRAFT02, "draft-ietf-ipsec-nat-t-ike-02"},
        {IKE1_VENDOR_NATT_DRAFT02N, "draft-ietf-ipsec-nat-t-ike-02\n"},
        {IKE1_VENDOR_NATT_DRAFT00, "draft-ietf-ipsec-nat-t-ike-00"},
        {IKE1_VENDOR_APPLE, "draft-ietf-ipsec-nat-t-ike"},
        {IKE1_VENDOR_MICROSOFT, "MS NT5 ISAKMPOAKLEY"},
        {IKE1_VENDOR_FRAGMENTATION, "FRAGMENTATION"},
        {IKE1_VENDOR_STRONGSWAN, "strongSwan"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(hashes); i++) {
        char *text = g_strdup(hashes[i].text);
        uint8_t want[IKE1_HASH_MAX];
        const struct pf_slice part = {text, strlen(text)};
        struct reader r = ike1_vendor_bytes(hashes[i].v);
        g_assert_true(ike1_digest(IKE1_MD5, &part, 1, want));
        assert_bytes(r.at, r.left, want, 16);
        g_assert_cmpuint(ike1_vendor_of(r), ==, hashes[i].v);
        g_free(text);
    }
}

static void
test_versions(void)
{
    g_assert_cmpuint(vendor_of("1e2b516905991c7d7c96fcbfb587e461 00000008"), ==,
                     IKE1_VENDOR_MICROSOFT);
    g_assert_cmpuint(vendor_of("4048b7d56ebce88525e7de7f00d6c2d3 80000000"), ==,
                     IKE1_VENDOR_FRAGMENTATION);
    g_assert_cmpuint(vendor_of("afcad71368a1f1c96b8696fc77570100"), ==, IKE1_VENDOR_DPD);
    g_assert_cmpuint(vendor_of("afcad71368a1f1c96b8696fc77"), ==, 0);
    g_assert_cmpuint(vendor_of("09002689dfd6b712"), ==, IKE1_VENDOR_XAUTH);
    g_assert_cmpuint(vendor_of("12f5f28c457168a9702d9fe274cc0100"), ==, IKE1_VENDOR_UNITY);
    g_assert_cmpuint(vendor_of("7003cbc1097dbe9c2600ba6983bc8b35"), ==, IKE1_VENDOR_RACOON);
    g_assert_cmpuint(vendor_of("4a131c81070358455c5728f20e95452f 00"), ==, 0);
    g_assert_cmpuint(vendor_of("4a131c81070358455c5728f20e9545"), ==, 0);
    g_assert_cmpuint(vendor_of("e3a5966a76379fe707228231e5ce8652"), ==, 0);
    g_assert_cmpuint(vendor_of(""), ==, 0);
}

/* Everything that is sent is known when it comes, whole. */
static void
test_sent(void)
{
    for (unsigned v = 1; v <= IKE1_VENDOR_APPLE; v <<= 1) {
        struct reader r = ike1_vendor_bytes(v);
        g_assert_cmpuint(r.left, >=, 8);
        g_assert_cmpuint(ike1_vendor_of(r), ==, v);
    }
    struct reader dpd = ike1_vendor_bytes(IKE1_VENDOR_DPD);
    assert_hex(dpd.at, dpd.left, "afcad71368a1f1c96b8696fc77570100");
}

static void
test_makes(void)
{
    g_assert_cmpstr(ike1_vendor_make(IKE1_VENDOR_MICROSOFT | IKE1_VENDOR_FRAGMENTATION), ==,
                    "Windows");
    g_assert_cmpstr(ike1_vendor_make(IKE1_VENDOR_APPLE | IKE1_VENDOR_DPD), ==, "Apple");
    g_assert_cmpstr(ike1_vendor_make(IKE1_VENDOR_STRONGSWAN | IKE1_VENDOR_XAUTH), ==, "strongSwan");
    g_assert_null(ike1_vendor_make(IKE1_VENDOR_NATT_RFC | IKE1_VENDOR_DPD));
    g_assert_null(ike1_vendor_make(0));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ike-vendor/hashes", test_hashes);
    g_test_add_func("/ike-vendor/versions", test_versions);
    g_test_add_func("/ike-vendor/sent", test_sent);
    g_test_add_func("/ike-vendor/makes", test_makes);
    return g_test_run();
}
